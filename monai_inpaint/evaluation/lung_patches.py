"""Patches of the lungs at full resolution, on a finding and off it, as Belli et al. 2018 compare them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.evaluation.image_region import ImageRegion, MarkedRegion
from monai_inpaint.imaging.lungs import lung_boxes
from monai_inpaint.synthesis.holes import centre_square, draw_boxes, draw_square

PATCH, SQUARE = 128, 64  # pixels a side, of what is cut out of the film and of the hole in its middle
SMALLEST_FILM = 4 * PATCH
EACH_PLACE = 8
LUNGS, ON, OFF = "lungs", "on the finding", "off the finding"  # variants


def cut_lung_patches(part: ImageRegion, modality: str, rng: np.random.Generator) -> Iterator[MarkedRegion]:  # noqa: ARG001
    """Patches around random points of the lungs' boxes, as in Belli et al. 2018, section 2 (20 a film there).

    In a film with a lesion these are `OFF`, completely outside the lesion; and there are as many `ON`, anywhere in the
    film, with their holes in the lesion, or covering as much of it as possible if it is smaller. The 33 patches of this
    kind in the paper were chosen by hand.

    Raises:
        InputError: the film is small, or no patch of a kind fits.
    """
    if min(part.pixels.shape) < SMALLEST_FILM:
        rows, columns = part.pixels.shape
        raise InputError(f"{rows}x{columns} pixels, and the protocol needs at least {SMALLEST_FILM} a side.")
    middle = PATCH // 2
    in_lungs = draw_boxes(part.pixels.shape, boxes=lung_boxes(part.pixels))[middle : 1 - middle, middle : 1 - middle]
    if part.lesion is None or not part.lesion.any():
        yield from _patches(part, in_lungs, LUNGS, rng)
        return
    rim = (PATCH - SQUARE) // 2
    covered = _sums(part.lesion, SQUARE)[rim:-rim, rim:-rim]
    yield from _patches(part, covered == max(covered.max(), 1), ON, rng)
    yield from _patches(part, in_lungs & (_sums(part.lesion, PATCH) == 0), OFF, rng)


def _patches(part: ImageRegion, corners: np.ndarray, variant: str, rng: np.random.Generator) -> Iterator[MarkedRegion]:
    """A few patches whose upper left pixel is one of `corners`, True on a grid of the film's pixels."""
    places = np.flatnonzero(corners)
    if not places.size:
        raise InputError(f"no patch of {PATCH}x{PATCH} pixels fits {variant}.")
    for place in rng.choice(places, min(EACH_PLACE, places.size), replace=False):
        top, left = (int(index) for index in np.unravel_index(place, corners.shape))
        pixels = np.ascontiguousarray(part.pixels[top : top + PATCH, left : left + PATCH])
        hole = draw_square(pixels.shape, **centre_square(pixels.shape, side=SQUARE))
        patch = ImageRegion(
            pixels, None, part.index, part.spacing, part.eight_bit, film=part.pixels, corner=(top, left)
        )
        yield patch, hole, variant, f"@{top},{left}"


def _sums(region: np.ndarray, side: int) -> np.ndarray:
    """Number of pixels of the region in a square of that side, by the square's upper left pixel."""
    sums = np.pad(region.astype(np.int64), ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    return sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
