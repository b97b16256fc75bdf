"""Smooth blobs: ellipses (in 3D ellipsoids) whose radius swings with the direction by a few Fourier terms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.synthesis.holes.ranges import (
    bounding_slices,
    checked_range,
    checked_shape,
    draw_axes,
    draw_count,
    draw_point,
    draw_voxels,
    offsets,
    unit,
)

UNIT_BALL = {2: math.pi, 3: 4 * math.pi / 3}


def random_blobs(
    shape: Sequence[int],
    rng: np.random.Generator,
    *,
    count: Sequence[int] = (1, 4),
    size: Sequence[float] = (0.002, 0.1),
    swing: Sequence[float] = (0.0, 0.35),
) -> dict[str, Any]:
    """Draw parameters of blobs; their centres are in the image, their rims may leave it.

    Args:
        shape: of the image, 2 or 3 axes.
        rng: the source of chance.
        count: how many blobs, (low, high), both included.
        size: area of each if completely in the image, as a fraction of the image, (low, high).
        swing: how far the radius may leave that of the ellipse, as a fraction of it, (low, high), each below 1.

    Returns:
        {"blobs": [{"centre", "radii" (both in voxels), "axes" (unit vectors), "waves" (order, amplitude, direction)},
        ...]}, for `draw_blobs`.

    Raises:
        InputError: a range is not one.
    """
    sizes = checked_shape(shape)
    number = draw_count(rng, "count", count)
    low, high = checked_range("swing", swing, 0.0, 0.9)
    return {
        "blobs": [random_blob(sizes, rng, draw_voxels(rng, sizes, size), rng.uniform(low, high)) for _ in range(number)]
    }


def draw_blobs(shape: Sequence[int], *, blobs: Sequence[Any]) -> np.ndarray:
    """Draw the blobs as one boolean array of that shape, True in the hole.

    Raises:
        InputError: a blob's centre is not in the image.
    """
    hole = np.zeros(checked_shape(shape), bool)
    for blob in blobs:
        paint_blob(hole, blob)
    return hole


def random_blob(shape: tuple[int, ...], rng: np.random.Generator, voxels: float, swing: float) -> dict[str, Any]:
    """Draw one blob of about so many voxels, up to some three times as long as wide."""
    ndim = len(shape)
    stretch = np.exp(rng.uniform(-0.55, 0.55, ndim))
    radii = stretch * (voxels / UNIT_BALL[ndim] / stretch.prod()) ** (1 / ndim)
    orders = 2 + rng.permutation(4)[:3]
    shares = rng.random(3) + 0.1
    amplitudes = swing * shares / shares.sum()
    return {
        "centre": _rounded(draw_point(rng, shape)),
        "radii": _rounded(np.maximum(radii, 0.5)),
        "axes": _rounded(draw_axes(rng, ndim)),
        "waves": [
            [int(order), round(float(amplitude), 4), _rounded(unit(rng.normal(size=ndim)))]
            for order, amplitude in zip(orders, amplitudes, strict=True)
        ],
    }


def paint_blob(hole: np.ndarray, blob: dict[str, Any]) -> None:
    """Set the blob in the hole to True, in place; the voxel nearest its centre always belongs to it.

    The rim is at |p| = 1 + sum of amplitude * cos(order * angle between p and the wave's direction), with p in the
    blob's own axes and radii. The cosine is a Chebyshev polynomial of p . direction / |p|, so that one formula serves
    2D and 3D and uses only products and a root: results do not depend on the machine's cosine.
    """
    centre, radii, axes, waves = blob["centre"], blob["radii"], blob["axes"], blob["waves"]
    if any(not 0 <= at <= size - 1 for at, size in zip(centre, hole.shape, strict=True)):
        raise InputError(f"The blob's centre {list(centre)} does not lie in the shape {hole.shape}: move it.")
    far = 1 + sum(abs(amplitude) for _, amplitude, _ in waves)
    # How far the turned ellipse reaches along each axis of the image.
    reach = [
        far * math.sqrt(sum((r * axis[k]) ** 2 for r, axis in zip(radii, axes, strict=True))) for k in range(hole.ndim)
    ]
    box = bounding_slices(
        [c - r for c, r in zip(centre, reach, strict=True)],
        [c + r for c, r in zip(centre, reach, strict=True)],
        hole.shape,
    )
    steps = offsets(box, centre)
    own = [_dot(steps, [a / r for a in axis]) for r, axis in zip(radii, axes, strict=True)]
    length = np.sqrt(_dot([p * p for p in own], [1.0] * hole.ndim))
    inverse = 1 / np.maximum(length, 1e-9)
    rim: Any = 1.0
    for order, amplitude, direction in waves:
        rim = rim + amplitude * _chebyshev(order, _dot(own, direction) * inverse)
    hole[box] |= length <= rim
    hole[tuple(min(size - 1, math.floor(at + 0.5)) for at, size in zip(centre, hole.shape, strict=True))] = True


def _chebyshev(order: int, cosine: np.ndarray) -> np.ndarray:
    """cos(order * angle) from cos(angle), for order >= 1."""
    before, now, twice = np.ones_like(cosine), cosine, 2 * cosine
    for _ in range(order - 1):
        before, now = now, twice * now - before
    return now


def _dot(parts: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    total = parts[0] * weights[0]
    for part, weight in zip(parts[1:], weights[1:], strict=True):
        total = total + part * weight
    return total


def _rounded(values: np.ndarray) -> list[Any]:
    return np.round(values, 4).tolist()
