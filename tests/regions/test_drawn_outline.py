"""Outlines that are drawn on a plane through a volume become voxels."""

from __future__ import annotations

import numpy as np
import pytest

from monai_inpaint.regions.drawn_outline import inside_outline

SHAPE = (20, 30, 12)
AFFINE = np.array([[0, -2.0, 0, 50], [2.0, 0, 0, -20], [0, 0, 5.0, 3], [0, 0, 0, 1]])


def _drawn(corners: list[list[float]], affine: np.ndarray, normal: list[float], depth: float = 0.0) -> np.ndarray:
    """The whole volume with what an outline (voxel indices) marks."""
    outline = np.array(corners) @ affine[:3, :3].T + affine[:3, 3]
    box, inside = inside_outline(SHAPE, affine, outline, np.array(normal, float), depth)
    whole = np.zeros(SHAPE, bool)
    whole[box] = inside
    return whole


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_rectangle_marks_the_voxels_within_it_in_one_slice(axis: int) -> None:
    corners = np.array([[3.6, 4.6, 5.6], [3.6, 9.4, 5.6], [8.4, 9.4, 5.6], [8.4, 4.6, 5.6]])[
        :, np.roll([0, 1, 2], axis + 1)
    ]
    corners[:, axis] = 7.3
    normal = AFFINE[:3, axis] / np.linalg.norm(AFFINE[:3, axis])
    expected = np.ones(SHAPE, bool)
    for along, at in enumerate(np.indices(SHAPE)):
        low, high = (7, 7) if along == axis else (corners[:, along].min(), corners[:, along].max())
        expected &= (at >= low) & (at <= high)

    assert expected.any()
    assert (_drawn(corners.tolist(), AFFINE, normal.tolist()) == expected).all()


def test_depth_is_counted_in_mm_to_both_sides() -> None:
    drawn = _drawn([[3, 3, 6], [3, 9, 6], [9, 9, 6], [9, 3, 6]], AFFINE, [0, 0, 1], depth=21)

    assert np.flatnonzero(drawn.any(axis=(0, 1))).tolist() == [4, 5, 6, 7, 8]


def test_a_plane_through_an_oblique_volume_marks_the_voxels_that_it_cuts() -> None:
    turn = np.deg2rad(30)
    rotated = np.eye(4)
    rotated[:3, :3] = [[1, 0, 0], [0, np.cos(turn), -np.sin(turn)], [0, np.sin(turn), np.cos(turn)]]
    affine = rotated @ AFFINE
    middle = affine[:3, :3] @ [10, 15, 6] + affine[:3, 3]
    outline = middle + np.array([[-8, -8, 0], [-8, 8, 0], [8, 8, 0], [8, -8, 0]])
    box, inside = inside_outline(SHAPE, affine, outline, np.array([0, 0, 1.0]))
    places = (np.argwhere(inside) + [part.start for part in box]) @ affine[:3, :3].T + affine[:3, 3]

    assert len(places)
    assert (np.abs(places[:, :2] - middle[:2]) <= 8.001).all()
    assert (np.abs(places[:, 2] - middle[2]) <= 0.5 * np.abs(affine[2, :3]).sum()).all()
    assert len(np.unique(np.round(places[:, :2] / 4), axis=0)) > 12  # all over the square


def test_an_outline_beside_the_volume_marks_nothing() -> None:
    assert not _drawn([[3, 3, 60], [3, 9, 60], [9, 9, 60]], AFFINE, [0, 0, 1]).any()
    assert not _drawn([[-30, 3, 6], [-30, 9, 6], [-20, 9, 6]], AFFINE, [0, 0, 1]).any()
