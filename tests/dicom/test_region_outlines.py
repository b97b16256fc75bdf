"""Outlines along the edges of voxels, as every program fills them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from monai_inpaint.regions.contours import inside_contours

pytest.importorskip("shapely")

from monai_inpaint.dicom.region_outlines import outlines_of  # noqa: E402


def ring() -> np.ndarray:
    """A ring with a dot in its cavity."""
    away = np.hypot(*np.mgrid[-20:21, -20:21])
    return ((away > 8) & (away < 14)) | (away < 3)


def blobs(level: float) -> np.ndarray:
    """Islands, cavities and voxels that touch at a corner only."""
    return gaussian_filter(np.random.default_rng(0).normal(size=(60, 80)), 1) > level


REGIONS = {
    "one voxel": np.eye(5, dtype=bool)[:1],
    "diagonal": np.eye(5, dtype=bool),
    "ring": ring(),
    "blobs": blobs(0.0),
    "pores": blobs(-0.3),
    "all": np.ones((7, 4), bool),
}


def area(corners: np.ndarray) -> float:
    """Within an outline (the shoelace formula)."""
    first, second = corners.T
    return abs(float(first @ np.roll(second, 1) - second @ np.roll(first, 1))) / 2


@pytest.mark.parametrize("name", REGIONS)
def test_outlines_hold_the_very_voxels_of_the_region(name: str) -> None:
    region = REGIONS[name]
    outlines = outlines_of(region)

    assert np.array_equal(inside_contours(outlines, region.shape), region)
    assert sum(map(area, outlines)) == pytest.approx(np.count_nonzero(region), rel=0.005)


@pytest.mark.parametrize("name", REGIONS)
def test_no_two_outlines_overlap_so_that_no_cavity_is_needed(name: str) -> None:
    region = REGIONS[name]

    filled = [inside_contours([outline], region.shape) for outline in outlines_of(region)]

    assert np.array_equal(np.sum(filled, axis=0), region)


@pytest.mark.parametrize("name", REGIONS)
def test_corners_rounded_to_voxels_are_in_the_region(name: str) -> None:
    region = REGIONS[name]

    corners = np.rint(np.concatenate(outlines_of(region))).astype(int)

    assert region[tuple(corners.T)].all()


def test_a_straight_edge_has_no_corners_on_its_way() -> None:
    assert sorted(map(len, outlines_of(REGIONS["all"]))) == [4]


def test_nothing_has_no_outlines() -> None:
    assert outlines_of(np.zeros((4, 4), bool)) == []
