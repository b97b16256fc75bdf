"""Closed contours -> the pixels whose centres they enclose."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def inside_contours(contours: Sequence[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """Which pixel centres lie inside an odd number of contours (the even-odd rule).

    A centre on an edge counts on one side only: contours that share edges and tile a region mark each of its pixels
    once. An edge that is run to and fro, as the channel of a keyhole, encloses nothing.

    Args:
        contours: of each its corners, (points, 2), in pixels: (0, 0) is the centre of the first. The last is joined to
            the first. They may lie outside of the array.
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
