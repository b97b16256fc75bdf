"""Cut blocks out of an image: the hole and the slices or surroundings that its network sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.fill.blocks import Block
from monai_inpaint.fill.sampler import Draw
from monai_inpaint.imaging.bounding_box import Box, extent
from monai_inpaint.imaging.image import Image


class Region(NamedTuple):
    """A part of a volume's voxels: its bounding box, and bool of that box's shape."""

    box: Box
    inside: np.ndarray

    @property
    def extents(self) -> tuple[int, ...]:
        """Voxels of the box along each axis."""
        return self.inside.shape


def region_of(hole: np.ndarray, box: Box) -> Region:
    """Return the hole as a region of an image with three axes; a 2D image is one slice."""
    return Region((*box, slice(0, 1))[:3], with_slices(hole[box]))


def units_of(source: Image, place: Box) -> np.ndarray:
    """(i, j, k) in units, float32, negative where low values are shown bright; a 2D image is one slice."""
    values = with_slices(source.units(place[: source.voxels.ndim]))
    return -values if source.inverted else values


def with_slices(values: np.ndarray) -> np.ndarray:
    """Return a 2D array as one slice of three axes."""
    return values[..., None] if values.ndim == 2 else values


def slice_of(shape: Sequence[int], k: int) -> Box:
    """Return the box of a whole slice."""
    return (slice(0, shape[0]), slice(0, shape[1]), slice(k, k + 1))


def block_of(
    source: Image, region: Region, place: Box, blind: Sequence[Region] = (), draw: Draw | None = None
) -> Block:
    """Cut the block at `place`, with the region as its hole: a slice, or a block to slice across all three axes.

    Args:
        source: with slices along the last axis.
        region: the voxels to fill.
        place: a slice, or the surroundings of the region.
        blind: other regions that count as unknown.
        draw: the sample to fill the hole with; None: the best estimate.

    Raises:
        InputError: a slice without known voxels.
    """
    values = units_of(source, place)
    hole = np.zeros(values.shape, bool)
    put(hole, place, region.inside, region.box)
    unknown = unknown_in(values, place, (region, *blind))
    single = values.shape[2] == 1
    if single and unknown.all():
        where = "the image" if source.voxels.ndim == 2 else f"slice {place[2].start}"
        raise InputError(f"The hole leaves nothing known in {where}; mark a smaller hole.")
    block = Block(values, hole, unknown, source.affine, (2,) if single else (0, 1, 2))
    if draw is not None:
        block.seeds, block.sampler = _seeds(draw, hole, place), draw.sampler
    return block


def _seeds(draw: Draw, hole: np.ndarray, place: Box) -> list[tuple[int, ...]]:
    """Seeds of the slices of a block. The place of the hole is part of them: equal holes do not get equal noise."""
    seeds: list[tuple[int, ...]] = []
    for k in range(hole.shape[2]):
        box = extent(hole[..., k]) or ()
        corner = [side.start + part.start for side, part in zip(place, box, strict=False)]
        seeds.append((*draw.seed, place[2].start + k, *corner))
    return seeds


def unknown_in(values: np.ndarray, place: Box, regions: Sequence[Region]) -> np.ndarray:
    """Bool: the voxels of a place that lie in one of the regions, or whose values are not numbers."""
    unknown = ~np.isfinite(values)
    for region in regions:
        mine, theirs = shared(place, region.box)
        unknown[mine] |= region.inside[theirs]
    return unknown


def put(array: np.ndarray, place: Box, part: np.ndarray, box: Box) -> None:
    """Copy the part of an array at `box` that lies within `place` into the array at `place`."""
    mine, theirs = shared(place, box)
    array[mine] = part[theirs]


def shared(place: Box, other: Box) -> tuple[Box, Box]:
    """Intersect two boxes; return the intersection in the indices of each."""
    both = [slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(place, other, strict=True)]
    mine, theirs = (
        tuple(
            slice(s.start - part.start, max(s.stop, s.start) - part.start) for s, part in zip(both, whole, strict=True)
        )
        for whole in (place, other)
    )
    return mine, theirs
