"""Signal voids of MR near metal: dark, with a bright rim on one side, where the signal piles up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from monai_inpaint.synthesis.artifacts.blend import blended
from monai_inpaint.synthesis.artifacts.contrast import least_change
from monai_inpaint.synthesis.holes.ranges import draw_log_uniform, draw_point, typical_side

WAVES = 4  # around a void


def random_voids(
    shape: Sequence[int], rng: np.random.Generator, contrast: Sequence[float], *, side: float | None = None
) -> dict[str, Any]:
    """Draw positions and shapes of voids, and the brightness of their rims.

    Args:
        shape: (rows, columns) of the image.
        rng: the source of chance.
        contrast: see `contrast_of`.
        side: size of the image in pixels that lengths are relative to; that of `shape` if not given.

    Returns:
        {"voids": [{"centre": [row, column], "radius": pixels, "stretch": factor, "angle": radians,
        "waves": [[cosine, sine], ...], "rim": [width in pixels, level in units, direction in radians]}, ...],
        "level": units, "least": units}, for `draw_voids`.
    """
    whole = side or typical_side(shape)
    dark, bright = contrast
    voids: list[dict[str, Any]] = []
    for _ in range(int(rng.choice((1, 1, 1, 2, 3)))):
        radius = max(2.5, draw_log_uniform(rng, 0.02, 0.15) * whole)
        waves = rng.normal(0, 0.1, (WAVES, 2)) / np.arange(1, WAVES + 1)[:, None]
        width = max(0.8, radius * rng.uniform(0.06, 0.25))
        peak = bright + rng.uniform(-0.1, 0.8) * (bright - dark)
        voids.append(
            {
                "centre": np.round(draw_point(rng, shape), 2).tolist(),
                "radius": round(radius, 2),
                "stretch": round(draw_log_uniform(rng, 0.6, 1.6), 3),
                "angle": round(rng.uniform(0, math.pi), 3),
                "waves": np.round(waves, 3).tolist(),
                "rim": [round(width, 2), round(peak, 3), round(rng.uniform(-math.pi, math.pi), 3)],
            }
        )
    level = dark + rng.uniform(0.0, 0.06) * (bright - dark)
    return {"voids": voids, "level": round(level, 3), "least": least_change(contrast)}


def draw_voids(image: np.ndarray, *, voids: Sequence[Any], level: float, least: float) -> tuple[np.ndarray, np.ndarray]:
    """Draw voids and their rims into an image: (rows, columns), float32, and their region, bool."""
    rows, columns = np.ogrid[: image.shape[0], : image.shape[1]]
    region = np.zeros(image.shape, bool)
    for void in voids:
        down, right = rows - void["centre"][0], columns - void["centre"][1]
        cos, sin = math.cos(void["angle"]), math.sin(void["angle"])
        along, across = (right * cos + down * sin) * void["stretch"], (down * cos - right * sin) / void["stretch"]
        angle = np.arctan2(across, along)
        edge = np.full(image.shape, void["radius"])
        for number, (cosine, sine) in enumerate(void["waves"], start=1):
            edge += void["radius"] * (cosine * np.cos(number * angle) + sine * np.sin(number * angle))
        outside = np.hypot(along, across) - edge  # pixels from the void's edge, roughly; negative within
        width, peak, direction = void["rim"]
        facing = np.clip(0.3 + np.cos(np.arctan2(down, right) - direction), 0.0, 1.0)
        rim = facing * np.exp(-(((outside - width) / width) ** 2))
        image, bright = blended(image, peak, rim, least)
        image, black = blended(image, level, np.clip(0.5 - outside / 1.5, 0.0, 1.0), least)
        region |= bright | black
    return np.asarray(image, np.float32), region
