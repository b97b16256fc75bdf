"""Curved tubes seen in projection: ribs, clavicles, vessels, wires."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

_STEP = 0.4  # distance of neighbouring balls, relative to the radius

Ball = tuple[np.ndarray, np.ndarray, np.ndarray]  # centres (n, 3) as x, y, z in mm; radii (n,) mm; weights (n,)


def tube(points: np.ndarray, radius: np.ndarray | float) -> Ball:
    """Balls along a curve that together project as the tube does.

    A ball has the volume 4/3 pi r^3; spread over the step from ball to ball and weighted by its share of the tube's
    volume, the sum of the balls' chords is that of the tube, including foreshortening.

    Args:
        points: (n, 3) x, y, z in mm along the curve.
        radius: mm, one or one for each point.
    """
    lengths = np.linalg.norm(np.diff(points, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    radii = np.broadcast_to(np.asarray(radius, float), along.shape)
    count = max(int(np.ceil(along[-1] / (_STEP * max(radii.mean(), 0.3)))), 2)
    step = along[-1] / count
    places = (np.arange(count) + 0.5) * step
    centres = np.stack([np.interp(places, along, points[:, axis]) for axis in range(3)], axis=1)
    r = np.interp(places, along, radii)
    return centres, r, 0.75 * step / r


def project(tubes: Iterable[Ball], shape: tuple[int, int], spacing: float, top: float) -> np.ndarray:
    """Millimetres of tube along each ray.

    Args:
        tubes: from `tube`; rays run along y, x is 0 in the middle column.
        shape: rows and columns of the film.
        spacing: mm between pixels.
        top: z of the first row.

    Returns:
        (rows, columns) float64.
    """
    result = np.zeros(shape)
    rows, columns = shape
    for centres, radii, weights in tubes:
        for (x, _, z), radius, weight in zip(centres, radii, weights, strict=True):
            row, column = (z - top) / spacing, x / spacing + (columns - 1) / 2
            # Thinner than a pixel cannot be drawn; it is drawn as wide as a pixel and as much fainter.
            reach = max(radius / spacing, 0.8)
            upper, lower = max(int(row - reach), 0), min(int(row + reach) + 2, rows)
            left, right = max(int(column - reach), 0), min(int(column + reach) + 2, columns)
            if upper >= lower or left >= right:
                continue
            i = np.arange(upper, lower)[:, None] - row
            j = np.arange(left, right)[None, :] - column
            inside = 1 - (i * i + j * j) / reach**2
            chord = 2 * radius * np.sqrt(np.maximum(inside, 0))
            result[upper:lower, left:right] += weight * chord * (radius / spacing / reach) ** 2
    return result


def vessel_tree(
    start: tuple[float, float, float], heading: tuple[float, float, float], radius: float, rng: np.random.Generator
) -> list[Ball]:
    """Return a branching vessel: each branch ends in two thinner ones until they are too fine to be seen.

    Args:
        start: x, y, z in mm.
        heading: direction of the first branch, of any length.
        radius: of the first branch, mm.
    """
    tubes: list[Ball] = []
    first = np.asarray(heading, float)
    waiting = [(np.asarray(start, float), first / np.linalg.norm(first), radius)]
    while waiting:
        place, direction, r = waiting.pop()
        length = r * rng.uniform(4.5, 8.0) + 4.0
        bend = rng.normal(0, 0.12, 3)
        steps = np.linspace(0, 1, 6)[:, None]
        points = place + length * (steps * direction + steps**2 * bend)
        thinner = r * rng.uniform(0.74, 0.86)
        tubes.append(tube(points, np.linspace(r, thinner, 6)))
        if thinner < 0.4:
            continue
        ahead = direction + 2 * bend
        side = rng.normal(0, 1, 3)
        side -= side @ ahead / (ahead @ ahead) * ahead
        side /= np.linalg.norm(side)
        for sign, share in ((1, rng.uniform(0.86, 0.98)), (-1, rng.uniform(0.6, 0.85))):
            turned = ahead + sign * side * rng.uniform(0.25, 0.6) * (1.3 - share)
            waiting.append((points[-1], turned / np.linalg.norm(turned), thinner * share))
    return tubes
