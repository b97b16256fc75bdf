"""Slide a hole over a slice, and subtract its fills from the slice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product

import numpy as np

from monai_inpaint.fill.filler import Filler
from monai_inpaint.imaging.bounding_box import Box, extent
from monai_inpaint.progress import Steps

HOLE = 3 / 8  # side of the hole, in parts of the slice's longer side; neighbouring holes overlap by half


def places(region: np.ndarray) -> list[Box]:
    """Square holes that together cover a region, those next to one another overlapping by half or a little more.

    Args:
        region: (rows, columns) bool.

    Returns:
        Pairs of slices; none where the region is empty. Where the region is narrower than a hole, holes are as well.
    """
    box = extent(region)
    if box is None:
        return []
    side = max(round(HOLE * max(region.shape)), 2)
    squares = product(*(_steps(part, side) for part in box))
    return [square for square in squares if region[square].any()]


def slide(
    filler: Filler, pixels: np.ndarray, region: np.ndarray, progress: Steps | None = None
) -> Iterator[tuple[Box, np.ndarray]]:
    """Return each hole and source - filled in it, in units.

    Args:
        filler: returns the best estimate.
        pixels: (rows, columns) float32 in units, as displayed.
        region: (rows, columns) bool, to cover with holes.
        progress: called with the holes filled and their number.
    """
    holes = places(region)
    for done, place in enumerate(holes, start=1):
        hole = np.zeros(pixels.shape, bool)
        hole[place] = True
        yield place, -filler(pixels, hole).difference[place]
        if progress:
            progress(done, len(holes))


def mean_of(slid: Iterable[tuple[Box, np.ndarray]], shape: tuple[int, ...]) -> np.ndarray:
    """Return the mean over all holes that cover a pixel, float64 of that shape; 0 where none does."""
    total, count = np.zeros(shape), np.zeros(shape)
    for place, values in slid:
        total[place] += values
        count[place] += 1
    return total / np.maximum(count, 1)


def _steps(part: slice, side: int) -> list[slice]:
    """Intervals of equal length that cover one, each starting at most half its length after the one before."""
    side = min(side, part.stop - part.start)
    last = part.stop - side
    steps = int(np.ceil((last - part.start) / max(side // 2, 1)))
    return [slice(start, start + side) for start in np.linspace(part.start, last, steps + 1).round().astype(int)]
