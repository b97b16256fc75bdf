"""Predict the error of a best estimate from samples: at each voxel (the spread), and of the whole fill."""

# scipy brings no types
# pyright: basic

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from monai_inpaint.fill.compose import Patch, widened
from monai_inpaint.imaging.biharmonic import REACH, solve_biharmonic
from monai_inpaint.imaging.bounding_box import around
from monai_inpaint.imaging.image import Image

NEAR = 4.0  # voxels: standard deviation of the Gaussian over which variances are averaged
DEPTH = 15.0  # voxels from the nearest known one, at which samples have to be taken for twice as close as at the rim
LARGEST = 50_000  # voxels of a hole whose classical fill takes no more than seconds
WORTH = 0.5  # dB below which the network's fill is called no better than the classical one
NOISE_REACH = 8  # voxels around the hole's bounding box that are looked at
MEDIAN = 0.6745  # of the absolute value of a standard normal number


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


def reliability(
    source: Image, filled: Image, hole: np.ndarray, spread: Sequence[Patch]
) -> dict[str, float | str | None]:
    """Compute expected error and gain of a best estimate, if it differs from the truth by the spread.

    With s^2 the mean square of the spread, the mean squared distance of the truth from any other fill c is s^2 + |fill
    - c|^2: the expected gain over c is 10 log10 of the ratio of that to s^2. Here c is the biharmonic fill.

    Args:
        source: the image.
        filled: with the best estimate in the hole.
        hole: bool, of the image's shape.
        spread: the predicted standard deviation of the error, in units; see `spread_of`.

    Returns:
        "expected_rmse" in units; "gain_over_biharmonic_db", None for holes of more than 50 000 voxels, where the
        equation is not solved, and where the spread is 0 everywhere; "verdict", a sentence.
    """
    variance = float(np.mean(np.concatenate([part.units[part.hole] ** 2 for part in spread])))
    gain = None
    if variance > 0 and np.count_nonzero(hole) <= LARGEST:
        box = around(hole, 2 * REACH)
        units = source.units(box).astype(np.float64)
        unknown = hole[box] | ~np.isfinite(units)
        units[unknown] = 0.0
        classical = units.copy()
        classical[unknown] = solve_biharmonic(units, unknown)
        change = (filled.units(box).astype(np.float64) - classical)[hole[box]]
        gain = round(10.0 * float(np.log10(1.0 + np.mean(change**2) / variance)), 2)
    if gain is None:
        verdict = "Not compared with a biharmonic fill."
    elif gain < WORTH:
        verdict = "By the spread of its samples this fill is no better than a biharmonic one."
    else:
        verdict = f"By the spread of its samples this fill is about {gain:.1f} dB better than a biharmonic one."
    return {
        "expected_rmse": round(variance**0.5, 6),
        "gain_over_biharmonic_db": gain,
        "verdict": verdict,
    }


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
    box = widened(index, NOISE_REACH)
    units = source.units(box).astype(np.float64)
    units[hole[box] | ~np.isfinite(units)] = np.nan
    detail = np.diff(np.diff(units, 2, axis=0), 2, axis=1)
    detail = np.abs(detail[np.isfinite(detail)])
    return float(np.median(detail)) / (6.0 * MEDIAN) if detail.size else 0.0
