"""What the commands and a bundle's transforms do with holes of labels, fractions, and parts outside of the image."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from cli_samples import SIDE, nifti, run, smooth
from io_samples import oblique_affine

from monai_inpaint import read_image

SHAPE = (SIDE, SIDE, 3)


@pytest.fixture
def head(tmp_path: Path) -> Path:
    return nifti(tmp_path / "head.nii", (1000 * smooth(SHAPE)).astype(np.int16))


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    voxels = np.zeros(SHAPE, np.uint8)
    voxels[20:30, 24:34, 1], voxels[60:70, 50:60, 1:] = 1, 2
    return nifti(tmp_path / "labels.nii", voxels)


def changed(first: Path, second: Path) -> np.ndarray:
    return np.asarray(nib.load(first).dataobj) != np.asarray(nib.load(second).dataobj)  # type: ignore[attr-defined]


def test_fill_asks_which_label_and_fills_that_alone(head: Path, labels: Path, tmp_path: Path, capfd) -> None:
    out = tmp_path / "out.nii"
    ran = run(capfd, "fill", head, labels, out, "--bundle", "mr")
    assert (ran.code, len(ran.lines), out.exists()) == (2, 1, False)
    assert "contains 2 labels: 1, 2; say which to fill: --segment" in ran.lines[0]

    assert run(capfd, "fill", head, labels, out, "--bundle", "mr", "--segment", "2").code == 0

    moved = changed(out, head)
    assert moved[60:70, 50:60, 1:].mean() > 0.8
    moved[60:70, 50:60, 1:] = False
    assert not moved.any()


def test_the_report_tells_threshold_and_share(head: Path, tmp_path: Path, capfd) -> None:
    soft = np.zeros((SIDE, SIDE, 3), np.float32)
    soft[:20, 30:40, 1] = 0.5
    soft[3:15, 30:40, 1] = 0.9
    affine = oblique_affine()
    affine[:, 3] = affine @ [-1, 0, 0, 1]  # a twentieth lies outside
    hole, report = nifti(tmp_path / "soft.nii", soft, affine), tmp_path / "report.json"

    assert run(capfd, "fill", head, hole, tmp_path / "o.nii", "--bundle", "mr", "--report", report).code == 0

    facts = json.loads(report.read_text())["hole"]
    assert (facts["threshold"], facts["kept"], facts["grid"]) == (0.5, 0.95, "resampled (nearest)")
    assert (facts["voxels"], facts["notes"], facts["grown_mm"]) == (190, [], 0.0)


def test_a_table_of_a_batch_names_the_segment_of_each_row(head: Path, labels: Path, tmp_path: Path, capfd) -> None:
    table = tmp_path / "pairs.csv"
    table.write_text(
        "image,hole,output,segment\nhead.nii,labels.nii,one.nii,1\nhead.nii,labels.nii,all.nii,*\n"
        "head.nii,labels.nii,none.nii,\n"
    )

    ran = run(capfd, "batch", table, tmp_path / "out", "--bundle", "mr")

    assert ran.out.startswith("2 done, 1 input error")
    assert "say which to fill" in ran.lines[0]
    assert np.flatnonzero(changed(tmp_path / "out" / "one.nii", head).any(axis=(1, 2)))[[0, -1]].tolist() == [20, 29]
    assert np.flatnonzero(changed(tmp_path / "out" / "all.nii", head).any(axis=(1, 2)))[[0, -1]].tolist() == [20, 69]
    table.write_text(table.read_text().replace("one.nii,1", "one.nii,2").replace("none.nii,", "none.nii,1"))
    assert run(capfd, "batch", table, tmp_path / "out", "--bundle", "mr", "--resume").out.startswith(
        "1 input error, 1 "
    )


def test_metal_takes_a_segment_of_its_region_and_none_without(head: Path, labels: Path, tmp_path: Path, capfd) -> None:
    ran = run(capfd, "metal", head, tmp_path / "o.nii", "--bundle", "mr", "--segment", "1")
    assert ran.code == 2
    assert "--segment selects a part of --region" in ran.lines[0]


def test_a_bundle_run_by_monai_reads_the_same_hole(head: Path, labels: Path) -> None:
    pytest.importorskip("monai")
    from monai_inpaint import InputError
    from monai_inpaint.transforms import ReadFillPaird

    case = {"image": head, "hole": labels}
    with pytest.raises(InputError, match="say which to fill"):
        ReadFillPaird()(case)
    read = ReadFillPaird()({**case, "segment": "1"})
    assert np.array_equal(read["image"][1].numpy() != 0, read_image(labels).voxels == 1)
    assert read["segment"] == "1"
