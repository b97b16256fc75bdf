"""`monai-inpaint difference`: what a user types, what lies there afterwards, what the exit code says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cli_samples import ct_voxels, json_lines, nifti, run, tree
from lung_samples import LEFT, RIGHT, film
from PIL import Image as Pillow

from monai_inpaint import Filler, read_image
from monai_inpaint.anomaly import compute_anomaly_map, doubled_difference
from monai_inpaint.datasets import read_boxes
from monai_inpaint.imaging.image import Image


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    pixels = film(RIGHT, LEFT, shape=(192, 160))
    Pillow.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(tmp_path / "film.png")
    return tmp_path / "film.png"


def test_the_map_the_boxes_and_the_report_are_written_together(picture: Path, tmp_path: Path, capfd) -> None:
    output, boxes, report = (tmp_path / name for name in ("map.tif", "boxes.csv", "report.json"))

    ran = run(capfd, "difference", picture, output, "--bundle", "cxr", "--boxes", boxes, "--report", report)

    assert (ran.code, ran.out, ran.lines) == (0, "", [])
    map_ = read_image(output).voxels
    assert map_.shape == (192, 160)
    assert map_.dtype == np.float32
    assert map_.any()
    facts = json.loads(report.read_text())
    assert "Research use only" in facts["notice"]
    assert facts["files"] == {"image": "film.png", "output": "map.tif"}
    assert facts["search"]["region"] == "lungs"
    assert facts["search"]["pixels"] == np.count_nonzero(map_)
    assert facts["search"]["holes"] > 3
    assert facts["search"]["reference_films"] >= 100
    assert {"read", "search", "write", "total"} == set(facts["seconds"])
    assert str(tmp_path) not in report.read_text()
    found = read_boxes(boxes)
    assert {box.image for box in found} == {"film.png"}
    assert all(box.x >= 0 and box.x + box.w <= 160 and box.y >= 0 and box.y + box.h <= 192 for box in found)


def test_a_volume_is_searched_slice_by_slice_where_its_body_is(tmp_path: Path, capfd) -> None:
    volume = nifti(tmp_path / "ct.nii", ct_voxels((96, 96, 2)))

    assert run(capfd, "difference", volume, tmp_path / "map.nii.gz", "--bundle", "ct").code == 0

    source, map_ = read_image(volume), read_image(tmp_path / "map.nii.gz")
    assert map_.voxels.shape == (96, 96, 2)
    assert np.allclose(map_.affine, source.affine, atol=1e-4)
    assert map_.voxels.any(axis=(0, 1)).all()


def test_json_progress_names_the_stages(picture: Path, tmp_path: Path, capfd) -> None:
    steps = json_lines(
        run(capfd, "difference", picture, tmp_path / "m.tif", "--bundle", "cxr", "--progress", "json").lines
    )

    assert list(dict.fromkeys(line["stage"] for line in steps)) == ["read", "search", "write"]
    assert [line["seconds"] for line in steps] == sorted(line["seconds"] for line in steps)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["film.png", "map.png"], "cannot store float32"),
        (["film.png", "map.tif", "--boxes", "boxes.txt"], "end with .csv"),
        (["film.png", "map.tif", "--doubled", "doubled.jpg"], "end with .png"),
        (["volume.nii", "map.nii", "--doubled", "doubled.png"], "leave it out"),
        (["film.png", "map.tif", "--report", "report.csv"], "end with .json"),
        (["film.png", "map.tif", "--boxes", "none/boxes.csv"], "does not exist"),
        (["missing.png", "map.tif"], "does not exist"),
        (["small.png", "map.tif"], "too small to search"),
        (["volume.nii", "map.tif"], "cannot hold a volume"),
        (["volume.nii", "map.nii", "--boxes", "boxes.csv"], "leave it out"),
        (["film.png", "film.tif", "--boxes", "there.csv"], "exists"),
    ],
)
def test_bad_input_is_one_sentence_and_code_2(
    words: list[str], said: str, picture: Path, tmp_path: Path, capfd, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Pillow.fromarray(np.arange(50 * 90, dtype=np.uint8).reshape(50, 90)).save("small.png")
    nifti(tmp_path / "volume.nii", ct_voxels())
    Path("there.csv").write_text("mine")
    before = tree(tmp_path)

    ran = run(capfd, "difference", *words, "--bundle", "cxr")

    assert ran.code == 2
    assert len(ran.lines) == 1
    assert said in ran.lines[0]
    assert tree(tmp_path) == before


def test_a_picture_without_modality_asks_for_a_bundle(picture: Path, tmp_path: Path, capfd) -> None:
    ran = run(capfd, "difference", picture, tmp_path / "map.tif")

    assert ran.code == 2
    assert "--bundle" in ran.lines[0]


def test_an_interrupted_run_leaves_nothing(picture: Path, tmp_path: Path, capfd, monkeypatch) -> None:
    def interrupted(*_, **__) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("monai_inpaint.anomaly.write_candidates", interrupted)
    before = tree(tmp_path)

    ran = run(capfd, "difference", picture, tmp_path / "map.tif", "--bundle", "cxr", "--boxes", tmp_path / "boxes.csv")

    assert (ran.code, ran.lines) == (130, ["monai-inpaint: interrupted"])
    assert tree(tmp_path) == before


def test_an_output_is_replaced_only_with_overwrite(picture: Path, tmp_path: Path, capfd) -> None:
    output = tmp_path / "map.tif"
    output.write_text("mine")

    assert run(capfd, "difference", picture, output, "--bundle", "cxr").code == 2
    assert output.read_text() == "mine"
    assert run(capfd, "difference", picture, output, "--bundle", "cxr", "--overwrite").code == 0
    assert read_image(output).voxels.shape == (192, 160)


def test_the_difference_is_doubled_as_a_picture(picture: Path, tmp_path: Path, capfd) -> None:
    doubled = tmp_path / "doubled.png"

    ran = run(capfd, "difference", picture, tmp_path / "map.tif", "--bundle", "cxr", "--doubled", doubled)

    assert (ran.code, ran.lines) == (0, [])
    with Pillow.open(doubled) as file:
        grey = np.asarray(file)
        assert "difference" in file.info["Derived"].lower()
    found = compute_anomaly_map(Filler("cxr"), replace(read_image(picture), modality="cxr"))
    assert grey.shape == (192, 160)
    assert grey.any()
    assert np.array_equal(grey, np.rint(np.clip(2 * np.abs(found.difference.astype(float)), 0, 255)))
    assert not grey[~found.region].any()


def test_of_more_bits_white_is_the_window(tmp_path: Path) -> None:
    image = Image(np.arange(100 * 100, dtype=np.uint16).reshape(100, 100), modality="cxr")
    low, high = np.percentile(image.voxels, (0.5, 99.5))

    grey = doubled_difference(image, np.full((100, 100), -(high - low) / 5, np.float32)).voxels

    assert np.unique(grey).tolist() == [102]
