"""Find the region that metal artifacts affect: next to the metal, and along streaks and shadows."""

# scipy brings no types
# pyright: basic

from __future__ import annotations

from typing import Any

import numpy as np

from monai_inpaint.imaging.bounding_box import around

_NEXT = 5.0  # mm next to metal, where it blooms and shades
_SOFT = (-250.0, 250.0)  # HU within which deviations are taken for streaks; bone, lung and gas lie outside
_STREAK = 40.0  # HU of a deviation that keeps its sign along a ray
_BEGIN = 10.0  # mm from metal within which a streak begins
_REACH = (20.0, 20.0)  # mm that streaks reach at most, and how many times the metal's width more
_ALONG = 12.0  # mm of the ray over which it has to (standard deviation of a Gaussian)
_ACROSS = 30.0  # mm to both sides on the arc whose median is what a pixel is compared with
_WIDEST = (12.0, 60.0)  # degrees that this may be
_RAYS = 360
_HOLLOW = 2000.0  # mm2 from which connected dark pixels are lung or bowel, not a shadow
_APART = 4.0  # mm between pieces that send out streaks of their own


def affected_in_slice(
    units: np.ndarray, metal: np.ndarray, body: np.ndarray, spacing: tuple[float, float]
) -> np.ndarray:
    """Streaks and shadows of the metal in one axial slice, bool, without the metal itself.

    Streaks extend from metal in straight lines, and anatomy does not: values are examined along rays from each piece,
    minus the median over the arc at the same distance, and averaged along the ray. Where the rest exceeds 40 HU, bright
    or dark, and is connected to the metal, the slice is unreliable. Only soft tissue is used, so bone does not
    contribute. Thin wires cause short streaks.

    Args:
        units: (axis, axis) in HU.
        metal, body: bool.
        spacing: mm along these axes.
    """
    from scipy import ndimage

    away = _distance(~metal, spacing)
    soft = body & (away > 1.0) & (units < _SOFT[1]) & ~_hollows(units, body & (away > _NEXT), spacing)
    streaks = np.zeros(units.shape, bool)
    labelled: Any = ndimage.label(away <= _APART / 2)
    labelled: Any = ndimage.label(away <= _APART / 2)
    groups = np.where(metal, labelled[0], 0)
    for number in range(1, int(labelled[1]) + 1):
        width = 2 * np.sqrt(np.count_nonzero(groups == number) * spacing[0] * spacing[1] / np.pi)
        reach = _REACH[0] + _REACH[1] * width
        box = around(groups == number, int(np.ceil(reach / min(spacing))))
        near = _distance(groups[box] != number, spacing)
        centre = np.argwhere(near == 0).mean(axis=0)
        strong = np.abs(_along_rays(units[box], soft[box], centre, spacing)) > _STREAK
        streaks[box] |= _touching(strong & (near <= reach), near <= _BEGIN)
    return body & ~metal & ((away <= _NEXT) | (streaks & soft))


def _touching(marked: np.ndarray, beginning: np.ndarray) -> np.ndarray:
    """The parts of `marked` that reach into `beginning`."""
    from scipy import ndimage

    labelled: Any = ndimage.label(marked)
    labels = labelled[0]
    wanted = np.unique(labels[beginning & marked])
    return np.isin(labels, wanted) & marked


def _along_rays(units: np.ndarray, soft: np.ndarray, centre: np.ndarray, spacing: tuple[float, float]) -> np.ndarray:
    """Deviation in HU of pixels on a ray from `centre` from the arcs beside it; 0 if too few are soft tissue."""
    from scipy import ndimage

    step = min(spacing)
    places = np.indices(units.shape) - centre[:, None, None]
    first, second = (place * mm for place, mm in zip(places, spacing, strict=True))
    radius, angle = np.hypot(first, second) / step, np.arctan2(first, second) * (_RAYS / (2 * np.pi))
    turns = np.arange(_RAYS) * (2 * np.pi / _RAYS)
    reach = np.arange(int(radius.max()) + 2) * step
    rows = centre[0] + np.sin(turns)[:, None] * reach / spacing[0]
    columns = centre[1] + np.cos(turns)[:, None] * reach / spacing[1]
    clipped = np.where(soft, np.clip(units, *_SOFT), 0.0)
    polar = ndimage.map_coordinates(clipped, [rows, columns], order=1)
    weight = ndimage.map_coordinates(soft.astype(float), [rows, columns], order=1)
    known = weight > 0.5
    value = np.where(known, polar / np.maximum(weight, 0.5), np.nan)
    deviation = np.where(known, value - _arc_median(value, reach), 0.0)
    sigma = _ALONG / step
    summed = ndimage.gaussian_filter1d(deviation, sigma, axis=1, mode="constant")
    share = ndimage.gaussian_filter1d(known.astype(float), sigma, axis=1, mode="constant")
    steady = np.where(share > 0.3, summed / np.maximum(share, 0.3), 0.0)
    return ndimage.map_coordinates(np.vstack([steady, steady[:1]]), [angle % _RAYS, radius], order=1)


def _arc_median(value: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """The median of the known values on the arc around each place of (rays, reach), whose radii are in mm."""
    degrees = np.clip(np.degrees(_ACROSS / np.maximum(radius, 1.0)), *_WIDEST) * (_RAYS / 360)
    rays = np.arange(_RAYS)[:, None]
    turns = [np.rint(part * degrees).astype(int) for part in np.linspace(-1, 1, 11)]
    arc = np.stack([np.take_along_axis(value, (rays + turn) % _RAYS, axis=0) for turn in turns])
    known = np.isfinite(arc)
    count = known.sum(axis=0)
    ordered = np.sort(np.where(known, arc, np.inf), axis=0)
    middle = np.take_along_axis(ordered, np.maximum((count - 1) // 2, 0)[None], axis=0)[0]
    return np.where(count > 0, middle, 0.0)


def _hollows(units: np.ndarray, where: np.ndarray, spacing: tuple[float, float]) -> np.ndarray:
    """Lungs and bowel gas: large dark parts."""
    from scipy import ndimage

    labelled: Any = ndimage.label((units < _SOFT[0]) & where)
    labels = labelled[0]
    areas = np.bincount(labels.ravel()) * spacing[0] * spacing[1]
    areas[0] = 0.0
    return (areas >= _HOLLOW)[labels]


def _distance(marked: np.ndarray, spacing: tuple[float, float]) -> np.ndarray:
    from scipy import ndimage

    result: Any = ndimage.distance_transform_edt(marked, sampling=spacing)
    return result
