"""Analytic thorax: path length in each tissue of the rays from front to back.

Millimetres throughout: x grows to the patient's left (the right of the film), y to the front, z to the feet. Sizes are
those of an adult, drawn to look plausible; they are nobody's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from monai_inpaint.demo.tubes import Ball, project, tube, vessel_tree

_TOP = 18.0  # z of the film's upper edge
Interval = tuple[np.ndarray, np.ndarray]  # where a ray enters and leaves a body, y in mm; nothing where in >= out

# z and, at that height: the lungs' centres (from the midline), half widths and half depths
_LUNG_Z = [58, 61, 66, 76, 95, 130, 180, 230, 290, 350]
_LUNG_CENTRE = [47, 47, 48, 49, 53, 60, 68, 73, 76, 77]
_LUNG_WIDTH = [0, 9, 17, 26, 36, 47, 57, 62, 65, 66]
_LUNG_DEPTH = [0, 12, 22, 34, 48, 64, 76, 84, 88, 90]
# the mediastinum's borders from the midline, patient's right and left
_MEDIASTINUM_Z = [40, 70, 100, 118, 132, 146, 158, 172, 190, 215, 300, 384]
_MEDIASTINUM_RIGHT = [24, 22, 24, 26, 27, 28, 31, 32, 28, 21, 18, 18]
_MEDIASTINUM_LEFT = [24, 23, 25, 31, 39, 37, 34, 38, 40, 33, 26, 22]
_BODY_Z = [-20, 15, 32, 50, 75, 110, 150, 190, 240, 300, 400]
_BODY_WIDTH = [58, 61, 76, 130, 190, 225, 215, 190, 172, 168, 174]
_BODY_DEPTH = [55, 56, 58, 66, 80, 92, 102, 108, 112, 114, 116]


@dataclass(frozen=True)
class Thorax:
    """Path lengths in mm, (rows, columns) float64: soft tissue, lung, vessels in the lung, bone."""

    soft: np.ndarray
    lung: np.ndarray
    vessels: np.ndarray
    bone: np.ndarray


def thorax(side: int, spacing: float, rng: np.random.Generator) -> Thorax:
    """Return the path lengths on a film of side x side pixels, `spacing` mm apart."""
    x = (np.arange(side) - (side - 1) / 2)[None, :] * spacing
    z = _TOP + np.arange(side)[:, None] * spacing
    half_width, half_depth = _at(z, _BODY_Z, _BODY_WIDTH), _at(z, _BODY_Z, _BODY_DEPTH)
    soft = 2 * half_depth * _round(np.abs(x) / half_width, 2.6)
    lung = _lung(-1, x, z) + _lung(1, x, z)
    air = project(_airways(), (side, side), spacing, _TOP) + _stomach_bubble(x, z)
    vessels = project(_vessels(rng), (side, side), spacing, _TOP) * (lung > 1)
    bone = project(_ribs() + _girdle(), (side, side), spacing, _TOP) * 1.0
    marrow = project(_ribs(inner=True) + _girdle(inner=True), (side, side), spacing, _TOP) * 0.75
    bone = bone - marrow + _spine(x, z) + _blades(x, z)
    return Thorax(np.maximum(soft - lung - air, 0), lung, vessels, np.maximum(bone, 0))


def _lung(sign: int, x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Millimetres of one lung (-1: the patient's right): the chest's cavity minus its contents."""
    centre = sign * _at(z, _LUNG_Z, _LUNG_CENTRE)
    depth = _at(z, _LUNG_Z, _LUNG_DEPTH) * _round(
        np.abs(x - centre) / np.maximum(_at(z, _LUNG_Z, _LUNG_WIDTH), 1e-3), 2
    )
    cavity = (-8 - depth, -8 + depth)
    heart = _ellipsoid(x, z, (26, 10, 240), (72, 66, 52), tilt=0.62)
    atrium = _ellipsoid(x, z, (-4, 4, 236), (38, 60, 46))
    border = _at(z, _MEDIASTINUM_Z, _MEDIASTINUM_LEFT if sign > 0 else _MEDIASTINUM_RIGHT)
    thick = 105 * _round(np.abs(x) / border, 2.5)
    middle = (-thick, thick)
    return _length([cavity]) - _union(cavity, (middle, heart, atrium, _dome(sign, x, z)))


def _dome(sign: int, x: np.ndarray, z: np.ndarray) -> Interval:
    """Path of a ray below one half of the diaphragm, a paraboloid that falls off steeply to side and back."""
    centre, top = (-70.0, 268.0) if sign < 0 else (74.0, 281.0)
    outside = sign * (x - centre) > 0
    fall = (x - centre) ** 2 / np.where(outside, 92.0, 210.0)
    reach = np.sqrt(np.maximum((z - top - fall) * 130.0, 0))
    return 18 - reach, 18 + reach


def _ellipsoid(
    x: np.ndarray,
    z: np.ndarray,
    centre: tuple[float, float, float],
    half: tuple[float, float, float],
    tilt: float = 0.0,
) -> Interval:
    """Half axes along x, y, z before the turn by `tilt` radians from the patient's left towards the feet."""
    right, down = x - centre[0], z - centre[2]
    u = right * np.cos(tilt) + down * np.sin(tilt)
    v = down * np.cos(tilt) - right * np.sin(tilt)
    reach = half[1] * np.sqrt(np.maximum(1 - (u / half[0]) ** 2 - (v / half[2]) ** 2, 0))
    return centre[1] - reach, centre[1] + reach


def _union(inside: Interval, bodies: Sequence[Interval]) -> np.ndarray:
    """Path length of the union of bodies within `inside`, by inclusion and exclusion."""
    total = np.zeros(1)
    for size in range(1, len(bodies) + 1):
        total = total - (-1) ** size * sum(_length([inside, *some]) for some in combinations(bodies, size))
    return total


def _length(intervals: Sequence[Interval]) -> np.ndarray:
    starts, ends = zip(*intervals, strict=True)
    first, last = starts[0], ends[0]
    for start, end in zip(starts[1:], ends[1:], strict=True):
        first, last = np.maximum(first, start), np.minimum(last, end)
    return np.maximum(last - first, 0)


def _ribs(inner: bool = False) -> list[Ball]:
    """Ten pairs: each an arc in a tilted plane from the spine around the chest to its cartilage in front."""
    tubes: list[Ball] = []
    for n in range(10):
        top = 60 + 23.0 * n
        drop = float(np.interp(n, [0, 1, 2, 4, 6, 9], [34, 54, 68, 88, 98, 96]))
        level = top + drop / 2
        wall = 4 + float(np.interp(level, _LUNG_Z, np.add(_LUNG_CENTRE, _LUNG_WIDTH)))
        depth = 4 + float(np.interp(level, _LUNG_Z, _LUNG_DEPTH))
        turn = np.linspace(0.02, np.interp(n, [0, 1, 6, 9], [2.4, 2.45, 2.35, 1.9]), 60)
        height = top + drop * (0.5 - 0.5 * np.cos(turn)) - 5 * np.sin(np.minimum(2.2 * turn, np.pi))
        radius = np.interp(turn, [0, 0.3, 1.6, 2.4], [4.6, 5.8, 5.4, 6.4]) * (0.8 if n == 0 else 1.0)
        for sign in (-1, 1):
            across = sign * (13 + (wall - 13) * np.sin(turn))
            points = np.stack([across, -8 - depth * np.cos(turn), height], axis=1)
            tubes.append(tube(points, radius - 1.3 if inner else radius))
    return tubes


def _girdle(inner: bool = False) -> list[Ball]:
    """Clavicles, the shoulder blades' edges, heads and shafts of the arm bones."""
    thinner = 1.6 if inner else 0.0
    clavicle = np.array([(15, 112), (30, 106), (55, 95), (85, 82), (115, 70), (140, 64), (160, 66)], float)
    blade = np.array([(124, 205), (132, 180), (142, 150), (152, 118)], float)
    acromion = np.array([(112, 92), (135, 82), (160, 72), (174, 70)], float)
    arm = np.array([(172, 92), (180, 130), (188, 190)], float)
    tubes: list[Ball] = []
    for sign in (-1, 1):
        for line, radii in (
            (clavicle, [8.5, 6.5, 5.5, 5.5, 6, 7, 6.5]),
            (blade, [3, 3.4, 3.8, 5]),
            (acromion, [3, 4, 5, 6]),
            (arm, [17, 12, 11]),
        ):
            points = np.stack([sign * line[:, 0], np.zeros(len(line)), line[:, 1]], axis=1)
            tubes.append(tube(points, np.array(radii, float) - thinner))
    return tubes


def _spine(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Vertebrae as blocks with dense rims, pedicles and a spinous process each."""
    bone = np.zeros(np.broadcast_shapes(x.shape, z.shape))
    for n in range(-2, 15):
        middle, width = 64 + 23.0 * n, 14.5 + 0.35 * n
        waist = width * (0.9 + 0.1 * ((z - middle) / 10) ** 2)
        body = _round(np.abs(x) / waist, 3.5) * _round(np.abs(z - middle) / 10.2, 5)
        core = _round(np.abs(x) / (waist - 2.2), 3.5) * _round(np.abs(z - middle) / 8.0, 5)
        bone += 7.5 * body - 3.2 * core
        for sign in (-1, 1):
            far = np.hypot((x - sign * (width - 5)) / 3.6, (z - middle + 3) / 5.2)
            bone += 4.5 * _round(far, 2) - 2.5 * _round(far * 1.6, 2)
            across = np.hypot((x - sign * (width + 8)) / 14, (z - middle + 1) / 4.5)
            bone += 4 * _round(across, 2)
        bone += 6 * _round(np.hypot(x / 3.2, (z - middle - 9) / 6.5), 2)
    return bone


def _blades(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """The thin plates of the shoulder blades: triangles between their edges."""
    bone = np.zeros(np.broadcast_shapes(x.shape, z.shape))
    corners = [(108.0, 80.0), (124.0, 207.0), (154.0, 112.0)]
    for sign in (-1, 1):
        plate = np.full(bone.shape, np.inf)
        for n, (cx, cz) in enumerate(corners):
            nx, nz = corners[(n + 1) % 3]
            length = np.hypot(nx - cx, nz - cz)
            plate = np.minimum(plate, ((sign * x - cx) * (nz - cz) - (z - cz) * (nx - cx)) / length)
        bone += 1.8 * np.clip(plate / 2.0, 0, 1)
    return bone


def _airways() -> list[Ball]:
    def line(*points: tuple[float, float, float]) -> np.ndarray:
        return np.array(points, float)

    trachea = tube(line((0, 0, -10), (0, -5, 60), (-2, -12, 120), (-3, -18, 162)), 8.0)
    right = tube(line((-3, -18, 160), (-16, -22, 178), (-30, -26, 196)), np.array([6.8, 6.2, 5.0]))
    left = tube(line((-2, -18, 160), (18, -22, 175), (40, -28, 190)), np.array([6.4, 5.6, 4.2]))
    return [trachea, right, left]


def _vessels(rng: np.random.Generator) -> list[Ball]:
    tubes: list[Ball] = []
    for sign in (-1, 1):
        root = (sign * 36.0, -10.0, 186.0 if sign < 0 else 176.0)
        for heading, radius in (
            ((0.9, 0.2, -1.6), 5.0), ((1.3, -0.5, -0.7), 4.4), ((1.4, 0.8, 0.1), 4.2), ((1.2, -0.9, 0.5), 4.6),
            ((0.8, -0.4, 1.4), 6.8), ((0.35, 0.3, 1.6), 6.0), ((1.1, 0.6, 1.0), 5.0), ((0.5, -0.9, -1.2), 4.2),
            ((1.5, 0.1, -1.2), 4.0), ((1.5, 0.1, 0.9), 4.4), ((0.7, 0.6, -1.5), 4.4), ((0.7, 0.9, 1.3), 4.6),
        ):  # fmt: skip
            tubes += vessel_tree(root, (sign * heading[0], heading[1], heading[2]), radius, rng)
    return tubes


def _stomach_bubble(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    first, last = _ellipsoid(x, z, (66, 20, 316), (26, 17, 12), tilt=-0.15)
    return last - first


def _at(z: np.ndarray, heights: Sequence[float], values: Sequence[float]) -> np.ndarray:
    """Values between the given heights, by monotone cubic interpolation."""
    from scipy.interpolate import PchipInterpolator

    low, high = heights[0], heights[-1]
    return PchipInterpolator(heights, np.asarray(values, float))(np.clip(z, low, high))


def _round(far: np.ndarray, power: float) -> np.ndarray:
    """Relative thickness of a rounded body at the relative distance `far` from its middle."""
    return np.maximum(1 - np.minimum(far, 1.0) ** power, 0) ** (1 / power)
