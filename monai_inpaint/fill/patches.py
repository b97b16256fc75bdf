"""Fill the slices of an image that hold a part of the hole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.extent import Box, extent
from monai_inpaint.fill.compose import Patch
from monai_inpaint.fill.display import displayed
from monai_inpaint.fill.slabs import Generator, Slab, fill_slabs
from monai_inpaint.fill.windows import bounds
from monai_inpaint.images import Image

Progress = Callable[[int, int], None]
_CHUNK = 16  # slices worked on at once: bounds memory where a hole runs through a whole volume


def fill_patches(
    source: Image,
    hole: np.ndarray,
    generator: Generator,
    progress: Progress | None = None,
    box: Box | None = None,
    seed: Sequence[int] | None = None,
) -> tuple[list[Patch], list[int]]:
    """What a network fills into the hole of an image, and the sides of the windows it was shown.

    Args:
        source: 2D, or 3D with slices along the last axis; slices without a hole are not looked at.
        hole: bool, of the image's shape.
        generator: an engine.
        progress: called with the work done and the work in all, in hundredths of a slice.
        box: the hole's bounding box, where it is known already.
        seed: fill with the sample that belongs to these numbers; None: with the best estimate.

    Raises:
        InputError: a slice of which nothing is known.
    """
    patches: list[Patch] = []
    sides: list[int] = []
    box = box or extent(hole)
    if box is None:
        return patches, sides
    marked = _marked_slices(hole, box)
    for start in range(0, len(marked), _CHUNK):
        chunk = marked[start : start + _CHUNK]
        sections = [_section(hole, box, index) for index in chunk]
        parts, arrays = zip(*(_slab(source, part, at) for part, at in zip(sections, chunk, strict=True)), strict=True)
        if seed is not None:
            for part, index in zip(parts, chunk, strict=True):
                part.rng = np.random.default_rng([*seed, *index[2:]])  # of its own, however slices share chunks
        sides += fill_slabs(parts, generator, _scaled(progress, start, len(chunk), len(marked)))
        patches += [_patch(source, *each) for each in zip(sections, arrays, chunk, strict=True)]
    return patches, sides


def _slab(source: Image, hole: np.ndarray, index: Any) -> tuple[Slab, np.ndarray]:
    """The slice at `index` for the network, and its values in the array's own order, which will be filled with it."""
    values = source.units(index)
    if source.inverted:
        np.negative(values, out=values)
    unknown = hole | ~np.isfinite(values)
    if unknown.all():
        where = "the image" if source.voxels.ndim == 2 else f"slice {index[2]}"
        raise InputError(f"The hole leaves nothing known in {where}; mark a smaller hole.")
    part = Slab(
        displayed(values, source.affine)[None],
        displayed(hole, source.affine)[None].copy(),
        displayed(unknown, source.affine)[None].copy(),
    )
    return part, values


def _patch(source: Image, hole: np.ndarray, values: np.ndarray, index: Any) -> Patch:
    """Only the hole's bounding box is kept."""
    top, bottom, left, right = bounds(hole)
    box = (slice(top, bottom), slice(left, right))
    units = -values[box] if source.inverted else values[box].copy()
    return Patch(box if source.voxels.ndim == 2 else (*box, index[2]), hole[box], units)


def _marked_slices(hole: np.ndarray, box: Box) -> list[Any]:
    """Indices of the slices that hold a part of the hole."""
    whole = (slice(None), slice(None))
    if hole.ndim == 2:
        return [whole]
    return [(*whole, box[2].start + int(k)) for k in np.flatnonzero(hole[box].any(axis=(0, 1)))]


def _section(hole: np.ndarray, box: Box, index: Any) -> np.ndarray:
    """The hole in one slice, copied out of its box: a slice of a volume may lie far apart in memory."""
    place = box[:2]
    section = np.zeros(hole.shape[:2], bool)
    section[place] = hole[place] if hole.ndim == 2 else hole[(*place, index[2])]
    return section


def _scaled(progress: Progress | None, before: int, here: int, total: int) -> Progress | None:
    """Progress over all slices, out of the progress over the windows of some."""
    if progress is None:
        return None
    return lambda done, windows: progress(100 * before + 100 * here * done // windows, 100 * total)
