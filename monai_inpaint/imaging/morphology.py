"""Typed morphology of scipy.ndimage, which is imported when first called."""

# scipy brings no types
# pyright: basic

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from monai_inpaint.imaging.bounding_box import extent


def connected_parts(hole: np.ndarray) -> tuple[np.ndarray, list[tuple[slice, slice]]]:
    """Label the parts of a 2D hole that are connected by edges or corners: labels from 1, and their bounding boxes."""
    from scipy import ndimage

    result: Any = ndimage.label(hole, structure=np.ones((3, 3), bool))
    return result[0], ndimage.find_objects(result[0])


def depth(hole: np.ndarray) -> np.ndarray:
    """Distance of each hole voxel to the nearest voxel outside the hole, in voxels."""
    from scipy import ndimage

    result: Any = ndimage.distance_transform_edt(hole)
    return result


def grown(hole: np.ndarray, mm: float, spacing: Sequence[float]) -> np.ndarray:
    """Dilate the hole by all voxels whose centres are within `mm` of the centre of one of its own.

    Args:
        hole: bool, 2D or 3D.
        mm: 0 or more.
        spacing: mm between voxels along each axis.
    """
    from scipy import ndimage

    box = extent(hole)
    if box is None:
        return hole
    reach = [int(mm / length) for length in spacing]
    near = tuple(slice(max(b.start - r, 0), b.stop + r) for b, r in zip(box, reach, strict=True))
    result = hole.copy(order="K")
    distance: Any = ndimage.distance_transform_edt(~hole[near], sampling=spacing)
    result[near] = distance <= mm + 1e-6 * min(spacing)
    return result


def enlarged(values: np.ndarray, factor: int) -> np.ndarray:
    """Enlarge every axis of an array by a whole factor, linearly interpolated."""
    from scipy import ndimage

    result: Any = ndimage.zoom(values, factor, order=1, mode="nearest", grid_mode=True)
    return result
