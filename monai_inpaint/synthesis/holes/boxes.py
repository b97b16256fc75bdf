"""Rectangles (in 3D cuboids) along the axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.synthesis.holes.ranges import checked_shape, draw_count, draw_voxels


def random_boxes(
    shape: Sequence[int],
    rng: np.random.Generator,
    *,
    count: Sequence[int] = (1, 4),
    size: Sequence[float] = (0.002, 0.1),
) -> dict[str, Any]:
    """Draw parameters of boxes; each is completely in the image.

    Args:
        shape: of the image, 2 or 3 axes.
        rng: the source of chance.
        count: how many boxes, (low, high), both included.
        size: what each covers, as a fraction of the image, (low, high).

    Returns:
        {"boxes": [[first index of each axis, one past the last of each axis], ...]}, for `draw_boxes`.

    Raises:
        InputError: a range is not one.
    """
    sizes = checked_shape(shape)
    number = draw_count(rng, "count", count)
    return {"boxes": [random_box(sizes, rng, draw_voxels(rng, sizes, size)) for _ in range(number)]}


def draw_boxes(shape: Sequence[int], *, boxes: Sequence[Any]) -> np.ndarray:
    """Draw the boxes as one boolean array of that shape, True in the hole.

    Raises:
        InputError: a box is not in the image.
    """
    hole = np.zeros(checked_shape(shape), bool)
    for box in boxes:
        paint_box(hole, box)
    return hole


def random_box(shape: tuple[int, ...], rng: np.random.Generator, voxels: float) -> list[list[int]]:
    """Draw one box of about so many voxels, up to some three times as long as wide: [start, stop]."""
    stretch = np.exp(rng.uniform(-0.6, 0.6, len(shape)))
    edges = stretch * (voxels / stretch.prod()) ** (1 / len(shape))
    lengths = [int(min(size, max(1, round(edge)))) for edge, size in zip(edges.tolist(), shape, strict=True)]
    start = [int(rng.integers(0, size - length + 1)) for size, length in zip(shape, lengths, strict=True)]
    return [start, [first + length for first, length in zip(start, lengths, strict=True)]]


def paint_box(hole: np.ndarray, box: Sequence[Sequence[int]]) -> None:
    """Set the box in the hole to True, in place."""
    start, stop = box
    if any(not 0 <= a < b <= size for a, b, size in zip(start, stop, hole.shape, strict=True)):
        raise InputError(f"The box from {list(start)} to {list(stop)} does not lie in the shape {hole.shape}: move it.")
    hole[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))] = True
