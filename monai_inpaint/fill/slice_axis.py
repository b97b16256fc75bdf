"""Find the through-plane axis of a volume: that of its thick slices, or of its only one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from monai_inpaint.fill.compose import Patch
from monai_inpaint.imaging.image import Image

_THICK = 1.5  # times the spacing of both other axes


def slice_axis(image: Image) -> int:
    """The axis across the slices: that of a single voxel, or of spacing much larger than the others; else the last one.

    Sagittal slices have it first in RAS.
    """
    single = [axis for axis, size in enumerate(image.voxels.shape) if size == 1]
    if image.voxels.ndim == 3 and len(single) == 1:
        return single[0]
    spacing = image.spacing
    if spacing is None or len(spacing) < 3:
        return image.voxels.ndim - 1
    *_, second, thickest = np.argsort(spacing, kind="stable")
    return int(thickest) if spacing[thickest] > _THICK * spacing[second] else 2


def with_slices_last(image: Image, axis: int) -> Image:
    """Return the same image with that axis as the last one and the others in their order; nothing is copied."""
    order = [*(other for other in range(image.voxels.ndim) if other != axis), axis]
    if order == sorted(order):
        return image
    affine = None if image.affine is None else image.affine[:, [*order, 3]]
    slope, intercept = (
        np.broadcast_to(scale, image.voxels.shape).transpose(order) if np.ndim(scale) else scale
        for scale in (image.slope, image.intercept)
    )
    voxels = image.voxels.transpose(order)
    return replace(image, voxels=voxels, affine=affine, slope=slope, intercept=intercept)


def in_own_order(patch: Patch, axis: int) -> Patch:
    """Return a patch of `with_slices_last(image, axis)` as one of the image itself."""
    if len(patch.index) < 3:
        return patch
    *plane, number = patch.index
    return replace(patch, index=(*plane[:axis], number, *plane[axis:]))
