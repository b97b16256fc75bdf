"""Segment the patient in an axial CT slice, without air and table."""

# scipy brings no types
# pyright: basic

from __future__ import annotations

from typing import Any

import numpy as np

from monai_inpaint.imaging.hounsfield import AIR

_THIN = 4.0  # mm: shells of the table, cables and sheets are no thicker than twice of it
_GAP = 10.0  # mm: black streaks that open to the air are no wider than twice of it
_COARSE = 1.5  # mm between the pixels that are looked at
_PART = 0.1  # of the largest part's area, from which another one (an arm, a leg) belongs to the patient
PADDING = -1100.0  # HU below which a value is not a measurement: scanners fill with it what lies outside their circle


def body_in_slice(units: np.ndarray, spacing: tuple[float, float]) -> np.ndarray:
    """Segment the patient with all that is inside, bool; lungs and bowel gas count as inside.

    Args:
        units: (axis, axis) in HU.
        spacing: mm along these axes.
    """
    from scipy import ndimage

    steps = [max(int(_COARSE / mm), 1) for mm in spacing]
    coarse = [mm * step for mm, step in zip(spacing, steps, strict=True)]
    dense = units[:: steps[0], :: steps[1]] > AIR
    # Padded with its own edge, as a patient may reach over the image's border.
    margin = int(np.ceil(2 * _THIN / min(coarse))) + 1
    wide = np.pad(dense, margin, mode="edge")
    core = _away(wide, coarse) > _THIN
    opened = (_away(~core, coarse) <= _THIN) & wide if core.any() else wide
    labels, count = _labels(opened)
    if not count:
        return np.zeros(units.shape, bool)
    areas = np.bincount(labels.ravel())
    areas[0] = 0
    solid = (areas >= _PART * areas.max())[labels]
    whole: Any = ndimage.binary_fill_holes(solid[margin:-margin, margin:-margin])
    return np.repeat(np.repeat(whole, steps[0], axis=0), steps[1], axis=1)[: units.shape[0], : units.shape[1]]


def with_gaps(body: np.ndarray, spacing: tuple[float, float]) -> np.ndarray:
    """Close gaps of up to 20 mm in the body, which black streaks open to the air."""
    margin = int(np.ceil(_GAP / min(spacing))) + 1
    wide = np.pad(body, margin, mode="edge")
    closed = wide | (_away(_away(~wide, list(spacing)) <= _GAP, list(spacing)) > _GAP)
    return closed[margin:-margin, margin:-margin]


def cut_by_the_field_of_view(units: np.ndarray, body: np.ndarray) -> bool:
    """Return whether the patient reaches the image's border, or the circle beyond which nothing was reconstructed."""
    from scipy import ndimage

    border = np.ones(body.shape, bool)
    border[1:-1, 1:-1] = False
    unmeasured: Any = ndimage.binary_dilation(units < PADDING, iterations=2)
    return bool(np.count_nonzero(body & border) > 8 or np.count_nonzero(body & unmeasured & (units > AIR)) > 32)


def _away(inside: np.ndarray, spacing: list[float]) -> np.ndarray:
    """mm to the nearest pixel outside."""
    from scipy import ndimage

    result: Any = ndimage.distance_transform_edt(inside, sampling=spacing)
    return result


def _labels(marked: np.ndarray) -> tuple[np.ndarray, int]:
    from scipy import ndimage

    result: Any = ndimage.label(marked)
    return result
