"""Predict the error of a best estimate at each voxel from the calibrated standard deviation of samples."""

# scipy brings no types
# pyright: basic

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from monai_inpaint.fill.compose import Patch, widened
from monai_inpaint.fill.noise_level import noise_near
from monai_inpaint.imaging.image import Image

NEAR = 4.0  # voxels: standard deviation of the Gaussian over which variances are averaged
DEPTH = 15.0  # voxels from the nearest known one, at which samples have to be taken for twice as close as at the rim


def spread_of(
    source: Image, hole: np.ndarray, samples: Sequence[Sequence[Patch]], factor: float = 1.0, noise_factor: float = 0.0
) -> list[Patch]:
    """Compute the standard deviation of the expected error, in units: hypot(factor (1 + d / 15) s, noise_factor n).

    s^2 is the variance over the samples (divided by their number minus one), averaged over nearby voxels of the hole in
    the slice, as a few samples are not informative about a single voxel. d is the distance in voxels to the nearest
    known voxel of the slice: further inside, samples agree more than they should. n is the noise of the surrounding
    known voxels: the truth has noise, and samples are smoother. Reasons: docs/decisions/the-spread-is-calibrated.md.

    Args:
        source: the image.
        hole: bool, of the image's shape.
        samples: at least two, each the patches of all slices in the same order.
        factor, noise_factor: the bundle's.

    Returns:
        Patches like those of the samples.
    """
    spread: list[Patch] = []
    for parts in zip(*samples, strict=True):
        index, inside = parts[0].index, parts[0].hole
        deviation = factor * (1.0 + _depth(hole, index) / DEPTH) * np.sqrt(_variance(parts))
        spread.append(Patch(index, inside, np.hypot(deviation, noise_factor * noise_near(source, hole, index))))
    return spread


def _variance(parts: Sequence[Patch]) -> np.ndarray:
    """The variance over the samples of one slice, averaged nearby; of use inside the hole."""
    from scipy.ndimage import gaussian_filter

    inside = parts[0].hole
    variance = np.where(inside, np.var([part.units for part in parts], axis=0, ddof=1, dtype=np.float64), 0.0)
    weight = gaussian_filter(inside.astype(np.float64), NEAR, mode="constant")
    return gaussian_filter(variance, NEAR, mode="constant") / np.where(inside, weight, 1.0)


def _depth(hole: np.ndarray, index: tuple[Any, ...]) -> np.ndarray:
    """Voxels to the nearest known one of the slice, within the bounding box of its hole; the rim is at 1."""
    from scipy.ndimage import distance_transform_edt

    wide = widened(index, 1)
    depth = np.asarray(distance_transform_edt(hole[wide]))
    pairs = [(side, outer) for side, outer in zip(index, wide, strict=True) if isinstance(side, slice)]
    return depth[tuple(slice(side.start - outer.start, side.stop - outer.start) for side, outer in pairs)]
