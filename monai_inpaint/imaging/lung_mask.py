"""Segment the lungs of a frontal chest film and of an axial CT slice, as far as placing nodules in them needs it."""

# scipy brings no types
# pyright: basic

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.body import body_in_slice
from monai_inpaint.imaging.lungs import lung_boxes
from monai_inpaint.imaging.resize import enlarged, resized

_CELLS = 256  # along the longer side of a film, on which its lungs are looked for
_LEAST = 0.015  # of the film's area, for one lung
_DARK = 0.4  # of the way from the dark half of a lung to what is between the lungs: darker than that is lung
_ROUND = 2.6  # exponent of the superellipse that a lung lies in
_LEVELS = 40  # of grey, at which connected parts are looked for
_CORE = (0.6, 15.0)  # part of a box's sides around its middle, and percent of it: the darkest there is lung for sure
_RIB = 7.0  # cells: what is brighter than its surroundings of this size counts as rib
_INNER = 0.3  # of a lung's width, beside the heart and in its middle half: the hilum
_INFLATED = -500.0  # HU below which a voxel inside the body is lung or airway
_GAS = -955.0  # HU of the median of a part, below which it is gas of the bowel or an airway
_EVEN_GAS, _EVEN = -920.0, 40.0  # as well below this median, if half of its inner values are this close: no vessels
_PART = 300.0  # mm2 of the smallest part of a lung in a slice; airways are smaller


@dataclass(frozen=True)
class FilmRegions:
    """Regions of a frontal film, bool arrays of its shape.

    Attributes:
        lungs: both, without hila and what the heart and the diaphragm hide.
        ribs: the part of the lungs that is covered by a rib.
        heart: heart and mediastinum between the lungs.
    """

    lungs: np.ndarray
    ribs: np.ndarray
    heart: np.ndarray


def film_regions(film: np.ndarray) -> FilmRegions:
    """Segment lungs, ribs and heart of a frontal film.

    In and around each of the two boxes of `lung_boxes`, pixels darker than 40 % of the way from the box's dark pixels
    to those between the boxes are lung; ribs are closed. The inner 30 % of its width, in the middle half of its height,
    counts as hilum and is excluded.

    Args:
        film: (rows, columns), any units, air dark, upright.

    Raises:
        InputError: no lung was found.
    """
    from scipy.ndimage import gaussian_filter

    scale = max(film.shape) / _CELLS
    rows, columns = (max(round(size / scale), 1) for size in film.shape)
    small = gaussian_filter(resized(film, (rows, columns)), 1.0)
    boxes = [[[round(c / scale) for c in corner] for corner in box] for box in lung_boxes(film)]
    (top, _), (bottom, inner_left) = boxes[0]
    between = small[top:bottom, inner_left : max(boxes[1][0][1], inner_left + 1)]
    cores = [_core(small, box) for box in boxes]
    enclosed = _enclosed(small, cores[0] | cores[1])
    found = [_lung(small, box, between, enclosed, left=n == 0) for n, box in enumerate(boxes)]
    if not all(found_one.any() for found_one, _ in found):
        raise InputError("No lung was found in the film; give an upright frontal chest film, or name a place.")
    whole = found[0][0] | found[1][0]
    lungs = found[0][1] | found[1][1]
    ribs = lungs & (gaussian_filter(small, 1.0) > gaussian_filter(small, _RIB))
    heart = _heart(whole, top, bottom)
    return FilmRegions(*(enlarged(part, film.shape) > 0.5 for part in (lungs, ribs, heart)))


def ct_lungs(units: np.ndarray, spacing: tuple[float, float]) -> np.ndarray:
    """The lungs of an axial slice: air inside the body, vessels closed over, without airways and bowel gas; bool.

    Args:
        units: (axis, axis) in HU.
        spacing: mm along these axes.
    """
    from scipy.ndimage import binary_erosion, binary_fill_holes, label

    air = body_in_slice(units, spacing) & (units < _INFLATED)
    found: Any = label(air)
    areas = np.bincount(found[0].ravel()) * spacing[0] * spacing[1]
    areas[0] = 0
    lungs = areas >= _PART
    inner = binary_erosion(air, iterations=2)
    for part in np.flatnonzero(lungs):
        inside = found[0] == part
        values = units[inside & inner] if (inside & inner).any() else units[inside]
        low, middle, high = np.percentile(values, (25, 50, 75))
        lungs[part] = np.median(units[inside]) > _GAS and not (middle < _EVEN_GAS and high - low < _EVEN)
    return np.asarray(binary_fill_holes(lungs[found[0]]), bool)


def _lung(
    small: np.ndarray, box: list[list[int]], between: np.ndarray, enclosed: np.ndarray, *, left: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The lung in a box, whole and without its hilum."""
    from scipy.ndimage import binary_closing, binary_fill_holes, binary_opening, label

    (top, start), (bottom, stop) = box
    inside = small[top:bottom, start:stop]
    nothing = np.zeros(small.shape, bool), np.zeros(small.shape, bool)
    if not inside.size or not between.size:
        return nothing
    dark, bright = np.percentile(inside, 30), np.percentile(between, 70)
    if not bright - dark > 0.02 * (np.percentile(small, 99) - np.percentile(small, 1)):
        return nothing
    grown = (slice(max(top - 6, 0), bottom + 6), slice(max(start - 4, 0), stop + 4))
    lung = np.zeros(small.shape, bool)
    lung[grown] = (small[grown] < dark + _DARK * (bright - dark)) & _rounded(small[grown].shape)
    lung &= enclosed
    lung = np.asarray(binary_fill_holes(binary_opening(binary_closing(np.pad(lung, 8), _disc(5)), _disc(3))), bool)
    labels: Any = label(lung[8:-8, 8:-8])
    if not labels[1]:
        return nothing
    lung = labels[0] == np.bincount(labels[0].ravel())[1:].argmax() + 1
    if np.count_nonzero(lung) < _LEAST * lung.size:
        return nothing
    return lung, lung & ~_hilum(lung, left=left)


def _hilum(lung: np.ndarray, *, left: bool) -> np.ndarray:
    """The inner part of a lung's rows, in the middle half of its height."""
    rows = np.flatnonzero(lung.any(axis=1))
    quarter = len(rows) // 4
    hilum = np.zeros(lung.shape, bool)
    for row in rows[quarter : len(rows) - quarter]:
        columns = np.flatnonzero(lung[row])
        first, last = columns[0], columns[-1] + 1
        inner = round(_INNER * (last - first))
        hilum[row, last - inner : last] = left
        hilum[row, first : first + inner] |= not left
    return hilum


def _heart(lungs: np.ndarray, top: int, bottom: int) -> np.ndarray:
    """The region between the lungs, in the lower two thirds of their height."""
    heart = np.zeros(lungs.shape, bool)
    for row in range(top + (bottom - top) // 3, min(bottom, len(lungs))):
        columns = np.flatnonzero(lungs[row])
        if columns.size:
            heart[row, columns[0] : columns[-1]] = True
    return heart & ~lungs


def _rounded(shape: tuple[int, ...]) -> np.ndarray:
    """A superellipse in its bounding box: without the corners, where shoulder and flank are as dark as lung."""
    rows, columns = (np.abs((np.arange(size) + 0.5) / size * 2 - 1) ** _ROUND for size in shape)
    return rows[:, None] + columns[None] < 1


def _core(small: np.ndarray, box: list[list[int]]) -> np.ndarray:
    """The darkest pixels around the middle of a box; bool."""
    core = np.zeros(small.shape, bool)
    margin = [round((1 - _CORE[0]) / 2 * (stop - start)) for start, stop in zip(*box, strict=True)]
    middle = tuple(slice(start + m, stop - m) for start, stop, m in zip(*box, margin, strict=True))
    if small[middle].size:
        core[middle] = small[middle] <= np.percentile(small[middle], _CORE[1])
    return core


def _enclosed(small: np.ndarray, cores: np.ndarray) -> np.ndarray:
    """Watershed: pixels that flooding by grey level reaches from the lungs' cores before it does from outside.

    Between a lung and the air outside lies the brighter chest wall; skin and shoulders fade into that air without one.
    """
    border = np.ones(small.shape, bool)
    border[1:, 1:-1] = False  # but for the lower one, where the film ends in the abdomen
    every = (slice(None, None, 2), slice(None, None, 2))  # other pixel is enough of a smoothed film
    lungs, beside = (_reached(small[every], seeds[every]) for seeds in (cores, border | _outside(small)))
    return (lungs < beside).repeat(2, axis=0).repeat(2, axis=1)[: small.shape[0], : small.shape[1]]


def _reached(small: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """For each pixel the lowest grey level at which the pixels up to it connect it with a seed; int."""
    from scipy.ndimage import label

    levels = np.percentile(small, np.linspace(0, 100, _LEVELS + 1)[1:])
    found = np.full(small.shape, _LEVELS)
    for number, level in enumerate(levels):
        labels: Any = label(small <= level)
        parts = labels[0]
        reached = np.zeros(labels[1] + 1, bool)
        reached[parts[seeds]] = True
        reached[0] = False
        found[reached[parts] & (found == _LEVELS)] = number
    return found


def _outside(small: np.ndarray) -> np.ndarray:
    """Air beside the patient: dark and connected to the film's border."""
    from scipy.ndimage import label

    low, high = np.percentile(small, (1, 99))
    found: Any = label(small < low + 0.1 * (high - low))
    border = np.concatenate((found[0][0], found[0][-1], found[0][:, 0], found[0][:, -1]))
    return np.isin(found[0], border[border > 0])


def _disc(radius: int) -> np.ndarray:
    rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return rows**2 + columns**2 <= radius**2
