"""Measure what a correction changed, and how much of the streaks remains."""

# scipy brings no types
# pyright: basic

from __future__ import annotations

from typing import Any

import numpy as np

from monai_inpaint.imaging.axial import Axial
from monai_inpaint.imaging.body import body_in_slice, with_gaps
from monai_inpaint.imaging.image import Image
from monai_inpaint.metal.detect_ct import Found

_SOFT = (-250.0, 250.0)  # HU of tissue that is neither lung nor bone
_LESSENED = 0.85  # of the deviation before, above which a correction did little
_CLIP = 500.0  # HU beyond which a deviation counts no more


def changes(axial: Axial, reduced: Image, touched: np.ndarray, affected: np.ndarray) -> dict[str, Any]:
    """Number of changed voxels and size of the change, in units, in the affected region and elsewhere.

    Args:
        axial: the source's slices.
        reduced: the corrected image.
        touched: bool, of the image's shape: the recomputed voxels; the rest is unchanged.
        affected: bool, of the image's shape.
    """
    numbers = np.flatnonzero(axial.solid(touched).any(axis=(0, 1)))
    inside, elsewhere, slices = [np.zeros(0)], [np.zeros(0)], 0
    for number in numbers:
        index = axial.index(int(number))
        moved = np.abs(reduced.units(index).astype(np.float64) - axial.image.units(index))
        moved[~np.isfinite(moved)] = 0.0
        slices += bool(moved.any())
        inside.append(moved[(moved > 0) & affected[index]])
        elsewhere.append(moved[(moved > 0) & ~affected[index]])
    return {
        "voxels": int(sum(map(np.size, inside)) + sum(map(np.size, elsewhere))),
        "affected_region": _change_of(np.concatenate(inside)),
        "elsewhere": _change_of(np.concatenate(elsewhere)),
        "slices": slices,
        "untouched_slices": axial.count - slices,
    }


def streaks(axial: Axial, reduced: Image, found: Found) -> dict[str, Any]:
    """Deviation of the affected region from soft tissue elsewhere in the same slices, before and after.

    Uses the same voxels before and after: those of the affected region that are soft tissue or dark in one of both.
    Returns median and standard deviation in HU of each; a perfect correction would make them equal to those elsewhere.
    """
    before, after, elsewhere = [np.zeros(0)], [np.zeros(0)], [np.zeros(0)]
    for number in np.flatnonzero(axial.solid(found.metal).any(axis=(0, 1))):
        index = axial.index(int(number))
        source, result = (np.nan_to_num(image.units(index), nan=-1000.0) for image in (axial.image, reduced))
        spacing = (axial.spacing[0], axial.spacing[1])
        body = with_gaps(body_in_slice(source, spacing), spacing)
        kept = found.metal[index]
        doubtful = found.affected[index] & body & ~kept & (np.minimum(source, result) < _SOFT[1])
        clean = body & ~found.affected[index] & ~kept & (source > _SOFT[0]) & (source < _SOFT[1])
        before.append(source[doubtful])
        after.append(result[doubtful])
        elsewhere.append(source[clean])
    names = ("affected_before", "affected_after", "soft_tissue_elsewhere")
    parts = (np.concatenate(part) for part in (before, after, elsewhere))
    return {name: _spread(part) for name, part in zip(names, parts, strict=True)}


def verdict(deviations: dict[str, Any]) -> str:
    """Summarise the measures of `streaks` in a sentence."""
    before, after = (deviations[f"affected_{when}"]["deviation_hu"] for when in ("before", "after"))
    if before is None:
        return "Too little soft tissue lies around the metal to judge the correction."
    change = f"in the affected region the values' deviation went from {before:.0f} to {after:.0f} HU"
    if after <= _LESSENED * before:
        return f"The artifacts are reduced: {change}."
    return f"The artifacts are hardly reduced: {change}; another method may do better, thin wires are best left alone."


def _change_of(moved: np.ndarray) -> dict[str, Any]:
    if not moved.size:
        return {"voxels": 0, "mean_abs": 0.0, "max_abs": 0.0}
    return {
        "voxels": int(moved.size),
        "mean_abs": round(float(moved.mean()), 2),
        "max_abs": round(float(moved.max()), 2),
    }


def _spread(values: np.ndarray) -> dict[str, Any]:
    if not values.size:
        return {"voxels": 0, "median_hu": None, "deviation_hu": None}
    clipped = np.clip(values, -_CLIP, _CLIP)
    return {
        "voxels": int(values.size),
        "median_hu": round(float(np.median(clipped)), 1),
        "deviation_hu": round(float(clipped.std()), 1),
    }
