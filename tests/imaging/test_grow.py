"""A hole made larger by some mm."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from cli_samples import nifti, picture, picture_hole, run, smooth

from monai_inpaint import Filler, InputError
from monai_inpaint.imaging.morphology import grown

SPACING = (1.0, 2.0, 5.0)


def test_a_hole_grows_by_mm_along_each_axis_whatever_the_spacing() -> None:
    hole = np.zeros((21, 21, 21), bool)
    hole[10, 10, 10] = True

    larger = grown(hole, 6.0, SPACING)

    distance = np.sqrt(sum(((n - 10) * mm) ** 2 for n, mm in zip(np.indices(hole.shape), SPACING, strict=True)))
    assert np.array_equal(larger, distance <= 6.0)


def test_a_hole_at_the_border_grows_into_the_image_only() -> None:
    hole = np.zeros((8, 8), bool)
    hole[0, 3] = True

    assert np.argwhere(grown(hole, 1.0, (1.0, 1.0))).tolist() == [[0, 2], [0, 3], [0, 4], [1, 3]]


def test_a_hole_grown_by_less_than_a_voxel_stays() -> None:
    hole = np.zeros((8, 8), bool)
    hole[4, 4] = True

    assert np.array_equal(grown(hole, 0.9, (1.0, 1.0)), hole)


def test_fill_grows_the_hole_and_the_report_says_so(tmp_path: Path, capfd) -> None:
    shape = (64, 64, 8)
    hole = np.zeros(shape, np.uint8)
    hole[30:34, 30:34, 4] = 1
    affine = np.diag([1.0, 2.0, 5.0, 1.0])
    image = nifti(tmp_path / "image.nii", (1000 * smooth(shape)).astype(np.int16), affine)
    marked = nifti(tmp_path / "hole.nii", hole, affine)

    ran = run(
        capfd, "fill", image, marked, tmp_path / "out.nii", "--bundle", "mr", "--grow", 5,
        "--report", tmp_path / "report.json",
    )  # fmt: skip

    report = json.loads((tmp_path / "report.json").read_text())
    assert ran.code == 0
    assert report["hole"]["grown_mm"] == 5
    assert report["hole"]["voxels"] == grown(hole.astype(bool), 5.0, SPACING).sum() > hole.sum()


@pytest.mark.parametrize("mm", ["-1", "nan", "inf"])
def test_growing_by_what_is_no_length_is_refused_in_a_sentence(mm: str, tmp_path: Path, capfd) -> None:
    film, hole = picture(tmp_path / "film.png"), picture_hole(tmp_path / "hole.png")

    ran = run(capfd, "fill", film, hole, tmp_path / "out.png", "--bundle", "cxr", f"--grow={mm}")

    assert ran.code == 2
    assert "cannot be grown" in ran.lines[0]


def test_growing_in_an_image_without_spacing_is_refused() -> None:
    image = smooth((64, 64)).astype(np.float32)
    hole = np.zeros(image.shape, bool)
    hole[30:34, 30:34] = True

    with pytest.raises(InputError, match="no spacing"):
        Filler("cxr")(image, hole, grow=2.0)


def test_a_hole_that_grows_over_the_whole_image_is_refused() -> None:
    hole = np.zeros((32, 32, 4), bool)
    hole[16, 16, 2] = True

    with pytest.raises(InputError, match="grown by 500 mm covers the whole image"):
        Filler("mr")(smooth(hole.shape).astype(np.float32), hole, spacing=(1, 1, 1), grow=500.0)
