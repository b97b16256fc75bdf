"""Run the network on the slices of a block: in one pass if windows show enough context, else coarse to fine."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.fill.sampler import SAMPLERS, Sampler, drawn_noise, euler_step
from monai_inpaint.fill.windows import (
    SIDES,
    STARTED,
    HolePart,
    Window,
    bounds,
    pieces,
    plan_windows,
    too_large,
    window_of,
)
from monai_inpaint.imaging.display import displayed
from monai_inpaint.imaging.half_resolution import doubled, halved_sums
from monai_inpaint.imaging.morphology import depth
from monai_inpaint.progress import Steps

BAND = 16  # voxels next to the known ones that are filled again at each finer resolution
_ALIKE = 4.0  # slices: standard deviation of the Gaussian that correlates the noise of slices that must agree

WITH_STARTS = 6  # channels of a network with a start channel


class Generator(Protocol):
    """Interface of a network that fills; `monai_inpaint.engines.base.Engine` is one.

    Attributes:
        channels: 2: image and hole; 5: also noise, state and time, for samples; 6: also the nearness of a start.
        side: of the windows in voxels, if only one size is accepted.
        voxels_at_once: of a batch: more is not faster, and needs more memory.
    """

    @property
    def channels(self) -> int: ...

    @property
    def side(self) -> int | None: ...

    @property
    def voxels_at_once(self) -> int: ...

    def run(self, windows: np.ndarray) -> np.ndarray:
        """(B, 2, 5 or 6, H, W) float32 to (B, 1, H, W)."""
        ...


@dataclass
class Block:
    """A part of an image, and the axes across which it is cut into slices.

    All arrays are (i, j, k) of one shape. `values` is filled in place; `hole` and `unknown` are consumed.

    Attributes:
        values: float32 in units.
        hole: bool, the voxels to fill.
        unknown: bool, a superset of the hole: voxels whose values must not be used.
        affine: indices to RAS+ mm, which determines how a slice is displayed; None: in the order of the array.
        axes: perpendicular to the slices. The best estimate is the mean over all of them; samples start from it and
            use slices across the last one.
        seeds: one for each slice along the last axis: the hole is filled with the sample of these seeds; None: with the
            best estimate.
        sampler: how samples are drawn; the same for all blocks that are filled at once.
        start: float32, the continuation that the network refines in the hole; None: the network computes its own.
        near: by axis, the nearness of the start (`monai_inpaint.fill.continuation.nearness`).
        chosen: by axis, the slices to fill; None: all. Voxels of the hole that are not in a chosen slice across every
            axis keep their values.
    """

    values: np.ndarray
    hole: np.ndarray
    unknown: np.ndarray
    affine: np.ndarray | None = None
    axes: tuple[int, ...] = (2,)
    seeds: Sequence[Sequence[int]] | None = None
    sampler: Sampler = SAMPLERS["flow"]
    start: np.ndarray | None = None
    near: Mapping[int, np.ndarray] | None = None
    chosen: Mapping[int, Collection[int]] | None = None

    def slices(self, array: np.ndarray, axis: int) -> np.ndarray:
        """Return a view of one of the arrays as (slices, rows, columns) on the screen."""
        order = [*(other for other in range(3) if other != axis), axis]
        affine = None if self.affine is None else self.affine[:, [*order, 3]]
        return np.moveaxis(displayed(array.transpose(order), affine), -1, 0)

    def seen(self) -> np.ndarray:
        """Bool: the voxels that are in a chosen slice across every axis."""
        seen = np.ones(self.values.shape, bool)
        for axis in self.axes if self.chosen is not None else ():
            across = np.zeros(self.values.shape[axis], bool)
            across[list(self.chosen[axis])] = True  # type: ignore[index]
            seen &= across.reshape([-1 if other == axis else 1 for other in range(3)])
        return seen


class _Planned(NamedTuple):
    """A window of a slice of a block."""

    block: Block
    axis: int
    number: int
    window: Window


def fill_blocks(blocks: Sequence[Block], generator: Generator, progress: Steps | None = None) -> list[int]:
    """Fill every block in place.

    A piece of a hole that is too large for any window is filled at half the resolution first (recursively, if it is
    still too large); its interior keeps that result, and the band next to the known voxels is filled again at full
    resolution.

    Args:
        blocks: all with the best estimate or all with a sample; those of one resolution share batches.
        generator: a network that supports samples and starts, if there are any.
        progress: called with the windows done and in all, at the finest resolution.

    Returns:
        The sides of the windows computed, at all resolutions.
    """
    large = [(block, *masks) for block in blocks if (masks := _large_pieces(block, _allowed(block, generator)))]
    sides: list[int] = []
    if large:
        halves = [_halved(block, whole) for block, whole, _ in large]
        sides += fill_blocks(halves, generator)
        for (block, _, interior), half in zip(large, halves, strict=True):
            block.values[interior] = doubled(half.values, block.values.shape)[interior]
            block.hole &= ~interior
            block.unknown &= ~interior
    planned = [one for block in blocks for one in _plan(block, _allowed(block, generator))]
    planned.sort(key=lambda one: one.window.side)
    noise = {id(block): _noise(block) for block in blocks if block.seeds is not None}
    times = (0.0, *blocks[0].sampler.times) if noise else (0.0,)
    steps = [[one for one in planned if _is_seen(one, step)] for step in range(len(times))]
    total = sum(map(len, steps))
    for step, (time, seen) in enumerate(zip(times, steps, strict=True)):
        done = sum(map(len, steps[:step]))
        for block, inside, estimate in _estimates(seen, generator, time, noise, _after(progress, done, total)):
            state = block.values[inside]
            between = time > 0.0 and step + 1 < len(times)
            block.values[inside] = euler_step(state, estimate, time, times[step + 1]) if between else estimate
        sides += [one.window.side for one in seen]
    return sides


def _allowed(block: Block, generator: Generator) -> tuple[int, int]:
    """Sides of the smallest and the largest window."""
    if generator.side:
        return generator.side, generator.side
    return SIDES if block.start is None else STARTED


def _plan(block: Block, allowed: tuple[int, int]) -> list[_Planned]:
    return [
        _Planned(block, axis, number, window)
        for axis in block.axes
        for number, section in enumerate(block.slices(block.hole, axis))
        if section.any() and (block.chosen is None or number in block.chosen[axis])
        for window in plan_windows(section, allowed)
    ]


def _is_seen(one: _Planned, step: int) -> bool:
    """Whether a step of the flow looks at this window: the first one at all, the others across the last axis."""
    return step == 0 or one.axis == one.block.axes[-1]


def _noise(block: Block) -> np.ndarray:
    """Standard normal noise for a block, drawn slice by slice as displayed.

    Where slices are as near to each other as voxels are, so that they have to agree, it changes slowly from one to the
    next.
    """
    noise = np.zeros(block.values.shape, np.float32)
    assert block.seeds is not None
    drawn = block.slices(noise, 2)
    if len(block.axes) == 1:
        drawn[:] = drawn_noise(block.slices(block.hole, 2), block.seeds, block.sampler)
        return noise
    fresh = np.stack([block.sampler.noise(drawn.shape[1:], np.random.default_rng(seed)) for seed in block.seeds])
    apart = np.subtract.outer(np.arange(len(fresh)), np.arange(len(fresh)))
    weights = np.exp(-0.5 * (apart / _ALIKE) ** 2).astype(np.float32)
    drawn[:] = np.tensordot(weights / np.linalg.norm(weights, axis=1, keepdims=True), fresh, 1)
    drawn *= block.slices(block.hole, 2)
    return noise


def _estimates(
    planned: list[_Planned],
    generator: Generator,
    time: float,
    noise: Mapping[int, np.ndarray],
    progress: Steps | None,
) -> list[tuple[Block, np.ndarray, np.ndarray]]:
    """The voxels of each block's hole in any window, and their estimate, averaged over windows and axes."""
    blocks = {id(one.block): one.block for one in planned}
    sums = {key: (np.zeros_like(block.values), np.zeros_like(block.values)) for key, block in blocks.items()}
    done = 0
    while done < len(planned):
        side = planned[done].window.side
        together = planned[done : done + max(generator.voxels_at_once // side**2, 1)]
        batch = [one for one in together if one.window.side == side]
        given = np.stack([_network_input(one, time, noise.get(id(one.block))) for one in batch])
        filled = generator.run(np.ascontiguousarray(given[:, : generator.channels]))[:, 0]
        for one, fill in zip(batch, filled, strict=True):
            total, weight = (one.block.slices(part, one.axis)[one.number] for part in sums[id(one.block)])
            _add(total, weight, fill, one.window)
        done += len(batch)
        if progress:
            progress(done, len(planned))
    estimates: list[tuple[Block, np.ndarray, np.ndarray]] = []
    for key, block in blocks.items():
        total, weight = sums[key]
        inside = block.hole & block.seen()
        fill = total[inside] / weight[inside]
        if not np.isfinite(fill).all():
            raise InputError(
                "The network returned NaN or infinite values: the bundle is damaged, or the image has extreme values."
            )
        estimates.append((block, inside, fill))
    return estimates


def _network_input(one: _Planned, time: float, noise: np.ndarray | None) -> np.ndarray:
    """(6, side, side): image (in the hole the start), hole, noise, state, time, nearness of the start."""
    block, window = one.block, one.window

    def seen(array: np.ndarray, outside: float) -> np.ndarray:
        section = block.slices(array, one.axis)[one.number]
        return window_of(section, window.row, window.column, window.side, outside)

    unknown, values = seen(block.unknown, True), seen(block.values, 0.0)
    start = 0.0 if block.start is None else seen(block.start, 0.0)
    given = np.zeros((6, *values.shape), np.float32)
    given[0], given[1] = np.where(unknown, start, values), unknown
    if noise is not None and time > 0.0:
        inside = seen(block.hole, False)
        given[2] = np.where(inside, seen(noise, 0.0), 0.0)
        given[3] = np.where(inside, values, 0.0)
        given[4] = time * (inside | ~unknown)  # voxels that stay unknown have no state
        if block.sampler.starts:
            given[0], given[5] = np.where(inside, values, given[0]), inside
            return given
    if block.near is not None:
        given[5] = unknown * seen(block.near[one.axis], 0.0)
    return given


def _add(total: np.ndarray, weight: np.ndarray, fill: np.ndarray, window: Window) -> None:
    rows, columns = total.shape
    top, left = max(window.row, 0), max(window.column, 0)
    bottom, right = min(window.row + window.side, rows), min(window.column + window.side, columns)
    inside = (slice(top - window.row, bottom - window.row), slice(left - window.column, right - window.column))
    total[top:bottom, left:right] += (fill * window.weight)[inside]
    weight[top:bottom, left:right] += window.weight[inside]


def _after(progress: Steps | None, done: int, total: int) -> Steps | None:
    """Progress over all steps, out of the progress in one."""
    return progress and (lambda here, _: progress(done + here, total))


def _large_pieces(block: Block, sides: tuple[int, int]) -> tuple[np.ndarray, np.ndarray] | None:
    """The pieces too large for any window, without the band; None if nothing is left."""
    large = np.zeros_like(block.hole)
    for axis in block.axes:
        for section, place in zip(block.slices(block.hole, axis), block.slices(large, axis), strict=True):
            if section.any() and too_large(HolePart(*bounds(section), label=0), section.shape, sides):
                labels, found = pieces(section, sides)
                place |= np.isin(labels, [piece.label for piece in found if too_large(piece, section.shape, sides)])
    if not large.any():
        return None
    deep = depth(block.hole) if len(block.axes) > 1 else np.stack([depth(s) for s in np.moveaxis(block.hole, 2, 0)], 2)
    interior = large & (deep > BAND)
    return (large, interior) if interior.any() else None


def _halved(block: Block, large: np.ndarray) -> Block:
    """Half the resolution within the slices: means of the known voxels; one without any is unknown.

    What is unknown is a hole where it is large.
    """

    halved = (0, 1) if block.axes == (2,) else (0, 1, 2)

    def mean(values: np.ndarray, where: np.ndarray) -> np.ndarray:
        count = sums(where)
        return (halved_sums(np.where(where, values, 0.0), halved) / np.maximum(count, 1e-6)).astype(np.float32)

    def sums(where: np.ndarray) -> np.ndarray:
        return halved_sums(where.astype(np.float32), halved)

    unknown = sums(~block.unknown) == 0.0
    return replace(
        block,
        values=mean(block.values, ~block.unknown),
        hole=unknown & (sums(large) > 0.0),
        unknown=unknown,
        seeds=block.seeds and [(*seed, 0) for seed in _thinned(block)],  # noise of its own at each resolution
        start=None if block.start is None else mean(block.start, block.unknown),
        near=block.near and {a: np.minimum(2.0 * mean(n, block.unknown), 1.0) for a, n in block.near.items()},
        chosen=None,  # the interior is known to all slices at full resolution
    )


def _thinned(block: Block) -> Sequence[Sequence[int]]:
    """The seeds of the slices that are left along the last axis."""
    assert block.seeds is not None
    return block.seeds if block.axes == (2,) else block.seeds[::2]
