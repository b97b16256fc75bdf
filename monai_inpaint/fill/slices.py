"""Fill the hole of an image: a volume by `fill_volume`, or each slice by itself; return one patch for each slice."""

from __future__ import annotations

import numpy as np

from monai_inpaint.fill.blocks import WITH_STARTS, Generator, fill_blocks
from monai_inpaint.fill.compose import Patch
from monai_inpaint.fill.cutting import Region, block_of, region_of, slice_of
from monai_inpaint.fill.sampler import Draw
from monai_inpaint.fill.slice_axis import in_own_order, slice_axis, with_slices_last
from monai_inpaint.fill.volume import fill_volume, most_slices
from monai_inpaint.fill.windows import bounds
from monai_inpaint.imaging.bounding_box import Box, extent
from monai_inpaint.imaging.image import Image
from monai_inpaint.progress import Steps, part


def fill_slices(
    source: Image,
    hole: np.ndarray,
    generator: Generator,
    progress: Steps | None = None,
    box: Box | None = None,
    draw: Draw | None = None,
) -> tuple[list[Patch], list[int]]:
    """Fill the hole of an image with a network; return the fill of each slice, and the sides of the windows used.

    A network with a start channel fills a volume by `fill_volume`, any other network each slice by itself.

    Args:
        source: 2D, or 3D with slices along the axis that `slice_axis` returns; voxels far from the hole are not
            read.
        hole: bool, of the image's shape.
        generator: an engine.
        progress: called with the work done and the total work.
        box: the hole's bounding box, if already computed.
        draw: fill with this sample; None: with the best estimate.

    Raises:
        InputError: a slice without known voxels.
    """
    box = box or extent(hole)
    if box is None:
        return [], []
    axis = slice_axis(source)
    source, hole = with_slices_last(source, axis), np.moveaxis(hole, axis, -1)
    box = (*box[:axis], *box[axis + 1 :], box[axis])
    region = region_of(hole, box)
    several = hole.ndim == 3 and hole.shape[2] > 1
    fill = fill_volume if generator.channels == WITH_STARTS and several else _fill_slices
    values, sides = fill(source, region, generator, progress, draw)
    patches = [_patch(source, region, values, int(k)) for k in np.flatnonzero(region.inside.any(axis=(0, 1)))]
    return [in_own_order(patch, axis) for patch in patches], sides


def _fill_slices(
    source: Image, region: Region, generator: Generator, progress: Steps | None, draw: Draw | None
) -> tuple[np.ndarray, list[int]]:
    """Values in the region's box, each slice filled by itself, and the sides of the windows computed."""
    values = np.zeros(region.extents, np.float32)
    sides: list[int] = []
    rows, columns, slices = region.box
    marked = [int(n) for n in np.flatnonzero(region.inside.any(axis=(0, 1)))]
    most = most_slices(*region.extents[:2])
    for first in range(0, len(marked), most):
        chunk = marked[first : first + most]
        places = [slice_of(source.voxels.shape, slices.start + n) for n in chunk]
        blocks = [block_of(source, region, place, draw=draw) for place in places]
        sides += fill_blocks(blocks, generator, part(progress, first, len(marked), len(chunk)))
        for block, n in zip(blocks, chunk, strict=True):
            values[..., n] = block.values[rows, columns, 0]
    return values, sides


def _patch(source: Image, region: Region, values: np.ndarray, n: int) -> Patch:
    """The fill of one slice, cut to the bounding box of the hole in that slice."""
    top, bottom, left, right = bounds(region.inside[..., n])
    within = (slice(top, bottom), slice(left, right), n)
    units = -values[within] if source.inverted else values[within].copy()
    rows, columns, slices = region.box
    plane = (slice(rows.start + top, rows.start + bottom), slice(columns.start + left, columns.start + right))
    index = plane if source.voxels.ndim == 2 else (*plane, slices.start + n)
    return Patch(index, region.inside[within].copy(), units)
