"""Holes over implants: outlines of metal, with the rim that its artifacts corrupt.

All are unions of rods: straight pieces with round ends whose radius may change along the way. So a rim costs nothing:
every radius grows by it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.synthesis.holes.ranges import (
    checked_range,
    checked_shape,
    draw_axes,
    draw_count,
    draw_log_uniform,
    draw_point,
    to_segment,
    typical_side,
)

THINNEST = 0.5  # voxels, the radius of a rod without its rim

# A rod of an implant that is one long: from, to (along it, across it, through it), radius at both ends.
Rod = tuple[tuple[float, float, float], tuple[float, float, float], float, float]


def random_metal(
    shape: Sequence[int],
    rng: np.random.Generator,
    *,
    count: Sequence[int] = (1, 2),
    length: Sequence[float] = (0.08, 1.0),
    rim: Sequence[float] = (1.0, 4.0),
) -> dict[str, Any]:
    """Draw implants: artificial hips, screws, dental fillings and plates; each may leave the image in part.

    Args:
        shape: of the image, 2 or 3 axes. In 2D they are drawn as a film shows them.
        rng: the source of chance.
        count: how many implants, (low, high), both included.
        length: of each as a fraction of the image's side (3D: the middle one of its three sides), (low, high).
        rim: how many voxels around the metal belong to the hole, (low, high); at least 1, so that no rod slips through
            between the voxels.

    Returns:
        {"metal": [{"rods": [[from, to, [radius at from, at to]], ...] (without the rim), "rim": voxels}, ...]},
        for `draw_metal`.

    Raises:
        InputError: a range is not one.
    """
    sizes = checked_shape(shape)
    number = draw_count(rng, "count", count)
    lengths, rims = checked_range("length", length, 0.01, 10.0), checked_range("rim", rim, 1.0, 100.0)
    return {
        "metal": [
            {
                "rods": _placed(sizes, rng, draw_log_uniform(rng, *lengths) * typical_side(sizes)),
                "rim": round(rng.uniform(*rims), 2),
            }
            for _ in range(number)
        ]
    }


def draw_metal(shape: Sequence[int], *, metal: Sequence[Any]) -> np.ndarray:
    """Draw the implants and their rims as one boolean array of that shape, True in the hole.

    Raises:
        InputError: no part of any implant is in the image.
    """
    hole = np.zeros(checked_shape(shape), bool)
    for implant in metal:
        for a, b, (start, end) in implant["rods"]:
            box, share, distance = to_segment(hole.shape, a, b, max(start, end) + implant["rim"])
            radius = start + implant["rim"] + share * (end - start)
            hole[box] |= distance <= radius * radius
    if not hole.any():
        raise InputError(f"No metal lies in the shape {hole.shape}: move it.")
    return hole


def _placed(shape: tuple[int, ...], rng: np.random.Generator, length: float) -> list[Any]:
    """The rods of any implant, randomly rotated, so that a random point of one of them is anywhere in the image."""
    ndim = len(shape)
    rods = IMPLANTS[int(rng.integers(len(IMPLANTS)))](rng)
    # In 2D a mirrored implant is another one.
    axes = length * draw_axes(rng, ndim) * np.array([1, rng.choice((-1, 1)), 1])[:ndim, None]
    ends = np.array([rod[:2] for rod in rods])[..., :ndim] @ axes
    seen, share = ends[rng.integers(len(ends))], rng.random()
    ends = ends - (seen[0] + share * (seen[1] - seen[0])) + draw_point(rng, shape)
    radii = np.maximum(THINNEST, length * rng.uniform(0.8, 1.3) * np.array([rod[2:] for rod in rods]))
    return [[*np.round(pair, 2).tolist(), np.round(two, 2).tolist()] for pair, two in zip(ends, radii, strict=True)]


def _hip(rng: np.random.Generator) -> list[Rod]:
    """The head, its neck, and the stem that sits in the thigh bone and grows thinner."""
    along, across = rng.uniform(0.12, 0.22), rng.uniform(0.12, 0.25)
    head, shoulder, tip = (0.0, 0.0, 0.0), (along, across, 0.0), (1.0, across + rng.uniform(-0.05, 0.05), 0.0)
    ball = rng.uniform(0.11, 0.16)
    return [(head, head, ball, ball), (head, shoulder, 0.05, 0.06), (shoulder, tip, 0.09, 0.03)]


def _screws(rng: np.random.Generator) -> list[Rod]:
    """Nearly parallel screws with broad heads."""
    rods: list[Rod] = []
    radius, distance, lean = rng.uniform(0.025, 0.06), rng.uniform(0.2, 0.6), rng.uniform(-0.3, 0.3)
    for number in range(rng.integers(1, 5)):
        across, through = distance * number, rng.normal(0, 0.1)
        tip = (rng.uniform(0.8, 1.0), across + lean * (number % 2), through)
        rods.append(((0.0, across, through), tip, radius, 0.7 * radius))
        rods.append(((0.0, across - radius, through), (0.0, across + radius, through), 1.6 * radius, 1.6 * radius))
    return rods


def _fillings(rng: np.random.Generator) -> list[Rod]:
    """Small lumps on a part of an arc, arranged like teeth."""
    rods: list[Rod] = []
    bow = rng.uniform(0.0, 1.5)
    for along in rng.uniform(-0.5, 0.5, rng.integers(2, 8)):
        place = np.array([along, bow * along**2, 0.0]) + rng.normal(0, 0.02, 3)
        other = place + rng.uniform(-0.07, 0.07, 3)
        radius = rng.uniform(0.03, 0.1)
        rods.append((tuple(place), tuple(other), radius, radius))
    return rods


def _plate(rng: np.random.Generator) -> list[Rod]:
    """A bar, in 3D one to three times as wide as thick, optionally with its screws."""
    radius, broad = rng.uniform(0.02, 0.05), rng.integers(1, 4)
    rods: list[Rod] = []
    for through in 1.5 * radius * (np.arange(broad) - (broad - 1) / 2):
        rods.append(((0.0, 0.0, through), (1.0, 0.0, through), radius, radius))
    for along in rng.uniform(0.05, 0.95, rng.integers(0, 6)):
        depth = rng.uniform(0.1, 0.35)
        rods.append(((along, 0.0, 0.0), (along, depth, 0.0), 0.7 * radius, 0.4 * radius))
    return rods


IMPLANTS: tuple[Callable[[np.random.Generator], list[Rod]], ...] = (_hip, _screws, _fillings, _plate)
