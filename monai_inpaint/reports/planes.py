"""Draw three planes of a volume through a voxel, side by side."""

# numpy brings no types of the elements of an array
# pyright: basic

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monai_inpaint.imaging.display import display_axes, displayed

GAP = 4  # pixels between planes


def planes(values: np.ndarray, centre: Sequence[int], affine: np.ndarray) -> np.ndarray:
    """Return the axial, coronal and sagittal slice through a voxel as displayed, from left to right.

    Args:
        values: (i, j, k) numbers or truth values.
        centre: index of the voxel.
        affine: (4, 4), indices to RAS+ mm. Of oblique volumes each plane is the array's own that comes closest.

    Returns:
        (rows, columns) with square pixels of the smallest spacing, nearest voxel. Pixels between and below the planes
        are NaN, or False in a boolean array.
    """
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    shown = [_plane(values, axis, centre[axis], affine, spacing) for axis in _normals(affine / [*spacing, 1])]
    rows = max(len(plane) for plane in shown)
    empty = False if values.dtype == bool else np.nan
    framed = [np.pad(p, ((0, rows - len(p)), (0, GAP)), constant_values=empty) for p in shown]
    return np.concatenate(framed, axis=1)[:, :-GAP]


def _normals(directions: np.ndarray) -> list[int]:
    """The array axes that run most nearly to the head, to the front and to the side, each once."""
    left = [0, 1, 2]
    normals = []
    for towards in (2, 1, 0):
        normals.append(max(left, key=lambda axis: abs(directions[towards, axis])))
        left.remove(normals[-1])
    return normals


def _plane(values: np.ndarray, axis: int, index: int, affine: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    sides = [side for side in range(3) if side != axis]
    turned = affine[:, [*sides, axis, 3]]
    pixels = displayed(values.take(index, axis=axis), turned)
    pixels = pixels if pixels.dtype == bool else pixels.astype(np.float64)
    transposed = display_axes(turned)[0]
    for along, side in enumerate(sides[::-1] if transposed else sides):
        count = pixels.shape[along]
        wide = max(round(count * spacing[side] / spacing.min()), 1)
        nearest = ((np.arange(wide) + 0.5) * (count / wide)).astype(int)
        pixels = pixels.take(nearest, axis=along)
    return pixels
