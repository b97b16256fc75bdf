"""Free-form holes: the union of blobs, strokes and boxes, covering a wanted fraction of the image."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.synthesis.holes.blobs import paint_blob, random_blob
from monai_inpaint.synthesis.holes.boxes import paint_box, random_box
from monai_inpaint.synthesis.holes.ranges import checked_shape, voxel_limits
from monai_inpaint.synthesis.holes.strokes import paint_stroke, random_stroke

FREE_FORM_KINDS = ("blobs", "strokes", "boxes")
_PAINT: dict[str, Callable[[np.ndarray, Any], None]] = {
    "blobs": paint_blob,
    "strokes": paint_stroke,
    "boxes": paint_box,
}


def random_free_form(
    shape: Sequence[int],
    rng: np.random.Generator,
    *,
    fraction: Sequence[float] = (0.01, 0.25),
    kinds: Sequence[str] = FREE_FORM_KINDS,
) -> dict[str, Any]:
    """Draw the parts of a hole that covers a fraction of the image, every fraction in the range equally likely.

    Args:
        shape: of the image, 2 or 3 axes.
        rng: the source of chance.
        fraction: hole voxels over all voxels, (low, high); the drawn hole is always in this range.
        kinds: of the parts, from "blobs", "strokes", "boxes".

    Returns:
        {"parts": [[kind, one blob, stroke or box], ...]}, for `draw_free_form`. If random parts miss a narrow range,
        thin boxes are added, whatever the kinds.

    Raises:
        InputError: an unknown kind, or no whole number of voxels in the range.
    """
    sizes = checked_shape(shape)
    limits = voxel_limits(sizes, fraction)
    return {"parts": random_parts(sizes, rng, checked_kinds(kinds, FREE_FORM_KINDS), limits, rng.uniform(*limits))}


def draw_free_form(shape: Sequence[int], *, parts: Sequence[Any]) -> np.ndarray:
    """Draw the union of the parts as a boolean array of that shape, True in the hole.

    Raises:
        InputError: an unknown kind, or a part outside the image.
    """
    hole = np.zeros(checked_shape(shape), bool)
    for kind, part in parts:
        checked_kinds((kind,), FREE_FORM_KINDS)
        _PAINT[kind](hole, part)
    return hole


def checked_kinds(kinds: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """`kinds` as a tuple.

    Raises:
        InputError: none given, or an unknown one.
    """
    names = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise InputError(f"kinds={names} is not known here: choose from {', '.join(known)}.")
    return names


def random_parts(
    shape: tuple[int, ...],
    rng: np.random.Generator,
    kinds: Sequence[str],
    limits: tuple[int, int],
    goal: float,
) -> list[list[Any]]:
    """Parts [kind, item] whose union has about `goal` voxels, and always from limits[0] to limits[1]."""
    hole = np.zeros(shape, bool)
    parts: list[list[Any]] = []
    covered, shrink = 0, 1.0
    pieces = int(rng.choice((1, 1, 2, 3, 5)))
    enough = max(limits[0], 0.8 * goal)
    for _ in range(pieces + 8):
        if covered >= enough:
            return parts
        share = max(1, pieces - len(parts)) if len(parts) < pieces else 1
        voxels = max(1.0, shrink * (goal - covered) / share * rng.uniform(0.8, 1.2))
        kind = kinds[int(rng.integers(len(kinds)))]
        item = _random_item(kind, shape, rng, voxels)
        tried = hole.copy()
        _PAINT[kind](tried, item)
        count = int(np.count_nonzero(tried))
        if count > limits[1]:
            shrink *= 0.6
        elif count > covered:
            hole, covered = tried, count
            parts.append([kind, item])
    return parts + _make_up(hole, limits[0] - covered)


def _random_item(kind: str, shape: tuple[int, ...], rng: np.random.Generator, voxels: float) -> Any:
    if kind == "boxes":
        return random_box(shape, rng, voxels)
    if kind == "blobs":
        return random_blob(shape, rng, voxels, rng.uniform(0.0, 0.35))
    return random_stroke(shape, rng, voxels, voxels ** (1 / len(shape)) * math.exp(rng.uniform(-1.8, -0.6)))


def _make_up(hole: np.ndarray, missing: int) -> list[list[Any]]:
    """Boxes one voxel thin that cover exactly so many known voxels, in the order of the array."""
    parts: list[list[Any]] = []
    lines = hole.reshape(-1, hole.shape[-1])
    for number, line in enumerate(lines):
        if missing <= 0:
            break
        edges = np.flatnonzero(np.diff(np.r_[True, line, True].astype(np.int8)))
        for first, last in edges.reshape(-1, 2).tolist():
            length = min(missing, last - first)
            if length:
                at = [int(index) for index in np.unravel_index(number, hole.shape[:-1])]
                parts.append(["boxes", [[*at, first], [*(index + 1 for index in at), first + length]]])
                missing -= length
    return parts
