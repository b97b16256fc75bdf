"""Bars and lines of one intensity: blackened names, scales, grids, and lines of data that are missing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from monai_inpaint.synthesis.artifacts.blend import blended
from monai_inpaint.synthesis.artifacts.contrast import any_level, least_change
from monai_inpaint.synthesis.holes.ranges import draw_log_uniform, draw_point, typical_side


def random_bars(
    shape: Sequence[int], rng: np.random.Generator, contrast: Sequence[float], *, side: float | None = None
) -> dict[str, Any]:
    """Draw positions and intensity of bars: one, a few parallel ones, or lines across the whole image.

    Args:
        shape: (rows, columns) of the image.
        rng: the source of chance.
        contrast: see `contrast_of`.
        side: size of the image in pixels that lengths are relative to; that of `shape` if not given.

    Returns:
        {"bars": [{"centre": [row, column], "size": [length, width], "angle": radians}, ...], "level": units,
        "opacity": 0 to 1, "least": units}, for `draw_bars`.
    """
    whole = side or typical_side(shape)
    length, width = draw_log_uniform(rng, 0.08, 0.6) * whole, draw_log_uniform(rng, 0.01, 0.15) * whole
    angle = float(rng.choice((0.0, math.pi / 2, rng.uniform(0, math.pi)), p=(0.35, 0.35, 0.3)))
    count = int(rng.choice((1, 1, 1, 2, 3, 5)))
    if rng.random() < 0.2:  # lines of data that are missing
        length, width, angle = 3.0 * max(shape), float(rng.integers(1, 5)), float(rng.choice((0.0, math.pi / 2)))
    step = draw_log_uniform(rng, 1.5, 6.0) * (width + 2.0)
    across = np.array([math.cos(angle), -math.sin(angle)])  # in rows and columns, at right angles to the bars
    first = draw_point(rng, shape)
    return {
        "bars": [
            {
                "centre": np.round(first + number * step * across, 2).tolist(),
                "size": [round(max(length, 2.0), 2), round(max(width, 1.0), 2)],
                "angle": round(angle, 4),
            }
            for number in range(count)
        ],
        "level": any_level(rng, contrast),
        "opacity": round(1.0 if rng.random() < 0.7 else rng.uniform(0.4, 1.0), 3),
        "least": least_change(contrast),
    }


def draw_bars(
    image: np.ndarray, *, bars: Sequence[Any], level: float, opacity: float, least: float
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the bars into an image: (rows, columns), float32, and their region, bool."""
    rows, columns = np.ogrid[: image.shape[0], : image.shape[1]]
    covered = np.zeros(image.shape, np.float32)
    for bar in bars:
        down, right = rows - bar["centre"][0], columns - bar["centre"][1]
        cos, sin = math.cos(bar["angle"]), math.sin(bar["angle"])
        along, across = right * cos + down * sin, down * cos - right * sin
        length, width = bar["size"]
        outside = np.maximum(np.abs(along) - length / 2, np.abs(across) - width / 2)
        covered = np.maximum(covered, np.clip(0.5 - outside, 0.0, 1.0))  # pixels at the edge are covered in part
    return blended(image, level, opacity * covered, least)
