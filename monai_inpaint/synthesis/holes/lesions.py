"""A real lesion's shape, moved to healthy tissue, so that the truth under the hole is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from monai_inpaint.errors import InputError

TRIALS = 64


def random_moved_lesion(
    lesion: np.ndarray,
    rng: np.random.Generator,
    *,
    allowed: np.ndarray,
    gap: int = 1,
) -> dict[str, Any]:
    """A place for the lesion's shape, mirrored and turned by quarters at random; all that fit are equally likely.

    Quarter turns are in the plane of the first two axes: without interpolation, the moved shape has exactly the
    lesion's voxels.

    Args:
        lesion: array, 2 or 3 axes, nonzero in the lesion. It is moved as a whole, however many pieces it has.
        rng: the source of chance.
        allowed: array of the same shape, nonzero where the moved lesion may be, such as healthy tissue.
        gap: voxels left free between the lesion and the moved one, diagonals included; 1: they do not touch,
            0: they may touch but not overlap.

    Returns:
        {"mirrored": a truth value for each axis, "turned": whether the first two axes are exchanged, "start": first
        index of each axis}, for `draw_moved_lesion`.

    Raises:
        InputError: shapes differ, the lesion is empty, or it fits nowhere.
    """
    source, free = np.asarray(lesion) != 0, np.asarray(allowed) != 0
    crop = _crop(source)
    if free.shape != source.shape:
        raise InputError(f"allowed has the shape {free.shape}, the lesion {source.shape}: give arrays of one shape.")
    if gap < 0:
        raise InputError(f"gap={gap} is negative: give the voxels to leave free, 0 or more.")
    free = free & ~_widened(source, gap)
    forms = [(mirrored, turned) for mirrored in np.ndindex((2,) * source.ndim) for turned in (False, True)]
    forms = [form for form in forms if all(a <= b for a, b in zip(_formed(crop, *form).shape, free.shape, strict=True))]
    # A few blind trials find a place in most images; only a crowded one needs the search over all places.
    for _ in range(TRIALS):
        form = forms[int(rng.integers(len(forms)))]
        shape = _formed(crop, *form)
        start = [int(rng.integers(0, size - part + 1)) for size, part in zip(free.shape, shape.shape, strict=True)]
        if free[_at(start, shape)][shape].all():
            return _params(form, start)
    for number in rng.permutation(len(forms)):
        shape = _formed(crop, *forms[number])
        places = np.argwhere(_fits(free, shape))
        if len(places):
            return _params(forms[number], rng.choice(places).tolist())
    raise InputError(
        f"The lesion of {int(source.sum())} voxels fits nowhere in the allowed region {gap} voxels away from itself: "
        "allow a larger region or a smaller gap."
    )


def draw_moved_lesion(
    lesion: np.ndarray, *, mirrored: Sequence[bool], turned: bool, start: Sequence[int]
) -> np.ndarray:
    """Draw the moved lesion as a boolean array of the lesion array's shape, True in the hole.

    Raises:
        InputError: the lesion is empty, or is not in the image at that place.
    """
    source = np.asarray(lesion) != 0
    shape = _formed(_crop(source), mirrored, turned)
    if any(not 0 <= a <= n - part for a, n, part in zip(start, source.shape, shape.shape, strict=True)):
        raise InputError(f"The moved lesion at {list(start)} does not lie in the shape {source.shape}: move it.")
    hole = np.zeros(source.shape, bool)
    hole[_at(start, shape)] = shape
    return hole


def _params(form: tuple[Sequence[int], bool], start: Sequence[int]) -> dict[str, Any]:
    mirrored, turned = form
    return {"mirrored": [bool(flag) for flag in mirrored], "turned": turned, "start": list(start)}


def _crop(source: np.ndarray) -> np.ndarray:
    if source.ndim not in (2, 3):
        raise InputError(f"The lesion has the shape {source.shape}: give 2 or 3 axes.")
    if not source.any():
        raise InputError("The lesion is empty: give an array that is nonzero somewhere.")
    spans = [np.flatnonzero(source.any(tuple(a for a in range(source.ndim) if a != k))) for k in range(source.ndim)]
    return source[tuple(slice(span[0], span[-1] + 1) for span in spans)]


def _formed(crop: np.ndarray, mirrored: Sequence[int], turned: bool) -> np.ndarray:
    shape = np.flip(crop, tuple(axis for axis, flag in enumerate(mirrored) if flag))
    return np.swapaxes(shape, 0, 1) if turned else shape


def _at(start: Sequence[int], shape: np.ndarray) -> tuple[slice, ...]:
    return tuple(slice(first, first + size) for first, size in zip(start, shape.shape, strict=True))


def _widened(source: np.ndarray, gap: int) -> np.ndarray:
    """The region and all voxels at most `gap` away along every axis."""
    wide = source.copy()
    for axis in range(source.ndim):
        lines = np.moveaxis(wide, axis, 0)
        before = lines.copy()
        for shift in range(1, min(gap, len(lines) - 1) + 1):
            lines[shift:] |= before[:-shift]
            lines[:-shift] |= before[shift:]
    return wide


def _fits(free: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """For every place (first index of each axis) whether the whole shape is in the free region.

    Counts the shape's voxels that are not free, for all places at once, by a correlation in Fourier space.
    """
    axes = tuple(range(free.ndim))
    taken = np.fft.rfftn((~free).astype(np.float64), axes=axes)
    pattern = np.fft.rfftn(shape.astype(np.float64), free.shape, axes=axes)
    count = np.fft.irfftn(taken * np.conj(pattern), free.shape, axes=axes)
    return count[tuple(slice(0, n - part + 1) for n, part in zip(free.shape, shape.shape, strict=True))] < 0.5
