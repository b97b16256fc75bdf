"""What all hole makers share: checking shapes and ranges, and drawing sizes from them."""

from __future__ import annotations

import math
from collections.abc import Sequence

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
    """The fewest and the most voxels a hole may have; always leaves one voxel in the hole and one known.

    Raises:
        InputError: when no whole number of voxels lies in the range.
    """
    low, high = checked_range("fraction", fraction, 0.0, 1.0)
    total = math.prod(shape)
    # A fraction like 0.07 of 100 voxels is 7.000000000000001 in binary: forgive the last digits.
    fewest = max(1, math.ceil(low * total - 1e-9 * total))
    most = min(total - 1, math.floor(high * total + 1e-9 * total))
    if fewest > most:
        raise InputError(
            f"fraction=({low}, {high}) of the shape {tuple(shape)} holds no whole number of voxels "
            "that leaves something known: widen the range."
        )
    return fewest, most


def draw_count(rng: np.random.Generator, name: str, bounds: Sequence[int], lowest: int = 1) -> int:
    """A whole number from (low, high), both included."""
    low, high = checked_range(name, bounds, lowest, math.inf)
    return int(rng.integers(int(low), int(high) + 1))


def draw_log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A number from low to high (both above 0) in which every factor of two is equally likely."""
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def draw_voxels(rng: np.random.Generator, shape: Sequence[int], size: Sequence[float]) -> float:
    """The voxels one part aims at, from a range of fractions of the shape; at least 1."""
    low, high = checked_range("size", size, 0.0, 1.0)
    total = math.prod(shape)
    return draw_log_uniform(rng, max(1.0, low * total), max(1.0, high * total))


def draw_point(rng: np.random.Generator, shape: Sequence[int]) -> np.ndarray:
    """A point (float64 indices) anywhere from the first to the last voxel of each axis."""
    return rng.random(len(shape)) * (np.asarray(shape) - 1)


def bounding_slices(low: Sequence[float], high: Sequence[float], shape: Sequence[int]) -> tuple[slice, ...]:
    """The whole indices from low to high on each axis, cut at the edges of the shape."""
    return tuple(
        slice(max(0, math.ceil(a)), min(n, math.floor(b) + 1)) for a, b, n in zip(low, high, shape, strict=True)
    )


def offsets(box: tuple[slice, ...], origin: Sequence[float]) -> list[np.ndarray]:
    """For each axis the distance in voxels from the origin, shaped to broadcast over the box."""
    last = len(box) - 1
    return [
        (np.arange(span.start, span.stop) - start).reshape((-1,) + (1,) * (last - axis))
        for axis, (span, start) in enumerate(zip(box, origin, strict=True))
    ]
