"""Check shapes and ranges, draw sizes and directions, measure distances: shared by all hole makers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from monai_inpaint.errors import InputError


def checked_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """`shape` as a tuple of Python integers.

    Raises:
        InputError: not 2 or 3 axes, an axis shorter than 1, or fewer than 2 voxels (a hole needs a known voxel).
    """
    sizes = tuple(int(size) for size in shape)
    if len(sizes) not in (2, 3) or min(sizes) < 1 or math.prod(sizes) < 2:
        raise InputError(f"No hole can be drawn in the shape {sizes}: give 2 or 3 axes with at least 2 voxels in all.")
    return sizes


def checked_range(name: str, bounds: Sequence[float], lowest: float, highest: float) -> tuple[float, float]:
    """`bounds` as (low, high) with lowest <= low <= high <= highest.

    Raises:
        InputError: naming the argument `name`, when they are not.
    """
    values = tuple(bounds)
    if len(values) != 2 or not lowest <= values[0] <= values[1] <= highest:
        limit = f"from {lowest} to {highest}" if math.isfinite(highest) else f"of at least {lowest}"
        raise InputError(f"{name}={values} is not a range: give (low, high), each {limit}, low not above high.")
    return values[0], values[1]


def voxel_limits(shape: Sequence[int], fraction: Sequence[float]) -> tuple[int, int]:
    """Return the fewest and the most voxels a hole may have; always leaves one voxel in the hole and one known.

    Raises:
        InputError: no whole number of voxels is in the range.
    """
    low, high = checked_range("fraction", fraction, 0.0, 1.0)
    total = math.prod(shape)
    # A fraction like 0.07 of 100 voxels is 7.000000000000001 in binary: forgive the last digits.
    fewest = max(1, math.ceil(low * total - 1e-9 * total))
    most = min(total - 1, math.floor(high * total + 1e-9 * total))
    if fewest > most:
        raise InputError(
            f"fraction=({low}, {high}) of the shape {tuple(shape)} contains no whole number of voxels "
            "that leaves something known: widen the range."
        )
    return fewest, most


def draw_count(rng: np.random.Generator, name: str, bounds: Sequence[int], lowest: int = 1) -> int:
    """Draw a whole number from (low, high), both included."""
    low, high = checked_range(name, bounds, lowest, math.inf)
    return int(rng.integers(int(low), int(high) + 1))


def draw_log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw a number from low to high (both above 0) in which every factor of two is equally likely."""
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def draw_voxels(rng: np.random.Generator, shape: Sequence[int], size: Sequence[float]) -> float:
    """Draw the voxels one part aims at, from a range of fractions of the shape; at least 1."""
    low, high = checked_range("size", size, 0.0, 1.0)
    total = math.prod(shape)
    return draw_log_uniform(rng, max(1.0, low * total), max(1.0, high * total))


def draw_point(rng: np.random.Generator, shape: Sequence[int]) -> np.ndarray:
    """Draw a point (float64 indices) anywhere from the first to the last voxel of each axis."""
    return rng.random(len(shape)) * (np.asarray(shape) - 1)


def typical_side(shape: Sequence[int]) -> int:
    """The second longest side: what lengths are a fraction of, so that an image with few slices has long things too."""
    return sorted(shape)[-2]


def draw_axes(rng: np.random.Generator, ndim: int) -> np.ndarray:
    """Draw a random turn: rows are unit vectors at right angles to each other."""
    return draw_axes_along(rng, unit(rng.normal(size=ndim)))


def draw_axes_along(rng: np.random.Generator, first: np.ndarray) -> np.ndarray:
    """Draw a random turn about a unit vector, which is the first row."""
    if len(first) == 2:
        return np.array([first, [-first[1], first[0]]])
    second = unit(np.cross(first, rng.normal(size=3)))
    return np.array([first, second, np.cross(first, second)])


def unit(vector: np.ndarray) -> np.ndarray:
    """Return the vector's direction, one long."""
    return vector / max(1e-12, math.sqrt(float(vector @ vector)))


def bounding_slices(low: Sequence[float], high: Sequence[float], shape: Sequence[int]) -> tuple[slice, ...]:
    """Return the whole indices from low to high on each axis, cut at the edges of the shape; empty outside of it."""
    return tuple(
        slice(max(0, math.ceil(a)), max(0, min(n, math.floor(b) + 1))) for a, b, n in zip(low, high, shape, strict=True)
    )


def offsets(box: tuple[slice, ...], origin: Sequence[float]) -> list[np.ndarray]:
    """For each axis the distance in voxels from the origin, shaped to broadcast over the box."""
    last = len(box) - 1
    return [
        (np.arange(span.start, span.stop) - start).reshape((-1,) + (1,) * (last - axis))
        for axis, (span, start) in enumerate(zip(box, origin, strict=True))
    ]


def to_segment(
    shape: Sequence[int], a: Sequence[float], b: Sequence[float], reach: float
) -> tuple[tuple[slice, ...], Any, Any]:
    """Return the straight line from a to b, relative to the voxels near it.

    Returns:
        The part of the image with all voxels at most `reach` away; for each voxel in it the position of its nearest
        point on the line, as a share (0 to 1) of the way from a to b, and the square of its distance in voxels.
    """
    box = bounding_slices(
        [min(p, q) - reach for p, q in zip(a, b, strict=True)],
        [max(p, q) + reach for p, q in zip(a, b, strict=True)],
        shape,
    )
    steps = offsets(box, a)
    way = [q - p for p, q in zip(a, b, strict=True)]
    squared = sum(part * part for part in way)
    share: Any = 0.0
    if squared > 0:
        share = steps[0] * (way[0] / squared)
        for step, part in zip(steps[1:], way[1:], strict=True):
            share = share + step * (part / squared)
        np.clip(share, 0.0, 1.0, out=share)
    distance: Any = 0.0
    for step, part in zip(steps, way, strict=True):
        gap = step - share * part
        distance = distance + gap * gap
    return box, share, distance


def paint_balls(hole: np.ndarray, centres: np.ndarray, radii: np.ndarray) -> None:
    """Set to True, in place, the voxels in any ball, and the nearest voxel of each ball centred in the image.

    Args:
        hole: bool, changed.
        centres: (balls, axes of the hole), indices, anywhere.
        radii: (balls,), in voxels; all are computed at the cost of the largest.
    """
    outside = np.maximum(-centres, centres - np.asarray(hole.shape) + 1).max(axis=1)
    centres, radii = centres[outside < radii + 1], radii[outside < radii + 1]
    if not len(centres):
        return
    nearest = np.floor(centres + 0.5).astype(int)
    reach = math.floor(radii.max() + 0.5)
    distance = np.zeros(len(centres))
    for axis, size in enumerate(hole.shape):
        at = nearest[:, axis, None] + np.arange(-reach, reach + 1)
        gap = np.where((at >= 0) & (at < size), (at - centres[:, axis, None]) ** 2, np.inf)
        distance = distance[..., None] + gap.reshape(len(centres), *(1,) * axis, -1)
    near = distance <= (radii * radii).reshape(-1, *(1,) * hole.ndim)
    middle = (slice(None), *(reach,) * hole.ndim)
    near[middle] |= np.isfinite(distance[middle])
    ball, *steps = np.nonzero(near)
    hole[tuple(nearest[ball, axis] + step - reach for axis, step in enumerate(steps))] = True
