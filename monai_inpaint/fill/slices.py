"""Fill the holes of slices: in one pass where windows give enough context, coarse to fine where they do not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.fill.morphology import depth, doubled
from monai_inpaint.fill.windows import Piece, Window, bounds, pieces, plan_windows, too_large, window_of

BAND = 16  # voxels next to the known ones that are filled anew at each finer resolution
BATCH = 4 * 128 * 128  # voxels the network sees at once: bounds memory, and more does not run faster on a CPU

Run = Callable[[np.ndarray], np.ndarray]


@dataclass
class Slice:
    """A slice as displayed: float32 values in units, the hole to fill, and the voxels that tell nothing.

    `values` is filled in place; `hole` and `unknown` (a superset of the hole) are consumed.
    """

    values: np.ndarray
    hole: np.ndarray
    unknown: np.ndarray


def fill_slices(slices: Sequence[Slice], run: Run, progress: Callable[[int, int], None] | None = None) -> list[int]:
    """Fill every slice in place.

    A piece too large for any window is filled at half the resolution first (where it may again be too large); what
    that gives is kept in its interior, and the band next to the known voxels is filled anew between the two.

    Args:
        slices: to fill; slices of one resolution share batches.
        run: an engine's `run`.
        progress: called with the windows done and in all, at the finest resolution.

    Returns:
        The sides of the windows computed, at all resolutions.
    """
    large = [(part, *masks) for part in slices if (masks := _large_pieces(part))]
    sides: list[int] = []
    if large:
        halves = [_halved(part, whole) for part, whole, _ in large]
        sides += fill_slices(halves, run)
        for (part, _, interior), half in zip(large, halves, strict=True):
            part.values[interior] = doubled(half.values, part.values.shape)[interior]
            part.hole &= ~interior
            part.unknown &= ~interior
    planned = [(part, window) for part in slices for window in plan_windows(part.hole)]
    planned.sort(key=lambda pair: pair[1].side)
    sides += [window.side for _, window in planned]
    _run_windows(planned, run, progress)
    return sides


def _run_windows(planned: list[tuple[Slice, Window]], run: Run, progress: Callable[[int, int], None] | None) -> None:
    sums = {id(part): (np.zeros_like(part.values), np.zeros_like(part.values)) for part, _ in planned}
    done = 0
    while done < len(planned):
        side = planned[done][1].side
        batch = [pair for pair in planned[done : done + max(BATCH // side**2, 1)] if pair[1].side == side]
        filled = run(np.stack([_network_input(part, window) for part, window in batch]))
        for (part, window), fill in zip(batch, filled[:, 0], strict=True):
            _add(sums[id(part)], fill, window)
        done += len(batch)
        if progress:
            progress(done, len(planned))
    for part in {id(part): part for part, _ in planned}.values():
        total, weight = sums[id(part)]
        fill = total[part.hole] / weight[part.hole]
        if not np.isfinite(fill).all():
            raise InputError(
                "The network gave values that are no numbers: the bundle is damaged, or the image extreme."
            )
        part.values[part.hole] = fill


def _network_input(part: Slice, window: Window) -> np.ndarray:
    place = (window.row, window.column, window.side)
    unknown = window_of(part.unknown, *place, True)
    values = window_of(part.values, *place, 0.0)
    values[unknown] = 0.0
    return np.stack((values, unknown.astype(np.float32)))


def _add(sums: tuple[np.ndarray, np.ndarray], fill: np.ndarray, window: Window) -> None:
    total, weight = sums
    top, left = max(window.row, 0), max(window.column, 0)
    bottom, right = min(window.row + window.side, total.shape[0]), min(window.column + window.side, total.shape[1])
    inside = (
        slice(top - window.row, bottom - window.row),
        slice(left - window.column, right - window.column),
    )
    total[top:bottom, left:right] += (fill * window.weight)[inside]
    weight[top:bottom, left:right] += window.weight[inside]


def _large_pieces(part: Slice) -> tuple[np.ndarray, np.ndarray] | None:
    """The pieces too large for any window, and what of them lies deeper than the band; None if nothing does."""
    if not too_large(Piece(*bounds(part.hole), label=0), part.hole.shape):
        return None
    labels, found = pieces(part.hole)
    large = np.isin(labels, [piece.label for piece in found if too_large(piece, part.hole.shape)])
    interior = large & (depth(part.hole) > BAND)
    return (large, interior) if interior.any() else None


def _halved(part: Slice, large: np.ndarray) -> Slice:
    """Half the resolution: means of the known voxels; one without any is unknown, and a hole if it is large."""
    known = _quads(~part.unknown).astype(np.float32)
    values = np.where(_quads(part.unknown), 0.0, _quads(part.values))
    count = known.sum(axis=(1, 3))
    unknown = count == 0
    mean = values.sum(axis=(1, 3)) / np.maximum(count, 1)
    return Slice(mean.astype(np.float32), unknown & _quads(large).any(axis=(1, 3)), unknown)


def _quads(values: np.ndarray) -> np.ndarray:
    """(rows / 2, 2, columns / 2, 2), the last row and column repeated where a length is odd."""
    rows, columns = values.shape
    even = np.pad(values, ((0, rows % 2), (0, columns % 2)), mode="edge")
    return even.reshape(even.shape[0] // 2, 2, even.shape[1] // 2, 2)
