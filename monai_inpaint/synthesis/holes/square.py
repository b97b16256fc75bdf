"""One square (in 3D one cube) of a given side: the hole of the centre and slice-square protocols."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.synthesis.holes.ranges import checked_shape, draw_count


def random_square(
    shape: Sequence[int],
    rng: np.random.Generator,
    *,
    side: int | Sequence[int] = 64,
    inside: np.ndarray | None = None,
) -> dict[str, Any]:
    """Draw the position of a square, uniformly in the image.

    Args:
        shape: of the image, 2 or 3 axes.
        rng: the source of chance.
        side: length in voxels, or a range (low, high), both included.
        inside: boolean region of that shape, such as the body. At least half of the voxels of the square are in it; if
            no position allows that, its centre is.

    Returns:
        {"start": first index of each axis, "side": voxels}, for `draw_square`.

    Raises:
        InputError: the square is larger than the image, or no position for it is inside.
    """
    sizes = checked_shape(shape)
    length = draw_count(rng, "side", (side, side) if isinstance(side, (int, np.integer)) else side)
    _check_fits(sizes, length)
    if inside is None:
        start = [int(rng.integers(0, size - length + 1)) for size in sizes]
    else:
        start = _start_inside(sizes, rng, length, np.asarray(inside) != 0)
    return {"start": start, "side": length}


def centre_square(shape: Sequence[int], *, side: int) -> dict[str, Any]:
    """Return the square in the middle of the image, as `random_square` returns it; nothing is left to chance."""
    sizes = checked_shape(shape)
    _check_fits(sizes, side)
    return {"start": [(size - side) // 2 for size in sizes], "side": int(side)}


def square_centres(shape: Sequence[int], side: int) -> tuple[slice, ...]:
    """Possible centres of a square that fits into an image of that shape."""
    return tuple(slice(side // 2, side // 2 + size - side + 1) for size in shape)


def draw_square(shape: Sequence[int], *, start: Sequence[int], side: int) -> np.ndarray:
    """Draw the square as a boolean array of that shape, True in the hole.

    Raises:
        InputError: it is not in the image.
    """
    sizes = checked_shape(shape)
    if side < 1 or any(not 0 <= first <= size - side for first, size in zip(start, sizes, strict=True)):
        raise InputError(f"A square of side {side} at {list(start)} does not lie in the shape {sizes}: move it.")
    hole = np.zeros(sizes, bool)
    hole[tuple(slice(first, first + side) for first in start)] = True
    return hole


def _check_fits(sizes: tuple[int, ...], side: int) -> None:
    if not 1 <= side <= min(sizes) or all(side == size for size in sizes):
        raise InputError(
            f"A square of side {side} does not fit in the shape {sizes} with something known left: give a smaller side."
        )


def _start_inside(sizes: tuple[int, ...], rng: np.random.Generator, side: int, inside: np.ndarray) -> list[int]:
    if inside.shape != sizes:
        raise InputError(f"inside has the shape {inside.shape}, the image {sizes}: give a region of the image's shape.")
    # Running sums turn "voxels of the region in the square" into one difference an axis, for all places at once.
    covered = inside.astype(np.int64)
    for axis, size in enumerate(sizes):
        sums = np.insert(np.cumsum(covered, axis=axis), 0, 0, axis=axis)
        covered = sums.take(range(side, size + 1), axis) - sums.take(range(size - side + 1), axis)
    places = np.flatnonzero(2 * covered >= side ** len(sizes))
    if not places.size:
        places = np.flatnonzero(inside[square_centres(sizes, side)])
    if not places.size:
        raise InputError(
            f"No square of side {side} has its centre in the given region of the shape {sizes}: "
            "give a smaller side or a larger region."
        )
    return [int(first) for first in np.unravel_index(rng.choice(places), covered.shape)]
