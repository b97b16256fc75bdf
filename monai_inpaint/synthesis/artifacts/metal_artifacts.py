"""Metal in films and CT: implants, wires, pins and rings, with a rim that is metal in part, and streaks in CT."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.synthesis.artifacts.blend import blended
from monai_inpaint.synthesis.artifacts.contrast import DENSEST, HOUNSFIELD, least_change
from monai_inpaint.synthesis.holes import metal_shapes, wires
from monai_inpaint.synthesis.holes.ranges import draw_log_uniform, draw_point, typical_side

TURNS = 90  # directions between which streaks change smoothly


def random_metal(
    shape: Sequence[int], rng: np.random.Generator, contrast: Sequence[float], *, side: float | None = None
) -> dict[str, Any]:
    """Draw shapes, brightness and blur of metal, and the strength of its streaks.

    Hounsfield units are recognised by the contrast, which is that of `HOUNSFIELD` in CT only. There metal ranges from
    1,800 HU (thin, or a light metal) to far beyond 12 bits, and is mostly clipped to these; in films it is about as
    bright as the brightest anatomy, without streaks.

    Args:
        shape: (rows, columns) of the image.
        rng: the source of chance.
        contrast: see `contrast_of`.
        side: size of the image in pixels that lengths are relative to; that of `shape` if not given.

    Returns:
        {"metal", "wires": as the hole makers of these names have them, "rings": [{"centre": [row, column], "radii":
        [inner, outer] in pixels, "stretch": factor, "angle": radians}, ...], "level": units, "ceiling": units or None,
        "opacity": 0 to 1, "blur": pixels, "streaks": {"height": units, "turns": [...]} or None, "least": units}, for
        `draw_metal`.
    """
    zoom = (side or typical_side(shape)) / typical_side(shape)
    parts: dict[str, Any] = {"metal": [], "wires": [], "rings": []}
    kind = rng.choice(("metal", "wires", "rings", "pins"), p=(0.4, 0.2, 0.2, 0.2))
    if kind == "metal":
        parts |= metal_shapes.random_metal(shape, rng, count=(1, 1), length=(0.05 * zoom, 0.5 * zoom))
    elif kind == "wires":
        thickness = (1.0, max(1.5, 0.012 * zoom * typical_side(shape)))
        parts |= wires.random_wires(shape, rng, count=(1, 1), length=(0.1 * zoom, 0.8 * zoom), thickness=thickness)
    else:
        parts["rings"] = _rings(shape, rng, zoom * typical_side(shape), hollow=kind == "rings")
    dark, bright = contrast
    streaks, ceiling, opacity = None, None, 1.0
    if tuple(contrast) == HOUNSFIELD:
        level = draw_log_uniform(rng, 1800.0, 9000.0)
        ceiling = DENSEST if rng.random() < 0.6 else None
        if rng.random() < 0.6:
            streaks = {
                "height": round(rng.uniform(30.0, 500.0), 1),
                "turns": np.round(rng.normal(0, 1, TURNS), 2).tolist(),
            }
    else:
        level = bright + rng.uniform(-0.1, 0.25) * (bright - dark)
        opacity = rng.uniform(0.7, 1.0)
    return {
        **parts,
        "level": round(float(level), 2),
        "ceiling": ceiling,
        "opacity": round(opacity, 3),
        "blur": round(rng.uniform(0.4, 1.2), 2),
        "streaks": streaks,
        "least": least_change(contrast),
    }


def draw_metal(
    image: np.ndarray,
    *,
    metal: Sequence[Any],
    wires: Sequence[Any],
    rings: Sequence[Any],
    level: float,
    ceiling: float | None,
    opacity: float,
    blur: float,
    streaks: dict[str, Any] | None,
    least: float,
) -> tuple[np.ndarray, np.ndarray]:
    """The image (rows, columns) with the metal, float32, and its region with the rim, bool; streaks lie outside too.

    Raises:
        InputError: none of it is in the image.
    """
    shape = _shape(image.shape, metal, wires, rings)
    if streaks:
        image = image + _streaks(shape, **streaks)
        image = np.maximum(image, HOUNSFIELD[0] - 24.0)
    part = cv2.GaussianBlur(shape.astype(np.float32), (0, 0), blur)  # of each pixel that is metal
    drawn, region = blended(image, level, opacity * part, least)
    return (drawn if ceiling is None else np.where(region, np.minimum(drawn, ceiling), drawn)), region


def _shape(size: tuple[int, ...], implants: Sequence[Any], courses: Sequence[Any], rings: Sequence[Any]) -> np.ndarray:
    shape = np.zeros(size, bool)
    if implants:  # without the rim, which holes have
        shape |= metal_shapes.draw_metal(size, metal=[implant | {"rim": 0.5} for implant in implants])
    if courses:
        shape |= wires.draw_wires(size, wires=courses)
    rows, columns = np.ogrid[: size[0], : size[1]]
    for ring in rings:
        down, right = rows - ring["centre"][0], columns - ring["centre"][1]
        cos, sin = math.cos(ring["angle"]), math.sin(ring["angle"])
        along, across = (right * cos + down * sin) * ring["stretch"], (down * cos - right * sin) / ring["stretch"]
        inner, outer = ring["radii"]
        distance = np.hypot(along, across)
        shape |= (distance >= inner) & (distance <= outer)
    if not shape.any():
        raise InputError(f"No metal lies in the shape {size}: move it.")
    return shape


def _rings(shape: Sequence[int], rng: np.random.Generator, side: float, *, hollow: bool) -> list[dict[str, Any]]:
    """Pins seen from their end, or rings: wires of the breast bone, stents, snaps of leads."""
    outer = max(1.5, draw_log_uniform(rng, 0.006, 0.05) * side * (1.5 if hollow else 1.0))
    inner = max(0.0, outer - max(1.2, outer * rng.uniform(0.15, 0.5))) if hollow else 0.0
    first, step = draw_point(rng, shape), rng.uniform(-6, 6, 2) * outer
    return [
        {
            "centre": np.round(first + number * step, 2).tolist(),
            "radii": [round(inner, 2), round(outer, 2)],
            "stretch": round(draw_log_uniform(rng, 0.7, 1.4), 3),
            "angle": round(rng.uniform(0, math.pi), 3),
        }
        for number in range(int(rng.choice((1, 1, 2, 4))))
    ]


def _streaks(shape: np.ndarray, *, height: float, turns: Sequence[float]) -> np.ndarray:
    """Bright and dark rays from the middle of the metal, which fade with the distance from it."""
    places = np.argwhere(shape)
    middle = places.mean(axis=0)
    size = 2.0 + 2.0 * np.sqrt(len(places) / math.pi)
    down, right = np.ogrid[: shape.shape[0], : shape.shape[1]]
    down, right = down - middle[0], right - middle[1]
    # Rays are straight through the metal: opposite directions are alike.
    at = (np.arctan2(down, right) / math.pi % 1.0) * len(turns)
    ray = np.interp(at, np.arange(len(turns) + 1), [*turns, turns[0]])
    return (height * ray * size / (size + np.hypot(down, right))).astype(np.float32)
