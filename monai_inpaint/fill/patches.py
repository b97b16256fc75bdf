"""Fill the hole of an image: which blocks of it a network is shown, and what it fills into them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.fill.blocks import Block, Generator, fill_blocks
from monai_inpaint.fill.compose import Patch, widened
from monai_inpaint.fill.continuation import continuation, nearness
from monai_inpaint.fill.slicing import in_own_order, slice_axis, with_slices_last
from monai_inpaint.fill.windows import LARGEST, MULTIPLE, SHARE, SMALLEST, STARTED, bounds
from monai_inpaint.imaging.bounding_box import Box, extent
from monai_inpaint.imaging.image import Image
from monai_inpaint.progress import Steps, part

VOXELS = 64 * 128 * 128  # of the windows of slices filled at once: bounds memory where a hole runs through a volume
FEWEST = 16  # slices filled at once, however large they are
CROP = 2**25  # voxels around a hole that is seen across all three axes, at most
ACROSS = 32  # voxels along each axis that there are around such a hole, at least
NEARLY_ISOTROPIC = 1.5  # largest over smallest spacing of a volume that is seen so
AROUND = 8  # voxels around a hole from which its continuation comes


def fill_patches(
    source: Image,
    hole: np.ndarray,
    generator: Generator,
    progress: Steps | None = None,
    box: Box | None = None,
    seed: Sequence[int] | None = None,
) -> tuple[list[Patch], list[int]]:
    """What a network fills into the hole of an image, and the sides of the windows it was shown.

    A network that takes starts is given the continuation of the whole volume; where voxels are nearly isotropic, it
    sees the hole in slices across all three axes, else in those that were taken. Any other sees slice by slice.

    Args:
        source: 2D, or 3D with slices along the axis that `slice_axis` tells; voxels far from the hole are not looked
            at.
        hole: bool, of the image's shape.
        generator: an engine.
        progress: called with the work done and the work in all, in hundredths of a slice.
        box: the hole's bounding box, where it is known already.
        seed: fill with the sample that belongs to these numbers; None: with the best estimate.

    Raises:
        InputError: a slice of which nothing is known.
    """
    box = box or extent(hole)
    if box is None:
        return [], []
    axis = slice_axis(source)
    source, hole = with_slices_last(source, axis), np.moveaxis(hole, axis, -1)
    box = (*box[:axis], *box[axis + 1 :], box[axis])
    marked = _marked_slices(hole, box)
    start = _start(source, hole, box) if generator.channels == 6 and hole.ndim == 3 else None
    crop = _crop(source, hole, box) if start else None
    patches: list[Patch] = []
    sides: list[int] = []
    for chunk in [marked] if crop else _chunks(marked, most_slices(*(side.stop - side.start for side in box[:2]))):
        places = [crop] if crop else [_slice(hole, k) for k in chunk]
        blocks = [_block(source, hole, box, place, start, seed) for place in places]
        sides += fill_blocks(blocks, generator, part(progress, len(patches), len(marked), len(chunk)))
        patches += [
            _patch(source, _section(hole, box, k), block.values[..., k - place[2].start], place, k)
            for block, place in zip(blocks, places, strict=True)
            for k in chunk
            if place[2].start <= k < place[2].stop
        ]
    return [in_own_order(patch, axis) for patch in patches], sides


class _Start(NamedTuple):
    """The continuation of a volume in a box around its hole, and by axis how near it is to what is known."""

    box: Box
    values: np.ndarray
    near: Mapping[int, np.ndarray]


def _start(source: Image, hole: np.ndarray, box: Box) -> _Start:
    around = widened(box, AROUND)
    values = _units(source, around)
    unknown = hole[around] | ~np.isfinite(values)
    if unknown.all():
        raise InputError("The hole leaves nothing known around it; mark a smaller hole.")
    spacing = source.spacing or (1.0, 1.0, 1.0)
    near = {axis: nearness(unknown, axis, _ratio(spacing, axis)) for axis in range(3)}
    around = tuple(slice(side.start, side.start + size) for side, size in zip(around, values.shape, strict=True))
    return _Start(around, continuation(values, unknown), near)


def _ratio(spacing: Sequence[float], axis: int) -> float:
    """Spacing along an axis over that of voxels within the slices across it."""
    one, other = (mm for number, mm in enumerate(spacing) if number != axis)
    return float(spacing[axis] / np.sqrt(one * other))


def _crop(source: Image, hole: np.ndarray, box: Box) -> Box | None:
    """What windows around the hole may show of a volume across all three axes; None where only one makes sense.

    So it is where voxels are far from isotropic or slices are few, where the hole takes whole slices across an axis,
    and where it is so large that this would take much memory.
    """
    spacing = source.spacing or (1.0, 1.0, 1.0)
    extents = [side.stop - side.start for side in box]
    crop = crop_around(box, hole.shape)
    shape = [side.stop - side.start for side in crop]
    if max(spacing) > NEARLY_ISOTROPIC * min(spacing) or min(shape) < ACROSS or np.prod(shape) > CROP:
        return None
    as_wide = sum(mine == whole for mine, whole in zip(extents, shape, strict=True))
    return None if as_wide > 1 else crop


def crop_around(box: Sequence[slice], shape: Sequence[int]) -> Box:
    """A hole's bounding box and as much around it as windows across any axis may show, within the volume."""
    longest = max(side.stop - side.start for side in box)
    margin = int(max(STARTED[0], longest / SHARE)) // 2 + MULTIPLE
    return tuple(
        slice(max(side.start - margin, 0), min(side.stop + margin, size)) for side, size in zip(box, shape, strict=True)
    )


def _slice(hole: np.ndarray, k: int) -> Box:
    return (slice(0, hole.shape[0]), slice(0, hole.shape[1]), slice(k, k + 1))


def _block(
    source: Image, hole: np.ndarray, box: Box, place: Box, start: _Start | None, seed: Sequence[int] | None
) -> Block:
    """A part of an image for the network, to be seen across all axes unless it is a slice."""
    values = _units(source, place)
    inside = np.zeros(values.shape, bool)
    mine, theirs = _shared(place, (*box, slice(0, 1))[:3])
    inside[mine] = _with_slices(hole[box])[theirs]
    unknown = inside | ~np.isfinite(values)
    several = values.shape[2] > 1
    if not several and unknown.all():
        where = "the image" if hole.ndim == 2 else f"slice {place[2].start}"
        raise InputError(f"The hole leaves nothing known in {where}; mark a smaller hole.")
    block = Block(values, inside, unknown, source.affine, (0, 1, 2) if several else (2,))
    if seed is not None:
        block.seeds = [(*seed, k) for k in range(place[2].start, place[2].stop)]
    if start:
        mine, theirs = _shared(place, start.box)
        block.start, *near = (np.zeros(values.shape, np.float32) for _ in range(4))
        block.start[mine] = start.values[theirs]
        block.near = dict(enumerate(near))
        for axis, part in block.near.items():
            part[mine] = start.near[axis][theirs]
    return block


def _shared(place: Box, other: Box) -> tuple[Box, Box]:
    """What two boxes share, in the indices of each."""
    both = [slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(place, other, strict=True)]
    mine, theirs = (
        tuple(slice(s.start - part.start, s.stop - part.start) for s, part in zip(both, whole, strict=True))
        for whole in (place, other)
    )
    return mine, theirs


def _units(source: Image, place: Box) -> np.ndarray:
    """(i, j, k) in units, negative where low values are shown bright; a 2D image is one slice."""
    values = _with_slices(source.units(place[: source.voxels.ndim]))
    return -values if source.inverted else values


def _with_slices(values: np.ndarray) -> np.ndarray:
    return values[..., None] if values.ndim == 2 else values


def most_slices(*sides: int) -> int:
    """Slices to fill at once, of a hole with a bounding box of these sides in a slice, in voxels."""
    side = min(max(SMALLEST, max(sides) / SHARE), LARGEST)
    return max(int(VOXELS / side**2), FEWEST)


def _chunks(marked: Sequence[int], most: int) -> list[list[int]]:
    return [list(marked[first : first + most]) for first in range(0, len(marked), most)]


def _patch(source: Image, hole: np.ndarray, values: np.ndarray, place: Box, k: int) -> Patch:
    """What was filled in a slice, of whose hole only the bounding box is kept; `values` are those of the place."""
    top, bottom, left, right = bounds(hole)
    box = (slice(top, bottom), slice(left, right))
    units = values[tuple(slice(s.start - p.start, s.stop - p.start) for s, p in zip(box, place[:2], strict=True))]
    units = -units if source.inverted else units.copy()
    return Patch(box if source.voxels.ndim == 2 else (*box, k), hole[box], units)


def _marked_slices(hole: np.ndarray, box: Box) -> list[int]:
    """The slices that hold a part of the hole; the only one of a 2D image is 0."""
    return [0] if hole.ndim == 2 else [box[2].start + int(k) for k in np.flatnonzero(hole[box].any(axis=(0, 1)))]


def _section(hole: np.ndarray, box: Box, k: int) -> np.ndarray:
    """The hole in one slice, copied out of its box: a slice of a volume may lie far apart in memory."""
    place = box[:2]
    section = np.zeros(hole.shape[:2], bool)
    section[place] = hole[place] if hole.ndim == 2 else hole[(*place, k)]
    return section
