"""Fill the holes of slabs: in one pass where windows give enough context, coarse to fine where they do not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.fill.flow import TIMES, advanced, drawn_noise
from monai_inpaint.fill.windows import SIDES, Piece, Window, bounds, pieces, plan_windows, too_large, window_of
from monai_inpaint.imaging.morphology import depth, doubled

BAND = 16  # voxels next to the known ones that are filled anew at each finer resolution
BATCH = 4 * 128 * 128  # voxels the network sees at once: bounds memory, and more does not run faster on a CPU


class Generator(Protocol):
    """A network as filling sees it.

    Attributes:
        channels: 2 (image, hole); 5, with noise, state and time: one that draws samples; 6: one that takes slabs too,
            with the ratio of spacings.
        side: of the windows in voxels, if it takes those of one size only.
    """

    @property
    def channels(self) -> int: ...

    @property
    def side(self) -> int | None: ...

    def run(self, windows: np.ndarray) -> np.ndarray:
        """(B, 2 or 5, H, W) float32 to (B, 1, H, W), or with 6 channels (B, 6, D, H, W) to (B, 1, D, H, W)."""
        ...


@dataclass
class Slab:
    """Neighbouring slices as displayed: (slices, rows, columns) float32 in units, hole, and voxels that tell nothing.

    `values` is filled in place; `hole` and `unknown` (a superset of the hole) are consumed.

    Attributes:
        ratio: spacing of slices over that of voxels within a slice; used with more than one slice.
        seeds: one for each slice: the hole is filled with the sample that belongs to them; None: best estimate.
    """

    values: np.ndarray
    hole: np.ndarray
    unknown: np.ndarray
    ratio: float = 1.0
    seeds: Sequence[Sequence[int]] | None = None

    @property
    def outline(self) -> np.ndarray:
        """(rows, columns): where any of the slices has a hole."""
        return np.asarray(self.hole.any(axis=0))


def fill_slabs(
    slabs: Sequence[Slab], generator: Generator, progress: Callable[[int, int], None] | None = None
) -> list[int]:
    """Fill every slab in place.

    A piece too large for any window is filled at half the resolution first (where it may again be too large); what
    that gives is kept in its interior, and the band next to the known voxels is filled anew between the two.

    Args:
        slabs: to fill, all with the best estimate or all with a sample; slabs of one resolution share batches.
        generator: draws the samples, and takes slabs of several slices, where there are such.
        progress: called with the windows done and in all, at the finest resolution.

    Returns:
        The sides of the windows computed, at all resolutions.
    """
    allowed = (generator.side, generator.side) if generator.side else SIDES
    large = [(part, *masks) for part in slabs if (masks := _large_pieces(part, allowed))]
    sides: list[int] = []
    if large:
        halves = [_halved(part, whole) for part, whole, _ in large]
        sides += fill_slabs(halves, generator)
        for (part, _, interior), half in zip(large, halves, strict=True):
            part.values[interior] = doubled(half.values, part.values.shape)[interior]
            part.hole &= ~interior
            part.unknown &= ~interior
    planned = [(part, window) for part in slabs for window in plan_windows(part.outline, allowed)]
    planned.sort(key=_size)
    drawn = {id(part): drawn_noise(part.hole, part.seeds) for part in slabs if part.seeds is not None}
    times = (0.0, *TIMES) if drawn else (0.0,)
    for step, time in enumerate(times):
        told = _after(progress, step, len(times))
        estimates = _estimates(planned, generator, time, drawn, told)
        for part, estimate in estimates:
            state = part.values[part.hole]
            between = time > 0.0 and step + 1 < len(times)
            part.values[part.hole] = advanced(state, estimate, time, times[step + 1]) if between else estimate
        sides += [window.side for part, window in planned for _ in range(_views(len(part.values), time))]
    return sides


def _estimates(
    planned: list[tuple[Slab, Window]],
    generator: Generator,
    time: float,
    drawn: dict[int, np.ndarray],
    progress: Callable[[int, int], None] | None,
) -> list[tuple[Slab, np.ndarray]]:
    """What the network takes the voxels of each slab's hole for, windows blended."""
    sums = {id(part): (np.zeros_like(part.values), np.zeros_like(part.values)) for part, _ in planned}
    done = 0
    while done < len(planned):
        size = _size(planned[done])
        depth, side = size
        together = planned[done : done + max(BATCH // (depth * side**2), 1)]
        batch = [pair for pair in together if _size(pair) == size]
        given = np.stack([_network_input(*pair, time, drawn.get(id(pair[0]))) for pair in batch])
        filled = _run(generator, given)
        if _views(depth, time) == 2:
            filled = (filled + _run(generator, np.ascontiguousarray(given[..., ::-1]))[..., ::-1]) / 2
        for (part, window), fill in zip(batch, filled, strict=True):
            _add(sums[id(part)], fill, window)
        done += len(batch)
        if progress:
            progress(done, len(planned))
    estimates: list[tuple[Slab, np.ndarray]] = []
    for part in {id(part): part for part, _ in planned}.values():
        total, weight = sums[id(part)]
        fill = total[part.hole] / weight[part.hole]
        if not np.isfinite(fill).all():
            raise InputError(
                "The network gave values that are no numbers: the bundle is damaged, or the image extreme."
            )
        estimates.append((part, fill))
    return estimates


def _views(slices: int, time: float) -> int:
    """How often the network sees a window: the best estimate of slabs is the mean with that of the mirror image.

    What it adds for no good reason differs between the two, and half of it goes.
    """
    return 2 if slices > 1 and time == 0.0 else 1


def _size(planned: tuple[Slab, Window]) -> tuple[int, int]:
    """Windows of one size can share a batch."""
    part, window = planned
    return len(part.values), window.side


def _network_input(part: Slab, window: Window, time: float, noise: np.ndarray | None) -> np.ndarray:
    """(6, slices, side, side): image, hole, noise, state, time, ratio."""
    place = (window.row, window.column, window.side)
    unknown = window_of(part.unknown, *place, True)
    values = window_of(part.values, *place, 0.0)
    given = np.zeros((6, *values.shape), np.float32)
    given[0], given[1], given[5] = np.where(unknown, 0.0, values), unknown, part.ratio
    if noise is not None and time > 0.0:
        inside = window_of(part.hole, *place, False)
        given[2] = np.where(inside, window_of(noise, *place, 0.0), 0.0)
        given[3] = np.where(inside, values, 0.0)
        given[4] = time * (inside | ~unknown)  # voxels that stay unknown have no state
    return given


def _run(generator: Generator, given: np.ndarray) -> np.ndarray:
    """(B, slices, side, side), in what the network takes of the input (B, 6, slices, side, side)."""
    if given.shape[2] > 1:
        return generator.run(given)[:, 0]
    return generator.run(given[:, : min(generator.channels, 5), 0])


def _add(sums: tuple[np.ndarray, np.ndarray], fill: np.ndarray, window: Window) -> None:
    total, weight = sums
    rows, columns = total.shape[-2:]
    top, left = max(window.row, 0), max(window.column, 0)
    bottom, right = min(window.row + window.side, rows), min(window.column + window.side, columns)
    inside = (
        ...,
        slice(top - window.row, bottom - window.row),
        slice(left - window.column, right - window.column),
    )
    total[..., top:bottom, left:right] += (fill * window.weight)[inside]
    weight[..., top:bottom, left:right] += window.weight[inside]


def _after(progress: Callable[[int, int], None] | None, step: int, steps: int) -> Callable[[int, int], None] | None:
    """Progress over all steps, out of the progress in one."""
    return progress and (lambda done, windows: progress(step * windows + done, steps * windows))


def _large_pieces(part: Slab, sides: tuple[int, int]) -> tuple[np.ndarray, np.ndarray] | None:
    """The pieces too large for any window, and what of them lies deeper than the band; None if nothing does."""
    flat = part.outline
    if not too_large(Piece(*bounds(flat), label=0), flat.shape, sides):
        return None
    labels, found = pieces(flat, sides)
    large = part.hole & np.isin(labels, [piece.label for piece in found if too_large(piece, flat.shape, sides)])
    interior = large & np.stack([depth(section) > BAND for section in part.hole])
    return (large, interior) if interior.any() else None


def _halved(part: Slab, large: np.ndarray) -> Slab:
    """Half the resolution: means of the known voxels; one without any is unknown, and a hole if it is large."""
    known = _quads(~part.unknown).astype(np.float32)
    values = np.where(_quads(part.unknown), 0.0, _quads(part.values))
    count = known.sum(axis=(2, 4))
    unknown = count == 0
    mean = values.sum(axis=(2, 4)) / np.maximum(count, 1)
    hole = unknown & _quads(large).any(axis=(2, 4))
    seeds = part.seeds and [(*seed, 0) for seed in part.seeds]  # noise of its own at each resolution
    return Slab(mean.astype(np.float32), hole, unknown, part.ratio / 2, seeds)


def _quads(values: np.ndarray) -> np.ndarray:
    """(slices, rows / 2, 2, columns / 2, 2), the last row and column repeated where a length is odd."""
    slices, rows, columns = values.shape
    even = np.pad(values, ((0, 0), (0, rows % 2), (0, columns % 2)), mode="edge")
    return even.reshape(slices, even.shape[1] // 2, 2, even.shape[2] // 2, 2)
