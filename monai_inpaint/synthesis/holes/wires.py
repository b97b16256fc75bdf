"""Wires and thin tubes: long, slowly turning curves a few voxels wide, as catheters, leads, K-wires and stents show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.synthesis.holes.ranges import (
    checked_range,
    checked_shape,
    draw_axes,
    draw_axes_along,
    draw_count,
    draw_log_uniform,
    draw_point,
    paint_balls,
    typical_side,
    unit,
)

STEP = 3.0  # voxels between the points of a wire
STRANDS = (1, 1, 1, 1, 2, 4, 6)  # wires that run side by side: alone, the leads of one device, the struts of a stent
LOOP = 1.5  # radians that a wire turns from end to end, on average
CLOSEST = 10.0  # voxels, the radius of the tightest turn
WAVES, WAVE = 3, 0.3  # how many cross it, and the largest standard deviation of their slope


def random_wires(
    shape: Sequence[int],
    rng: np.random.Generator,
    *,
    count: Sequence[int] = (1, 2),
    length: Sequence[float] = (0.5, 3.0),
    thickness: Sequence[float] = (1.0, 6.0),
) -> dict[str, Any]:
    """Courses of wires, alone or a few side by side; each course passes through the image and may leave it.

    Args:
        shape: of the image, 2 or 3 axes.
        rng: the source of chance.
        count: how many courses, (low, high), both included.
        length: of each, in the image or out of it, as a fraction of the image's side (3D: the middle one of its three
            sides), (low, high).
        thickness: in voxels, (low, high).

    Returns:
        {"wires": [{"points": [index of each axis, ...], "thickness": voxels}, ...]}, for `draw_wires`.

    Raises:
        InputError: a range is not one.
    """
    sizes = checked_shape(shape)
    number = draw_count(rng, "count", count)
    lengths, widths = checked_range("length", length, 0.01, 10.0), checked_range("thickness", thickness, 0.1, 100.0)
    wires: list[dict[str, Any]] = []
    for _ in range(number):
        thick = round(draw_log_uniform(rng, *widths), 2)
        course = _course(sizes, rng, draw_log_uniform(rng, *lengths) * typical_side(sizes))
        for shift in _side_by_side(rng, course[-1] - course[0], thick):
            wires.append({"points": np.round(course + shift, 2).tolist(), "thickness": thick})
    return {"wires": wires}


def draw_wires(shape: Sequence[int], *, wires: Sequence[Any]) -> np.ndarray:
    """Draw the wires as one boolean array of that shape, True in the hole.

    Raises:
        InputError: no part of any wire is in the image.
    """
    hole = np.zeros(checked_shape(shape), bool)
    radii = [wire["thickness"] / 2 for wire in wires]
    balls = [_strung(np.asarray(wire["points"], float), radius) for wire, radius in zip(wires, radii, strict=True)]
    if balls:
        paint_balls(hole, np.concatenate(balls), np.repeat(radii, [len(some) for some in balls]))
    if not hole.any():
        raise InputError(f"No wire lies in the shape {hole.shape}: move them.")
    return hole


def _course(shape: tuple[int, ...], rng: np.random.Generator, length: float) -> np.ndarray:
    """Points of a curve that passes through the image: a turn in some plane, and slow waves across it."""
    count = math.ceil(length / STEP) + 1
    way = (np.arange(count) / count)[:, None]
    angle = min(length / CLOSEST, rng.exponential(LOOP)) * way
    first, second = draw_axes(rng, len(shape))[:2]
    direction = np.cos(angle) * first + np.sin(angle) * second
    for wave in range(1, WAVES + 1):
        height, phase = rng.normal(0, rng.uniform(0, WAVE), len(shape)), rng.uniform(0, 2)
        direction = direction + height * np.cos(np.pi * (wave * way + phase))
    direction = direction / np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-9)
    points = np.cumsum(direction, axis=0) * (length / count)
    return points - points[rng.integers(count)] + draw_point(rng, shape)


def _side_by_side(rng: np.random.Generator, chord: np.ndarray, thickness: float) -> np.ndarray:
    """Distances of parallel wires from the first: around a circle across the chord (2D: its projection)."""
    strands, radius = int(rng.choice(STRANDS)), thickness * draw_log_uniform(rng, 1.0, 3.0)
    angles = rng.uniform(0, 2 * math.pi) + np.arange(strands) * (2 * math.pi / strands)
    around = radius * np.stack((np.cos(angles), np.sin(angles)), axis=1)
    across = draw_axes_along(rng, unit(chord))[1:]
    shifts = around[:, : len(across)] @ across
    return shifts - shifts[0]


def _strung(points: np.ndarray, radius: float) -> np.ndarray:
    """Centres of balls of that radius along the points, close enough to leave no gaps."""
    steps = np.diff(points, axis=0)
    longest = math.sqrt((steps * steps).sum(axis=1).max(initial=0.0))
    share = np.arange(max(1, math.ceil(longest / max(0.5, radius / 2))))[:, None, None]
    return np.concatenate(((points[:-1] + steps * (share / len(share))).reshape(-1, points.shape[1]), points[-1:]))
