"""Fill a hole in a volume: a weighted sum of methods, with weights fitted on holes of known content nearby."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.fill.blocks import Generator, fill_blocks
from monai_inpaint.fill.compose import widened
from monai_inpaint.fill.continuation import continuation, interpolation, nearness
from monai_inpaint.fill.cutting import Region, block_of, put, shared, slice_of, units_of, unknown_in
from monai_inpaint.fill.sampler import Draw
from monai_inpaint.fill.windows import LARGEST, MULTIPLE, SHARE, SMALLEST, STARTED
from monai_inpaint.imaging.bounding_box import Box
from monai_inpaint.imaging.image import Image
from monai_inpaint.progress import Steps, part

VOXELS = 64 * 128 * 128  # of windows filled at once: bounds memory for a hole that crosses many slices
FEWEST = 16  # slices filled at once, at least
CROP = 2**25  # voxels of the surroundings of a hole that is sliced across all three axes, at most
ACROSS = 32  # voxels of these surroundings along each axis, at least
NEARLY_ISOTROPIC = 1.5  # largest over smallest spacing of a volume that is sliced across all three axes
AROUND = 8  # voxels around a hole from which its continuation is computed
PROBES, PROBED = 2, 5  # test holes, and slices across each axis that are filled in each of them
_APART = 2  # voxels between the hole and a probe
_STEPS = 10  # shares are whole multiples of 1 / 10


@dataclass(frozen=True)
class _Task:
    """A region of a volume to be filled, what else of it is unknown, and the continuation.

    Attributes:
        crop: the surroundings, if slices across all three axes are used; None: only the slices as acquired.
        box: the place of `unknown`, of `start` (the continuation, float32) and of `near` (its nearness, by axis).
    """

    source: Image
    region: Region
    blind: Sequence[Region]
    crop: Box | None
    box: Box
    unknown: np.ndarray
    start: np.ndarray
    near: Mapping[int, np.ndarray]


def fill_volume(
    source: Image,
    region: Region,
    generator: Generator,
    progress: Steps | None = None,
    draw: Draw | None = None,
) -> tuple[np.ndarray, list[int]]:
    """Fill the region with a 2D network that has a start channel.

    Its methods are the continuation of the known voxels in three directions, and the network in slices that start from
    it; if voxels are far from isotropic, also interpolation across the slices, and the network in each slice by itself.
    The same methods fill test holes of the same form beside the region, whose content is known. The estimate is their
    weighted sum, with the weights (shares) of least squared error in the test holes.

    Args:
        source: with slices along the last axis.
        region: in it.
        generator: with 6 channels.
        progress: called with the work done and the total work.
        draw: fill with this sample, by the form of the network (with or without start) that has the larger share; None:
            with the best estimate.

    Returns:
        Values in units in the region's box, float32, valid inside the region; and the sides of the windows computed.

    Raises:
        InputError: a slice without known voxels.
    """
    task = _task(source, region, (), _crop(source, region))
    forms = (True,) if task.crop else (False, True)  # with a start, or without
    probes = _probes(source, region)
    total = len(probes) + (1 if draw is not None else len(forms))
    sides: list[int] = []
    shares: list[np.ndarray] = []
    rest = _Rest(progress, total)
    for probe in probes:
        around = task.crop and crop_around(probe.box, source.voxels.shape)
        tried = _task(source, probe, (region,), around)
        chosen = _chosen(probe)
        fills = [*_continued(tried), *(_filled(tried, generator, form, sides, chosen=chosen) for form in forms)]
        valid = probe.inside & np.isfinite(fills).all(axis=0)
        if valid.any():
            shares.append(_best_shares(np.stack([fill[valid] for fill in fills]), units_of(source, probe.box)[valid]))
        rest.end_of_next()
    methods = 2 * len(forms)  # each form of the network has a fill without it beside it
    share = np.mean(shares, axis=0) if shares else np.full(methods, 1 / methods)
    if draw is not None:
        started = task.crop is not None or share[-1] >= share[-2]
        return _filled(task, generator, started, sides, rest.next(), draw), sides
    fills = [*_continued(task), *(_filled(task, generator, form, sides, rest.next()) for form in forms)]
    return np.tensordot(share.astype(np.float32), np.stack(fills), 1), sides


class _Rest:
    """Split a progress callback into equal parts, one after another."""

    def __init__(self, progress: Steps | None, total: int) -> None:
        self._progress, self._done, self._total = progress, 0, total

    def next(self) -> Steps | None:
        """Return the callback of the next part."""
        self._done += 1
        return part(self._progress, self._done - 1, self._total)

    def end_of_next(self) -> None:
        """Report the next part as done."""
        step = self.next()
        if step:
            step(1, 1)


def _task(source: Image, region: Region, blind: Sequence[Region], crop: Box | None) -> _Task:
    box = tuple(
        slice(side.start, min(side.stop, size))
        for side, size in zip(widened(region.box, AROUND), source.voxels.shape, strict=True)
    )
    values = units_of(source, box)
    unknown = unknown_in(values, box, (region, *blind))
    if unknown.all():
        raise InputError("The hole leaves nothing known around it; mark a smaller hole.")
    spacing = source.spacing or (1.0, 1.0, 1.0)
    near = {axis: nearness(unknown, axis, _ratio(spacing, axis)) for axis in range(3)}
    return _Task(source, region, blind, crop, box, unknown, continuation(values, unknown), near)


def _ratio(spacing: Sequence[float], axis: int) -> float:
    """Spacing along an axis over that of voxels within the slices across it."""
    one, other = (mm for number, mm in enumerate(spacing) if number != axis)
    return float(spacing[axis] / np.sqrt(one * other))


def _crop(source: Image, region: Region) -> Box | None:
    """The surroundings that windows across all three axes may contain; None if only the slices as acquired are used.

    That is the case if voxels are far from isotropic, if slices are few, if the hole covers whole slices across an
    axis, or if the surroundings would need too much memory.
    """
    spacing = source.spacing or (1.0, 1.0, 1.0)
    crop = crop_around(region.box, source.voxels.shape)
    shape = [side.stop - side.start for side in crop]
    if max(spacing) > NEARLY_ISOTROPIC * min(spacing) or min(shape) < ACROSS or np.prod(shape) > CROP:
        return None
    as_wide = sum(mine == whole for mine, whole in zip(region.extents, shape, strict=True))
    return None if as_wide > 1 else crop


def crop_around(box: Sequence[slice], shape: Sequence[int]) -> Box:
    """Return a hole's bounding box, extended by what windows across any axis may contain, within the volume."""
    longest = max(side.stop - side.start for side in box)
    margin = int(max(STARTED[0], longest / SHARE)) // 2 + MULTIPLE
    return tuple(
        slice(max(side.start - margin, 0), min(side.stop + margin, size)) for side, size in zip(box, shape, strict=True)
    )


def _continued(task: _Task) -> list[np.ndarray]:
    """Fills without the network, in the region's box: the continuation; interpolation across slices that are thick."""
    starts = [task.start]
    if task.crop is None:
        starts.append(interpolation(task.start, task.unknown, 2))
    _, theirs = shared(task.region.box, task.box)
    return [start[theirs] for start in starts]


def _filled(
    task: _Task,
    generator: Generator,
    started: bool,
    sides: list[int],
    progress: Steps | None = None,
    draw: Draw | None = None,
    chosen: Mapping[int, Sequence[int]] | None = None,
) -> np.ndarray:
    """The network's fill in the region's box; NaN in slices that were not chosen. Appends to `sides`.

    Args:
        chosen: by axis, the slices of the box to fill; None: all.
    """
    region, source = task.region, task.source
    result = np.full(region.extents, np.nan, np.float32)
    corner = [side.start for side in region.box]
    marked = [corner[2] + int(k) for k in np.flatnonzero(region.inside.any(axis=(0, 1)))]
    if task.crop is None and chosen is not None:
        marked = [k for k in marked if k - corner[2] in chosen[2]]
    most = most_slices(*region.extents[:2])
    chunks = [marked] if task.crop else [marked[first : first + most] for first in range(0, len(marked), most)]
    done = 0
    for chunk in chunks:
        places = [task.crop] if task.crop else [slice_of(source.voxels.shape, k) for k in chunk]
        blocks = [block_of(source, region, place, task.blind, draw) for place in places]
        for block, place in zip(blocks, places, strict=True):
            if started:
                block.start, *near = (np.zeros(block.values.shape, np.float32) for _ in range(4))
                put(block.start, place, task.start, task.box)
                for axis, values in enumerate(near):
                    put(values, place, task.near[axis], task.box)
                block.near = dict(enumerate(near))
            if task.crop and chosen is not None:
                block.chosen = {
                    axis: [corner[axis] + n - place[axis].start for n in numbers] for axis, numbers in chosen.items()
                }
        holes = [block.hole.copy() for block in blocks]  # filling consumes them
        sides += fill_blocks(blocks, generator, part(progress, done, len(marked), len(chunk)))
        done += len(chunk)
        for block, hole, place in zip(blocks, holes, places, strict=True):
            values = np.where(hole & block.seen(), block.values, np.nan)
            mine, theirs = shared(region.box, place)
            result[mine] = np.where(np.isnan(values[theirs]), result[mine], values[theirs])
    return result


def most_slices(*sides: int) -> int:
    """Number of slices to fill at once, for a hole whose bounding box in a slice has these sides, in voxels.

    It bounds the memory, so the side of the windows is taken as is; `window_side` also rounds it.
    """
    side = min(max(SMALLEST, max(sides) / SHARE), LARGEST)
    return max(int(VOXELS / side**2), FEWEST)


def _probes(source: Image, region: Region) -> list[Region]:
    """Test holes of the region's form beside it, in known voxels: those whose content varies most.

    If there is no room for the form, it is tried at half and then at a quarter of its size.
    """
    for coarser in (1, 2, 4):
        form = region.inside[::coarser, ::coarser, ::coarser]
        found: list[tuple[float, Region]] = []
        for axis, sign in product(range(3), (1, -1)) if form.any() else ():
            box = _beside(region.box, form.shape, axis, sign)
            if all(side.start >= 0 and side.stop <= size for side, size in zip(box, source.voxels.shape, strict=True)):
                content = units_of(source, box)[form]
                if np.isfinite(content).all() and content.std() > 0.0:
                    found.append((float(content.std()), Region(box, form)))
        if found:
            return [probe for _, probe in sorted(found, key=lambda pair: -pair[0])[:PROBES]]
    return []


def _beside(box: Box, shape: Sequence[int], axis: int, sign: int) -> Box:
    """A box of that shape next to another along one axis, and centred on it along the others."""
    sides: list[slice] = []
    for number, (side, size) in enumerate(zip(box, shape, strict=True)):
        start = side.start + (side.stop - side.start - size) // 2
        if number == axis:
            start = side.stop + _APART if sign > 0 else side.start - _APART - size
        sides.append(slice(start, start + size))
    return tuple(sides)


def _chosen(region: Region) -> dict[int, list[int]]:
    """A few slices of a region's box across each axis, evenly spaced."""
    chosen: dict[int, list[int]] = {}
    for axis in range(3):
        marked = np.flatnonzero(region.inside.any(axis=tuple(other for other in range(3) if other != axis)))
        places = np.linspace(0, len(marked) - 1, min(PROBED, len(marked)) + 2)[1:-1]  # not the ends, where all do well
        rounded = {
            *np.floor(places + 0.5),
            *np.ceil(places - 0.5),
        }  # both ways, so that no end is preferred
        chosen[axis] = sorted(int(marked[int(place)]) for place in rounded)
    return chosen


def _best_shares(fills: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Shares of the methods, not negative and with sum 1, whose weighted sum has the least squared error.

    Args:
        fills: (methods, voxels).
        truth: (voxels,).
    """
    errors = (fills - truth).astype(np.float64)
    gram = errors @ errors.T
    every = [shares for shares in product(range(_STEPS + 1), repeat=len(fills)) if sum(shares) == _STEPS]
    return min((np.array(shares) / _STEPS for shares in every), key=lambda shares: float(shares @ gram @ shares))
