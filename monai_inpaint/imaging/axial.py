"""View a volume as a stack of axial slices, whatever the order of its axes; metal streaks are within these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from monai_inpaint.imaging.image import Image


@dataclass(frozen=True)
class Axial:
    """The axis and order of the axial slices of an image.

    Attributes:
        image: the image.
        axis: of its array, across the slices; None for a single slice.
        spacing: mm within the slice and then across, in the order of a slice's axes; the last one is infinite for a
            single slice, so that nothing reaches across.
    """

    image: Image
    axis: int | None
    spacing: tuple[float, float, float]

    @property
    def count(self) -> int:
        """Number of slices."""
        return 1 if self.axis is None else self.image.voxels.shape[self.axis]

    def index(self, number: int) -> tuple[Any, ...]:
        """Return the slice of that number in the image's array."""
        if self.axis is None:
            return (slice(None), slice(None))
        index: list[Any] = [slice(None)] * 3
        index[self.axis] = number
        return tuple(index)

    def solid(self, values: np.ndarray) -> np.ndarray:
        """Return a view of an array of the image's shape as (axis, axis, slice)."""
        return values[..., None] if self.axis is None else np.moveaxis(values, self.axis, -1)

    def stored(self) -> np.ndarray:
        """Return the stored voxels in that order."""
        return self.solid(self.image.voxels)

    def units(self, box: Sequence[slice] = (slice(None),) * 3) -> np.ndarray:
        """Return the voxels of a box of (axis, axis, slice) in units, float32, in that order."""
        first, second, across = box
        if self.axis is None:
            return self.image.units((first, second))[..., None][..., across]
        index = [first, second]
        index.insert(self.axis, across)
        return np.moveaxis(self.image.units(tuple(index)), self.axis, -1)


def axial_slices(image: Image) -> Axial:
    """Find the slices across the axis closest to the head-foot direction; the last axis without geometry.

    Args:
        image: 2D, treated as one axial slice, or 3D. Without spacing voxels count as 1 mm.
    """
    spacing = image.spacing or (1.0,) * image.voxels.ndim
    if image.voxels.ndim == 2:
        return Axial(image, None, (spacing[0], spacing[1], np.inf))
    axis = 2
    if image.affine is not None:
        upwards = np.abs(image.affine[2, :3]) / np.asarray(spacing)
        axis = max(range(3), key=lambda a: (round(float(upwards[a]), 6), a))
    first, second = (spacing[a] for a in range(3) if a != axis)
    across = spacing[axis] if image.voxels.shape[axis] > 1 else np.inf
    return Axial(image, axis, (first, second, across))
