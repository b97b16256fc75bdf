"""Implants to simulate: rods of one metal, in mm, at anatomically plausible places in a patient."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

# A straight piece with round ends: from, to (mm down, right, across the slices), radius at both ends (mm).
Rod = tuple[tuple[float, float, float], tuple[float, float, float], float, float]


@dataclass(frozen=True)
class Implant:
    """A union of rods of one metal.

    Attributes:
        kind: "hip", "filling", "screw" or "clip".
        material: a name in `materials.MATERIALS`.
        rods: in mm from the centre of the first voxel of the first slice.
    """

    kind: str
    material: str
    rods: tuple[Rod, ...]

    def moved(self, by: Sequence[float]) -> Implant:
        """Return the same elsewhere; `by` in mm down, right, across."""
        return Implant(self.kind, self.material, tuple((_sum(a, by), _sum(b, by), r, q) for a, b, r, q in self.rods))

    def ends(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the corners of the box around it, mm."""
        low = [np.minimum(a, b) - max(r, q) for a, b, r, q in self.rods]
        high = [np.maximum(a, b) + max(r, q) for a, b, r, q in self.rods]
        return np.min(low, axis=0), np.max(high, axis=0)

    def holds(self, down: np.ndarray, right: np.ndarray, across: float) -> np.ndarray:
        """Return whether points are in the metal, bool; coordinates in mm that broadcast."""
        inside: Any = False
        for a, b, start, end in self.rods:
            way = np.subtract(b, a)
            gaps = (down - a[0], right - a[1], across - a[2])
            share = np.clip(sum(g * w for g, w in zip(gaps, way, strict=True)) / max(float(way @ way), 1e-9), 0, 1)
            distance = sum((g - share * w) ** 2 for g, w in zip(gaps, way, strict=True))
            inside = inside | (distance <= (start + share * (end - start)) ** 2)
        return np.asarray(inside)


def draw_implant(kind: str, rng: np.random.Generator) -> Implant:
    """Draw an implant of that kind about the origin, of random size, metal and direction.

    Args:
        kind: one of `KINDS`.
        rng: the source of chance.
    """
    make, materials = KINDS[kind]
    return Implant(kind, str(rng.choice(materials)), tuple(make(rng)))


def _hip(rng: np.random.Generator) -> list[Rod]:
    """The head, its neck, and the stem in the thigh bone, about twice as broad as thick and thinner downwards."""
    side, angle = rng.choice((-1, 1)), math.radians(rng.uniform(125, 135))
    neck, stem = rng.uniform(30, 45), rng.uniform(100, 150)
    shoulder = (0.0, side * neck * math.sin(angle), neck * math.cos(angle))
    thick, broad, turn = rng.uniform(5, 7), rng.uniform(3, 7), rng.uniform(-0.5, 0.5)
    head = rng.uniform(11, 18)
    rods: list[Rod] = [((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), head, head), ((0.0, 0.0, 0.0), shoulder, 6.0, 7.0)]
    for half in (-broad, broad):
        top = _sum(shoulder, (half * math.sin(turn), half * math.cos(turn), 0.0))
        rods.append((top, _sum(shoulder, (0.0, 0.0, -stem)), thick, 0.6 * thick))
    return rods


def _fillings(rng: np.random.Generator) -> list[Rod]:
    """Lumps of a tooth's crown on an arc, arranged like teeth."""
    rods: list[Rod] = []
    for right in rng.uniform(-25, 25, rng.integers(2, 8)):
        at = (0.05 * right**2 + rng.normal(0, 1), float(right), rng.normal(0, 1))
        rods.append((at, _sum(at, rng.uniform(-3, 3, 3)), rng.uniform(1.2, 3.0), rng.uniform(1.2, 3.0)))
    return rods


def _screws(rng: np.random.Generator) -> list[Rod]:
    """One or two screws with heads, as a pair leans together in a vertebra."""
    rods: list[Rod] = []
    length, radius, lean = rng.uniform(25, 50), rng.uniform(1.8, 3.5), rng.uniform(-0.2, 0.4)
    turn, distance = rng.uniform(0, 2 * math.pi), rng.uniform(25, 45)
    for side in (-1, 1)[: rng.integers(1, 3)]:
        head = np.array([0.0, side * distance / 2, 0.0])
        tip = head + length * np.array([math.cos(lean), -side * math.sin(lean), rng.uniform(-0.1, 0.1)])
        cap = head + 5.0 * (head - tip) / length
        head, tip, cap = (_turned(point, turn) for point in (head, tip, cap))
        rods += [(head, tip, radius, 0.8 * radius), (cap, head, 1.9 * radius, 1.9 * radius)]
    return rods


def _clips(rng: np.random.Generator) -> list[Rod]:
    """One to three surgical clips near each other."""
    rods: list[Rod] = []
    for _ in range(rng.integers(1, 4)):
        middle, way = rng.uniform(-20, 20, 3) * (1, 1, 0.02), rng.normal(size=3) * (1, 1, 0.2)
        half, radius = rng.uniform(2, 4.5) * way / np.linalg.norm(way), rng.uniform(0.5, 0.9)
        rods.append((_sum(middle, half), _sum(middle, -half), radius, radius))
    return rods


KINDS: dict[str, tuple[Callable[[np.random.Generator], list[Rod]], tuple[str, ...]]] = {
    "hip": (_hip, ("cobalt-chromium", "titanium", "steel")),
    "filling": (_fillings, ("amalgam", "gold")),
    "screw": (_screws, ("titanium", "steel")),
    "clip": (_clips, ("titanium", "steel")),
}


def _sum(point: Sequence[float] | np.ndarray, by: Sequence[float] | np.ndarray) -> tuple[float, float, float]:
    first, second, third = (round(float(p + q), 3) for p, q in zip(point, by, strict=True))
    return first, second, third


def _turned(point: np.ndarray, angle: float) -> tuple[float, float, float]:
    """Turned within the slice."""
    cos, sin = math.cos(angle), math.sin(angle)
    return _sum((cos * point[0] - sin * point[1], sin * point[0] + cos * point[1], point[2]), (0.0, 0.0, 0.0))
