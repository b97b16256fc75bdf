"""Cover the hole of a slice with square windows, and assign its voxels to them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from monai_inpaint.imaging.morphology import connected_parts

MULTIPLE = 32  # sides the networks take
SMALLEST, LARGEST = SIDES = 128, 256  # sides in voxels: less shows too little context, more costs too much
STARTED = (64, LARGEST)  # where a start replaces context further away
SHARE = 0.6  # largest extent of a hole, relative to its window's side


@dataclass(frozen=True)
class Window:
    """A square part of a slice.

    Attributes:
        row, column: of its first voxel in the slice; windows reach beyond slices that are smaller.
        side: voxels along each axis.
        weight: (side, side) float32, how much it answers for each hole voxel; 0 where it does not.
    """

    row: int
    column: int
    side: int
    weight: np.ndarray


@dataclass(frozen=True)
class HolePart:
    """A connected part of a slice's hole: its bounding box [top, bottom) x [left, right) and its label."""

    top: int
    bottom: int
    left: int
    right: int
    label: int

    @property
    def extent(self) -> int:
        return max(self.bottom - self.top, self.right - self.left)


def pieces(hole: np.ndarray, sides: tuple[int, int] = SIDES) -> tuple[np.ndarray, list[HolePart]]:
    """Label the connected parts of a 2D hole; parts that fit into one small window count as one."""
    top, bottom, left, right = bounds(hole)
    whole = HolePart(top, bottom, left, right, label=1)
    if whole.extent <= SHARE * sides[0]:
        return hole.astype(np.int32), [whole] if whole.extent else []
    labels = np.zeros(hole.shape, np.int32)
    found, boxes = connected_parts(hole[top:bottom, left:right])
    labels[top:bottom, left:right] = found
    return labels, [
        HolePart(top + r.start, top + r.stop, left + c.start, left + c.stop, n)
        for n, (r, c) in enumerate(boxes, start=1)
    ]


def bounds(hole: np.ndarray) -> tuple[int, int, int, int]:
    """Find the bounding box of a 2D hole: top, bottom (exclusive), left, right (exclusive); zeros where it is empty."""
    rows, columns = np.flatnonzero(hole.any(axis=1)), np.flatnonzero(hole.any(axis=0))
    return (int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1) if rows.size else (0, 0, 0, 0)


def too_large(piece: HolePart, shape: tuple[int, ...], sides: tuple[int, int] = SIDES) -> bool:
    """Return whether no window has enough context for the piece, although the slice extends beyond the window."""
    return piece.extent > SHARE * sides[1] and max(shape) > sides[1]


def window_side(extent: int, shape: Sequence[int], sides: tuple[int, int] = SIDES) -> int:
    """Compute the side in voxels of the window around a part of that extent in a slice of that shape."""
    smallest, largest = sides
    if smallest == largest:
        return largest
    needed = math.ceil(extent / SHARE / MULTIPLE) * MULTIPLE
    # More than the slice cannot be seen, so a large hole in a small slice takes the slice as it is.
    whole = math.ceil(max(*shape, 1) / MULTIPLE) * MULTIPLE
    return min(max(needed, smallest), largest, whole)


def plan_windows(hole: np.ndarray, sides: tuple[int, int] = SIDES) -> list[Window]:
    """Plan windows whose weights sum to 1 on every hole voxel after normalisation, and are 0 elsewhere.

    A piece that fits into a window together with its context gets one around it, shared with every other piece well
    inside it. A longer one (a thin band) is tiled with overlapping windows that are blended.

    Args:
        hole: (rows, columns) bool.
        sides: of the smallest and the largest window, in voxels; where they are one, all windows have it.
    """
    labels, left = pieces(hole, sides)
    left.sort(key=lambda piece: -piece.extent)
    windows: list[Window] = []
    while left:
        piece = left[0]
        if too_large(piece, hole.shape, sides):
            windows += _tiles(labels == piece.label, piece, sides[0])
            del left[0]
            continue
        row, column, side = _around(piece, hole.shape, sides)
        margin = side // 8
        shared, rest = [piece], []
        for other in left[1:]:
            inside = (
                (row <= 0 and other.top >= 0 or other.top >= row + margin)
                and (column <= 0 and other.left >= 0 or other.left >= column + margin)
                and other.bottom <= row + side - (margin if row + side < hole.shape[0] else 0)
                and other.right <= column + side - (margin if column + side < hole.shape[1] else 0)
            )
            (shared if inside else rest).append(other)
        owned = np.isin(window_of(labels, row, column, side, 0), [p.label for p in shared])
        windows.append(Window(row, column, side, owned.astype(np.float32)))
        left = rest
    return windows


def window_of(values: np.ndarray, row: int, column: int, side: int, outside: float) -> np.ndarray:
    """Return a copy of the (..., side, side) part of an array; `outside` where the window reaches beyond it."""
    rows, columns = values.shape[-2:]
    out = np.full((*values.shape[:-2], side, side), outside, values.dtype)
    top, left = max(row, 0), max(column, 0)
    bottom, right = min(row + side, rows), min(column + side, columns)
    out[..., top - row : bottom - row, left - column : right - column] = values[..., top:bottom, left:right]
    return out


def _around(piece: HolePart, shape: tuple[int, ...], sides: tuple[int, int]) -> tuple[int, int, int]:
    side = window_side(piece.extent, shape, sides)
    row = _placed((piece.top + piece.bottom) // 2 - side // 2, side, shape[0])
    column = _placed((piece.left + piece.right) // 2 - side // 2, side, shape[1])
    return row, column, side


def _placed(start: int, side: int, length: int) -> int:
    """Move a window into the slice; centre it over a slice that is smaller."""
    return (length - side) // 2 if side >= length else min(max(start, 0), length - side)


def _tiles(owned: np.ndarray, piece: HolePart, side: int) -> list[Window]:
    """Windows at half-overlap over a long piece, weighted by a tent so that neighbours blend into one another."""
    step = side // 2
    ramp = 1.0 - np.abs(np.arange(side) + 0.5 - side / 2) / (side / 2)
    tent = np.outer(ramp, ramp).astype(np.float32)
    windows: list[Window] = []
    for row in range(piece.top - step, piece.bottom, step):
        for column in range(piece.left - step, piece.right, step):
            inside = window_of(owned, row, column, side, False)
            if inside.any():
                windows.append(Window(row, column, side, tent * inside))
    return windows
