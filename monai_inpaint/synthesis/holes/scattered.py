"""Scattered holes: many small lumps, like marks of spots, calcifications, seeds or clips."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.synthesis.holes.blobs import UNIT_BALL
from monai_inpaint.synthesis.holes.ranges import checked_shape, draw_count, draw_voxels, paint_balls

BALLS = 3  # a lump is so many balls that overlap
SMALLEST = 0.5  # voxels, the radius of a ball


def random_scattered(
    shape: Sequence[int],
    rng: np.random.Generator,
    *,
    count: Sequence[int] = (8, 30),
    size: Sequence[float] = (0.003, 0.06),
) -> dict[str, Any]:
    """Draw small lumps; their centres are in the image, their rims may leave it.

    Args:
        shape: of the image, 2 or 3 axes.
        rng: the source of chance.
        count: how many lumps, (low, high), both included.
        size: approximate total size, as a fraction of the image, (low, high); diameters of lumps in one hole differ by
            at most a factor of two.

    Returns:
        {"scattered": [[index of each axis, ..., radius in voxels] of each of some balls]}, for `draw_scattered`.

    Raises:
        InputError: a range is not one.
    """
    sizes = checked_shape(shape)
    number, ndim = draw_count(rng, "count", count), len(sizes)
    radius = (draw_voxels(rng, sizes, size) / number / UNIT_BALL[ndim]) ** (1 / ndim)
    radii = 0.8 * radius * np.exp(rng.uniform(-0.35, 0.35, (number, 1)) + rng.uniform(-0.3, 0.0, (number, BALLS)))
    top = np.asarray(sizes) - 1
    middles = rng.random((number, 1, ndim)) * top
    centres = middles + 0.8 * radii[..., None] * rng.normal(size=(number, BALLS, ndim))
    balls = np.concatenate((centres.clip(0, top), radii.clip(SMALLEST)[..., None]), axis=-1)
    return {"scattered": np.round(balls.reshape(-1, ndim + 1), 2).tolist()}


def draw_scattered(shape: Sequence[int], *, scattered: Sequence[Sequence[float]]) -> np.ndarray:
    """Draw the lumps as one boolean array of that shape, True in the hole.

    Raises:
        InputError: a ball's centre is not in the image.
    """
    hole = np.zeros(checked_shape(shape), bool)
    balls = np.asarray(scattered, float).reshape(-1, hole.ndim + 1)
    outside = ((balls[:, :-1] < 0) | (balls[:, :-1] > np.asarray(hole.shape) - 1)).any(axis=1)
    if outside.any():
        raise InputError(f"The ball {balls[outside][0].tolist()} does not lie in the shape {hole.shape}: move it.")
    paint_balls(hole, balls[:, :-1], balls[:, -1])
    return hole
