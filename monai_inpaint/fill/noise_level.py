"""Estimate the noise of the known voxels next to a hole."""

from __future__ import annotations

from typing import Any

import numpy as np

from monai_inpaint.fill.compose import widened
from monai_inpaint.imaging.image import Image

REACH = 8  # voxels around the hole's bounding box that are looked at
MEDIAN = 0.6745  # of the absolute value of a standard normal number


def noise_near(source: Image, hole: np.ndarray, index: tuple[Any, ...]) -> float:
    """Estimate the standard deviation of the noise around one slice's part of the hole, in units.

    Uses second differences along both axes, in which smooth content and straight edges along the axes vanish and noise
    grows sixfold (Immerkaer 1996, Fast Noise Variance Estimation); their median, to exclude other edges. Noise that is
    correlated between neighbouring voxels, as in enlarged or compressed images, is underestimated.

    Args:
        source: the image.
        hole: bool, of the image's shape.
        index: the part's bounding box: two slices, and the slice number for a volume, at its axis.

    Returns:
        0 where nothing is known nearby.
    """
    box = widened(index, REACH)
    units = source.units(box).astype(np.float64)
    units[hole[box] | ~np.isfinite(units)] = np.nan
    detail = np.diff(np.diff(units, 2, axis=0), 2, axis=1)
    detail = np.abs(detail[np.isfinite(detail)])
    return float(np.median(detail)) / (6.0 * MEDIAN) if detail.size else 0.0
