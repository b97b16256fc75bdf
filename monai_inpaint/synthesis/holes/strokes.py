"""Free-form brush strokes: random polylines drawn with a round brush."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.synthesis.holes.ranges import (
    checked_range,
    checked_shape,
    draw_count,
    draw_log_uniform,
    draw_point,
    draw_voxels,
    to_segment,
)

UNIT_CROSS_SECTION = {2: 1.0, 3: math.pi / 4}


def random_strokes(
    shape: Sequence[int],
    rng: np.random.Generator,
    *,
    count: Sequence[int] = (1, 4),
    size: Sequence[float] = (0.002, 0.06),
    thickness: Sequence[float] = (0.02, 0.12),
) -> dict[str, Any]:
    """Courses and widths of strokes; their lines stay in the image, the brush may leave it.

    Args:
        shape: of the image, 2 or 3 axes.
        rng: the source of chance.
        count: how many strokes, (low, high), both included.
        size: length times cross-section of each, as a fraction of the image, (low, high); self-crossings and the
            image's edges reduce it, round caps add to it.
        thickness: of the brush as a fraction of the image's shortest side, (low, high); drawn at least so thick
            that a line of voxels is covered without gaps.

    Returns:
        {"strokes": [{"points": [index of each axis, ...], "thickness": voxels}, ...]}, for `draw_strokes`.

    Raises:
        InputError: a range is not one.
    """
    sizes = checked_shape(shape)
    number = draw_count(rng, "count", count)
    low, high = checked_range("thickness", thickness, 0.0, 1.0)
    thinnest, thickest = (max(math.sqrt(len(sizes)), share * min(sizes)) for share in (low, high))
    return {
        "strokes": [
            random_stroke(sizes, rng, draw_voxels(rng, sizes, size), draw_log_uniform(rng, thinnest, thickest))
            for _ in range(number)
        ]
    }


def draw_strokes(shape: Sequence[int], *, strokes: Sequence[Any]) -> np.ndarray:
    """Draw the strokes as one boolean array of that shape, True in the hole.

    Raises:
        InputError: a stroke has no points or leaves the image.
    """
    hole = np.zeros(checked_shape(shape), bool)
    for stroke in strokes:
        paint_stroke(hole, stroke)
    return hole


def random_stroke(shape: tuple[int, ...], rng: np.random.Generator, voxels: float, thickness: float) -> dict[str, Any]:
    """Draw one stroke of 1 to 5 straight pieces whose length times cross-section is about so many voxels."""
    ndim = len(shape)
    # A brush thinner than a voxel's diagonal can pass between voxel centres and draw nothing.
    thickness = max(math.ceil(1000 * math.sqrt(ndim)) / 1000, thickness)
    # The round caps add about half a thickness in all.
    length = max(0.0, voxels / (UNIT_CROSS_SECTION[ndim] * thickness ** (ndim - 1)) - thickness / 2)
    pieces = int(rng.integers(1, 6))
    turns = rng.normal(size=(pieces, ndim))
    ends = np.asarray(shape) - 1
    point, direction = draw_point(rng, shape), np.zeros(ndim)
    points = [point]
    for turn in turns:
        direction = 1.2 * direction + turn
        direction = direction / max(1e-12, math.sqrt(float(direction @ direction)))
        point = point + direction * (length / pieces)
        # A line that leaves the image is thrown back by its edge.
        point = np.minimum(np.abs((point + ends) % np.maximum(2 * ends, 1) - ends), ends)
        points.append(point)
    return {"points": np.round(points, 2).tolist(), "thickness": round(float(thickness), 3)}


def paint_stroke(hole: np.ndarray, stroke: dict[str, Any]) -> None:
    """Set to True, in place, all within half a thickness of the stroke's line; a single point is a disc."""
    points, radius = stroke["points"], stroke["thickness"] / 2
    inside = all(0 <= at <= size - 1 for point in points for at, size in zip(point, hole.shape, strict=True))
    if not points or not inside:
        raise InputError(f"A stroke has no points or leaves the shape {hole.shape}: its points must lie in it.")
    for a, b in zip(points[:-1] or points, points[1:] or points, strict=True):
        box, _, distance = to_segment(hole.shape, a, b, radius)
        hole[box] |= distance <= radius * radius
