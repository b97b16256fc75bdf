"""Composite fills into their source image, in this place only, and hash the voxels outside the hole as proof."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from monai_inpaint.imaging.image import Image


@dataclass(frozen=True)
class Patch:
    """The fill of one slice.

    Attributes:
        index: its place in the image's array: two slices, and for a volume the slice number at the axis of the slices.
        hole: bool, of the shape of that place.
        units: float32 intensities, of the same shape; only those inside the hole are used.
    """

    index: tuple[Any, ...]
    hole: np.ndarray
    units: np.ndarray


def widened(index: tuple[Any, ...], margin: int) -> tuple[Any, ...]:
    """Return a patch's index with both slices extended by a margin at each end; arrays clip it at theirs."""
    wide: list[Any] = []
    for side in index:
        part: Any = side
        wide.append(slice(max(part.start - margin, 0), part.stop + margin) if type(part) is slice else part)
    return tuple(wide)


def compose(source: Image, patches: Sequence[Patch]) -> Image:
    """Composite: inside the hole the fill, converted to stored values; everywhere else the source's stored values."""
    voxels = source.voxels.copy(order="K")
    for patch in patches:
        stored = source.stored(patch.units, patch.index)
        voxels[patch.index][patch.hole] = stored[patch.hole]
    return source.with_voxels(voxels)


def difference(source: Image, filled: Image, patches: Sequence[Patch]) -> np.ndarray:
    """Compute filled - source in units, float32; 0 outside the hole, NaN where the source was not finite."""
    return in_place(source, [_change(source, filled, patch) for patch in patches])


def in_place(source: Image, patches: Sequence[Patch]) -> np.ndarray:
    """Put the patches' values into an array of the source's shape, float32; 0 outside the hole."""
    # np.zeros, not zeros_like: memory that is never written is never touched.
    order = "F" if source.voxels.flags.f_contiguous else "C"
    result = np.zeros(source.voxels.shape, np.float32, order)
    for patch in patches:
        result[patch.index][patch.hole] = patch.units[patch.hole]
    return result


def _change(source: Image, filled: Image, patch: Patch) -> Patch:
    change = filled.units(patch.index).astype(np.float64) - source.units(patch.index)
    return Patch(patch.index, patch.hole, change.astype(np.float32))


def untouched_hash(voxels: np.ndarray, hole: np.ndarray) -> str:
    """Compute the SHA-256 of the stored bytes outside the hole, slice by slice along the last axis.

    Args:
        voxels: 2D or 3D.
        hole: bool, of the same shape.
    """
    digest = hashlib.sha256()
    for part, inside in _last_axis(voxels, hole):
        known = part[~inside] if inside.any() else np.ascontiguousarray(part)
        digest.update(known.data if known.size else b"")
    return digest.hexdigest()


def _last_axis(voxels: np.ndarray, hole: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    # Transposed, because files keep the first axis fastest: then a slice is one run of memory and nothing is copied.
    if voxels.ndim == 2:
        yield voxels.T, hole.T
        return
    for k in range(voxels.shape[2]):
        yield voxels[:, :, k].T, hole[:, :, k].T
