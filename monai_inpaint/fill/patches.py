"""Fill the slices of an image that hold a part of the hole."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.fill.compose import Patch
from monai_inpaint.fill.slabs import Generator, Slab, fill_slabs
from monai_inpaint.fill.slicing import in_own_order, slice_axis, with_slices_last
from monai_inpaint.fill.windows import LARGEST, SHARE, SMALLEST, bounds
from monai_inpaint.imaging.bounding_box import Box, extent
from monai_inpaint.imaging.display import displayed
from monai_inpaint.imaging.image import Image

Progress = Callable[[int, int], None]
VOXELS = 64 * 128 * 128  # of a slab: bounds memory where a hole runs through a whole volume
FEWEST = 16  # slices filled at once, however large they are
CONTEXT = 8  # slices on either side of those to fill that a network of volumes sees with them


def fill_patches(
    source: Image,
    hole: np.ndarray,
    generator: Generator,
    progress: Progress | None = None,
    box: Box | None = None,
    seed: Sequence[int] | None = None,
) -> tuple[list[Patch], list[int]]:
    """What a network fills into the hole of an image, and the sides of the windows it was shown.

    A network of volumes is given slabs, one after another: what is filled in one is known to the next.

    Args:
        source: 2D, or 3D with slices along the axis that `slice_axis` tells; slices far from the hole are not looked
            at.
        hole: bool, of the image's shape.
        generator: an engine.
        progress: called with the work done and the work in all, in hundredths of a slice.
        box: the hole's bounding box, where it is known already.
        seed: fill with the sample that belongs to these numbers; None: with the best estimate.

    Raises:
        InputError: a slice of which nothing is known.
    """
    sides: list[int] = []
    box = box or extent(hole)
    if box is None:
        return [], sides
    axis = slice_axis(source)
    source, hole = with_slices_last(source, axis), np.moveaxis(hole, axis, -1)
    box = (*box[:axis], *box[axis + 1 :], box[axis])
    marked = _marked_slices(hole, box)
    volumes = generator.channels == 6 and source.voxels.ndim == 3
    done = 0
    patches: dict[int, Patch] = {}
    most = most_slices(*(side.stop - side.start for side in box[:2]))
    for chunk in _chunks(marked, most, CONTEXT if volumes else len(marked)):
        if volumes:
            first, last = max(chunk[0] - CONTEXT, 0), min(chunk[-1] + CONTEXT + 1, source.voxels.shape[2])
            shown = [range(first, last)]
        else:
            shown = [range(k, k + 1) for k in chunk]
        parts, arrays = zip(*(_slab(source, hole, box, seen, chunk, patches) for seen in shown), strict=True)
        if seed is not None:
            for part, seen in zip(parts, shown, strict=True):
                part.seeds = [(*seed, k) for k in seen]
        sides += fill_slabs(parts, generator, _scaled(progress, done, len(chunk), len(marked)))
        done += len(chunk)
        for seen, values in zip(shown, arrays, strict=True):
            for k in sorted({*seen} & {*chunk}):
                patches[k] = _patch(source, _section(hole, box, k), values[..., k - seen[0]], k)
    return [in_own_order(patches[k], axis) for k in marked], sides


def most_slices(*sides: int) -> int:
    """Slices to fill at once, of a hole with a bounding box of these sides in a slice, in voxels.

    As many as possible, so that both its ends are seen.
    """
    side = min(max(SMALLEST, max(sides) / SHARE), LARGEST)
    return max(int(VOXELS / side**2) - 2 * CONTEXT, FEWEST)


def _chunks(marked: Sequence[int], most: int, gap: int) -> list[list[int]]:
    """At most so many slices together, and none that are further apart than the gap."""
    chunks: list[list[int]] = []
    for k in marked:
        if chunks and len(chunks[-1]) < most and k - chunks[-1][-1] <= gap:
            chunks[-1].append(k)
        else:
            chunks.append([k])
    return chunks


def _slab(
    source: Image, hole: np.ndarray, box: Box, seen: range, chunk: Sequence[int], filled: Mapping[int, Patch]
) -> tuple[Slab, np.ndarray]:
    """These slices for the network, and their values in the array's own order, which will be filled with them.

    Only the slices of the chunk are to be filled. Of the others, those filled before are known.
    """
    values = np.stack([source.units(_index(source, k)) for k in seen], axis=-1)
    if source.inverted:
        np.negative(values, out=values)
    marked = np.stack([_section(hole, box, k) for k in seen], axis=-1)
    unknown = marked | ~np.isfinite(values)
    for n, k in enumerate(seen):
        if k in chunk:
            if unknown[..., n].all():
                where = "the image" if source.voxels.ndim == 2 else f"slice {k}"
                raise InputError(f"The hole leaves nothing known in {where}; mark a smaller hole.")
            continue
        if k in filled:
            patch = filled[k]
            inside = (*patch.index[:2], n)
            values[inside][patch.hole] = patch.units[patch.hole] * (-1.0 if source.inverted else 1.0)
            unknown[inside][patch.hole] = False
        marked[..., n] = False
    part = Slab(
        _stacked(values, source),
        _stacked(marked, source).copy(),
        _stacked(unknown, source).copy(),
        _ratio(source),
    )
    return part, values


def _stacked(values: np.ndarray, source: Image) -> np.ndarray:
    """A view as (slices, rows, columns) on the screen."""
    return np.moveaxis(displayed(values, source.affine), -1, 0)


def _ratio(source: Image) -> float:
    """Spacing of slices over that of voxels within a slice; 1 where it is not known."""
    spacing = source.spacing
    return float(spacing[2] / np.sqrt(spacing[0] * spacing[1])) if spacing and len(spacing) == 3 else 1.0


def _index(source: Image, k: int) -> tuple[Any, ...]:
    return (slice(None), slice(None)) if source.voxels.ndim == 2 else (slice(None), slice(None), k)


def _patch(source: Image, hole: np.ndarray, values: np.ndarray, k: int) -> Patch:
    """Only the hole's bounding box is kept."""
    top, bottom, left, right = bounds(hole)
    box = (slice(top, bottom), slice(left, right))
    units = -values[box] if source.inverted else values[box].copy()
    return Patch(box if source.voxels.ndim == 2 else (*box, k), hole[box], units)


def _marked_slices(hole: np.ndarray, box: Box) -> list[int]:
    """The slices that hold a part of the hole; the only one of a 2D image is 0."""
    return [0] if hole.ndim == 2 else [box[2].start + int(k) for k in np.flatnonzero(hole[box].any(axis=(0, 1)))]


def _section(hole: np.ndarray, box: Box, k: int) -> np.ndarray:
    """The hole in one slice, copied out of its box: a slice of a volume may lie far apart in memory."""
    place = box[:2]
    section = np.zeros(hole.shape[:2], bool)
    if hole.ndim == 2:
        section[place] = hole[place]
    elif box[2].start <= k < box[2].stop:
        section[place] = hole[(*place, k)]
    return section


def _scaled(progress: Progress | None, before: int, here: int, total: int) -> Progress | None:
    """Progress over all slices, out of the progress over the windows of some."""
    if progress is None:
        return None
    return lambda done, windows: progress(100 * before + 100 * here * done // windows, 100 * total)
