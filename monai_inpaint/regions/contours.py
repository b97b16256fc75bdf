"""Rasterise closed contours: the pixels whose centres they enclose."""

# numpy brings no types of the elements of an array
# pyright: basic

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_SAME = 0.05  # pixels between the outlines of contours that are one, written with other digits or corners


def distinct(contours: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The contours without those that run along another one all the way, wherever they begin and in any direction.

    Programs write contours twice; by the even-odd rule the two would cancel each other.

    Args:
        contours: see `inside_contours`.
    """
    kept: list[np.ndarray] = []
    for contour in contours:
        if not any(_same_outline(contour, other) for other in kept):
            kept.append(contour)
    return kept


def inside_contours(contours: Sequence[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """Mark the pixel centres inside an odd number of contours (even-odd rule).

    A centre on an edge counts on one side only: contours that share edges and tile a region mark each of its pixels
    once. An edge that is run to and fro, as the channel of a keyhole, encloses nothing.

    Args:
        contours: the corners of each, (points, 2), in pixels: (0, 0) is the centre of the first pixel. The last corner
            is joined to the first. They may extend beyond the array.
        shape: pixels along both axes.

    Returns:
        bool array of that shape.
    """
    first, second = shape
    # flips[a, b]: how many edges a line along the second axis crosses between the centres b - 1 and b
    flips = np.zeros((first, second + 1), np.int64)
    for contour in contours:
        starts = np.asarray(contour, float)
        for a, b in _edges(starts, first):
            np.add.at(flips, (a, np.clip(np.ceil(b), 0, second).astype(np.intp)), 1)
    return np.cumsum(flips[:, :second], axis=1) % 2 == 1


def _edges(corners: np.ndarray, lines: int):
    """For each edge the lines that it crosses (numbers), and where it does.

    An edge counts its lower end and not its upper one. Ends are sorted, so that an edge crosses at the very same place
    whichever way it is run.
    """
    ends = np.stack([corners, np.roll(corners, -1, axis=0)], axis=1)
    turned = (ends[:, 0, 0] > ends[:, 1, 0]) | ((ends[:, 0, 0] == ends[:, 1, 0]) & (ends[:, 0, 1] > ends[:, 1, 1]))
    ends[turned] = ends[turned][:, ::-1]
    low = np.clip(np.ceil(ends[:, 0, 0]), 0, lines).astype(int)
    high = np.clip(np.ceil(ends[:, 1, 0]), 0, lines).astype(int)
    for (start, end), one, other in zip(ends, low, high, strict=True):
        if other > one:
            a = np.arange(one, other)
            yield a, start[1] + (a - start[0]) / (end[0] - start[0]) * (end[1] - start[1])


def _same_outline(first: np.ndarray, second: np.ndarray) -> bool:
    ends = [np.concatenate([contour.min(axis=0), contour.max(axis=0)]) for contour in (first, second)]
    return bool(np.abs(ends[0] - ends[1]).max() <= _SAME and _lies_on(first, second) and _lies_on(second, first))


def _lies_on(points: np.ndarray, outline: np.ndarray) -> bool:
    """Whether all points are on the edges of a closed outline."""
    starts = np.asarray(outline, float)
    along = np.roll(starts, -1, axis=0) - starts
    length = np.maximum((along**2).sum(axis=1), 1e-12)
    for point in points:
        away = point - starts
        share = np.clip((away * along).sum(axis=1) / length, 0, 1)
        if ((away - share[:, None] * along) ** 2).sum(axis=1).min() > _SAME**2:
            return False
    return True
