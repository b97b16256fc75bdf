"""Draw any kind of hole of any size: what networks are trained with."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from monai_inpaint.synthesis.holes.blobs import draw_blobs
from monai_inpaint.synthesis.holes.boxes import draw_boxes
from monai_inpaint.synthesis.holes.free_form import FREE_FORM_KINDS, checked_kinds, draw_free_form, random_parts
from monai_inpaint.synthesis.holes.metal_shapes import draw_metal, random_metal
from monai_inpaint.synthesis.holes.ranges import checked_shape, draw_log_uniform, voxel_limits
from monai_inpaint.synthesis.holes.scattered import draw_scattered, random_scattered
from monai_inpaint.synthesis.holes.square import draw_square, random_square
from monai_inpaint.synthesis.holes.strokes import draw_strokes
from monai_inpaint.synthesis.holes.wires import draw_wires, random_wires

SHAPES = ("square", "boxes", "blobs", "strokes", "free_form")
DEVICES = ("wires", "metal")
KINDS = (*SHAPES, "scattered", *DEVICES)
SHARES = (*SHAPES, *SHAPES, "scattered", "wires", "metal", "metal")  # a list to draw a kind for training from

_DRAW: dict[str, Callable[..., np.ndarray]] = {
    "square": draw_square,
    "boxes": draw_boxes,
    "blobs": draw_blobs,
    "strokes": draw_strokes,
    "free_form": draw_free_form,
    "scattered": draw_scattered,
    "wires": draw_wires,
    "metal": draw_metal,
}
# As large as such things are: they do not aim at a fraction.
_UNSIZED: dict[str, Callable[..., dict[str, Any]]] = {
    "scattered": random_scattered,
    "wires": random_wires,
    "metal": random_metal,
}
_TRIES = 4


def random_hole(
    shape: Sequence[int],
    rng: np.random.Generator,
    *,
    kinds: Sequence[str] = SHARES,
    fraction: Sequence[float] = (0.0005, 0.6),
) -> tuple[str, dict[str, Any]]:
    """Draw a hole of a random kind and size, for `draw_hole`.

    In half of the holes all fractions are equally likely, in half all factors of two, so that large and tiny holes are
    both common. Scattered lumps, wires and metal have realistic sizes, also within the range.

    Args:
        shape: of the image, 2 or 3 axes.
        rng: the source of chance.
        kinds: from KINDS, equally likely; a kind listed twice is twice as likely. SHARES if not given.
        fraction: hole voxels over all voxels, (low, high); the drawn hole is always in this range, has at least one
            voxel and leaves one known.

    Returns:
        The kind and its JSON-able parameters. Where the drawn kind cannot meet the range in this shape (no square
        may), the kind returned is "free_form".

    Raises:
        InputError: an unknown kind, or no whole number of voxels in the range.
    """
    sizes = checked_shape(shape)
    names = checked_kinds(kinds, KINDS)
    fewest, most = limits = voxel_limits(sizes, fraction)
    kind = names[int(rng.integers(len(names)))]
    if kind in _UNSIZED:
        params = _within(kind, sizes, rng, limits)
        if params:
            return kind, params
    goal = rng.uniform(fewest, most) if rng.random() < 0.5 else draw_log_uniform(rng, fewest, most)
    if kind == "square":
        side = _square_side(sizes, limits, goal)
        if side:
            return kind, random_square(sizes, rng, side=side)
    parts_of = (kind,) if kind in FREE_FORM_KINDS else FREE_FORM_KINDS
    parts = random_parts(sizes, rng, parts_of, limits, goal)
    if kind in FREE_FORM_KINDS and all(name == kind for name, _ in parts):
        return kind, {kind: [item for _, item in parts]}
    return "free_form", {"parts": parts}


def draw_hole(shape: Sequence[int], kind: str, params: dict[str, Any]) -> np.ndarray:
    """Draw the hole as a boolean array of that shape, True in the hole; the same parameters give the same hole.

    Raises:
        InputError: an unknown kind, or parameters that leave the image.
    """
    checked_kinds((kind,), KINDS)
    return _DRAW[kind](shape, **params)


def _within(kind: str, sizes: tuple[int, ...], rng: np.random.Generator, limits: tuple[int, int]) -> Any:
    """As many lumps, wires or implants as keep to the limits; None where that is not found soon."""
    found: list[Any] = []
    for _ in range(_TRIES):
        tried = [*found, *_UNSIZED[kind](sizes, rng)[kind]]
        voxels = int(np.count_nonzero(_DRAW[kind](sizes, **{kind: tried})))
        if voxels <= limits[1]:
            found = tried
            if voxels >= limits[0]:
                return {kind: found}
    return None


def _square_side(sizes: tuple[int, ...], limits: tuple[int, int], goal: float) -> int | None:
    """The side whose square comes nearest the goal, within the limits; None where there is none."""
    ndim = len(sizes)
    longest = min(sizes)
    wanted = min(longest, max(1, round(goal ** (1 / ndim))))
    sides = sorted(range(1, longest + 1), key=lambda side: abs(side - wanted))
    return next((side for side in sides if limits[0] <= side**ndim <= limits[1] < math.prod(sizes)), None)
