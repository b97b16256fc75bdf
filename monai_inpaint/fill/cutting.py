"""Cut blocks out of an image for a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.fill.blocks import Block
from monai_inpaint.imaging.bounding_box import Box
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
    """Where a whole slice lies."""
    return (slice(0, shape[0]), slice(0, shape[1]), slice(k, k + 1))


def block_of(source: Image, region: Region, place: Box, blind: Sequence[Region] = ()) -> Block:
    """The part of an image that lies in `place`, whose hole is the region; a slice, or to be seen across all axes.

    Args:
        source: with slices along the last axis.
        region: what is to be filled.
        place: a slice, or the surroundings of the region.
        blind: what else counts as unknown.

    Raises:
        InputError: a slice of which nothing is known.
    """
    values = units_of(source, place)
    hole = np.zeros(values.shape, bool)
    put(hole, place, region.inside, region.box)
    unknown = unknown_in(values, place, (region, *blind))
    single = values.shape[2] == 1
    if single and unknown.all():
        where = "the image" if source.voxels.ndim == 2 else f"slice {place[2].start}"
        raise InputError(f"The hole leaves nothing known in {where}; mark a smaller hole.")
    return Block(values, hole, unknown, source.affine, (2,) if single else (0, 1, 2))


def unknown_in(values: np.ndarray, place: Box, regions: Sequence[Region]) -> np.ndarray:
    """Bool: the voxels of a place that lie in one of the regions, or whose values are not numbers."""
    unknown = ~np.isfinite(values)
    for region in regions:
        mine, theirs = shared(place, region.box)
        unknown[mine] |= region.inside[theirs]
    return unknown


def put(array: np.ndarray, place: Box, part: np.ndarray, box: Box) -> None:
    """Copy what a box holds to where it lies in another; what lies outside is left."""
    mine, theirs = shared(place, box)
    array[mine] = part[theirs]


def shared(place: Box, other: Box) -> tuple[Box, Box]:
    """What two boxes share, in the indices of each."""
    both = [slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(place, other, strict=True)]
    mine, theirs = (
        tuple(
            slice(s.start - part.start, max(s.stop, s.start) - part.start) for s, part in zip(both, whole, strict=True)
        )
        for whole in (place, other)
    )
    return mine, theirs
