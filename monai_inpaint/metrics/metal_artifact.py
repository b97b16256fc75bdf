"""Measures of metal artifact reduction against the truth, as in the AAPM CT-MAR challenge.

Its eight measures (Haneda et al. 2025, Medical Physics 52, e70050; Peters et al. 2025, e70020) are made here from their
description. There the regions were drawn by hand for each of its cases; here rules find them.
"""

# scipy brings no types
# pyright: basic

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from monai_inpaint.ct.proton_range import range_shift
from monai_inpaint.imaging.body import body_in_slice
from monai_inpaint.metrics.ssim import ssim_map

BANDS = (0.0, 10.0, 30.0, np.inf)  # mm from the metal
SSIM_RANGE = 5000.0  # HU
BONE = 150.0  # HU, from which a pixel is bone
METAL_ABOVE = 250.0  # HU above the highest value near the metal, from which a pixel counts as metal
_SOFT, _FAT = (-20.0, 100.0), (-150.0, -50.0)  # HU
_EVEN = (-150.0, 150.0)  # HU of a homogeneous region
_NOISE_MM, _EDGE_MM, _STREAK_MM, _NEAR_MM = 8.0, 16.0, 30.0, 10.0  # radius; sides of the squares; around the metal
_EDGES_WITHIN = 60.0  # mm from the metal
_EXTREME = 0.05  # of the pixels, whose errors are the amplitude of a streak
_SHARP = 90.0  # percentile of the gradients

# The challenge's: name -> (heading, decimals). Lower is better in all.
MEASURES = {
    "rmse": ("RMSE HU", 1),
    "noise": ("noise HU off", 2),
    "sharpness": ("sharpness lost", 3),
    "streaks": ("streaks HU", 0),
    "ssim": ("1 - SSIM", 5),
    "bone": ("bone off", 4),
    "metal": ("metal off", 4),
    "range": ("proton range mm", 2),
}


@dataclass(frozen=True, eq=False)
class MetalCase:
    """A slice whose truth is known.

    Attributes:
        scanned: (rows, columns) HU, with metal and artifacts.
        truth: HU, with the metal at its own value and no artifacts.
        metal: bool.
        spacing: mm between rows and between columns.
    """

    scanned: np.ndarray
    truth: np.ndarray
    metal: np.ndarray
    spacing: tuple[float, float]

    @cached_property
    def patient(self) -> np.ndarray:
        """The patient without the metal, bool."""
        return body_in_slice(self.truth, self.spacing) & ~self.metal

    @cached_property
    def away(self) -> np.ndarray:
        """mm from the metal."""
        from scipy.ndimage import distance_transform_edt

        return np.asarray(distance_transform_edt(~self.metal, sampling=self.spacing))

    def band(self, low: float, high: float) -> np.ndarray:
        """The part of the patient at a given distance from the metal in mm, bool."""
        return self.patient & (self.away > low) & (self.away <= high)

    @cached_property
    def even(self) -> np.ndarray | None:
        """The circle of soft tissue that artifacts and anatomy disturb least, bool; None where there is none."""
        size = self._pixels(2 * _NOISE_MM)
        inside: Any = self.patient & (self.truth > _EVEN[0]) & (self.truth < _EVEN[1])
        whole = _mean(inside, size) > 0.999
        if not whole.any():
            return None
        disturbed = _mean((self.scanned - self.truth) ** 2, size) + _variance(self.truth, size)
        return self._circle(np.where(whole, disturbed, np.inf), _NOISE_MM)

    @cached_property
    def edges(self) -> list[np.ndarray]:
        """Squares with the most edge between soft tissue and bone, and soft tissue and fat, near the metal; bool."""
        from scipy.ndimage import maximum_filter

        smooth = _mean(self.truth, (3, 3))
        clear = self.band(5.0, _EDGES_WITHIN)
        squares = []
        soft = np.asarray(maximum_filter(clear & (smooth > _SOFT[0]) & (smooth < _SOFT[1]), 5))
        for other in (smooth > 2 * BONE, (smooth > _FAT[0]) & (smooth < _FAT[1])):
            edge = clear & soft & np.asarray(maximum_filter(clear & other, 5))
            if edge.any():
                squares.append(self._square(_mean(edge, self._pixels(_EDGE_MM)), _EDGE_MM) & clear)
        return squares

    @cached_property
    def streaked(self) -> np.ndarray:
        """The square of the patient with the strongest artifacts, off the metal; bool."""
        clear = self.patient & (self.away > 5.0)
        error = np.where(clear, self.scanned - self.truth, 0.0) ** 2
        return self._square(_mean(error, self._pixels(_STREAK_MM)), _STREAK_MM) & clear

    @cached_property
    def brightest(self) -> float:
        """HU from which a pixel near the metal counts as metal."""
        near = self.patient & (self.away <= _NEAR_MM)
        return float(self.truth[near].max(initial=0.0)) + METAL_ABOVE

    def _pixels(self, mm: float) -> tuple[int, int]:
        return max(round(mm / self.spacing[0]), 3), max(round(mm / self.spacing[1]), 3)

    def _circle(self, cost: np.ndarray, radius: float) -> np.ndarray:
        """Around the pixel of least cost."""
        at = np.unravel_index(np.argmin(cost), cost.shape)
        rows, columns = (np.arange(n) - int(p) for n, p in zip(cost.shape, at, strict=True))
        return np.hypot(rows[:, None] * self.spacing[0], columns * self.spacing[1]) <= radius

    def _square(self, gain: np.ndarray, side: float) -> np.ndarray:
        """Around the pixel of most gain."""
        at = np.unravel_index(np.argmax(gain), gain.shape)
        halves = (n // 2 for n in self._pixels(side))
        rows, columns = (slice(max(int(p) - n, 0), int(p) + n + 1) for p, n in zip(at, halves, strict=True))
        square = np.zeros(gain.shape, bool)
        square[rows, columns] = True
        return square


def measure(case: MetalCase, corrected: np.ndarray) -> dict[str, float]:
    """Take the challenge's measures of a correction, and more; NaN where the slice has nothing to measure it on.

    Args:
        case: with the truth.
        corrected: (rows, columns) HU, the metal put back.

    Returns:
        All are 0 for the truth, and larger is worse:
        rmse: HU, of the patient outside the metal.
        noise: HU that the standard deviation in a circle of 8 mm radius, where artifacts disturb least, is off.
        sharpness: share of the gradients (Sobel, 90th percentile) that is lost at two edges near the metal.
        streaks: HU from the lowest to the highest 5 % of the errors, in the square of 30 mm with the worst artifacts.
        ssim: 1 - SSIM of the patient outside the metal, data range 5000 HU.
        bone: mean of the relative change in volume and of 1 - Dice, of pixels from 150 HU outside the metal.
        metal: the same of the metal, by a threshold 250 HU above the highest value near it.
        range: range error of protons from four sides behind the metal, in mm of water, see `range_shift`.
        Then "rmse 0-10 mm", "ssim 0-10 mm" and so on by the distance from the metal, ssim again as 1 - SSIM.
    """
    error = corrected.astype(np.float64) - case.truth
    alike = ssim_map(case.truth, corrected, SSIM_RANGE)
    figures = {
        "rmse": _rms(error[case.patient]),
        "noise": _noise(case, corrected),
        "sharpness": _sharpness(case, corrected),
        "streaks": _amplitude(error[case.streaked]),
        "ssim": 1.0 - float(alike[case.patient].mean()),
        "bone": _off((case.truth > BONE) & case.patient, (corrected > BONE) & case.patient),
        "metal": _off(case.truth > case.brightest, corrected > case.brightest, case.away <= _NEAR_MM),
        "range": range_shift(case.truth, corrected, case.metal, case.spacing),
    }
    for low, high in zip(BANDS[:-1], BANDS[1:], strict=True):
        band, name = case.band(low, high), f"{low:.0f}-{high:.0f} mm" if np.isfinite(high) else f"from {low:.0f} mm"
        figures[f"rmse {name}"] = _rms(error[band])
        figures[f"ssim {name}"] = 1.0 - float(alike[band].mean()) if band.any() else np.nan
    return figures


def _noise(case: MetalCase, corrected: np.ndarray) -> float:
    if case.even is None:
        return np.nan
    return abs(float(corrected[case.even].std()) - float(case.truth[case.even].std()))


def _sharpness(case: MetalCase, corrected: np.ndarray) -> float:
    from scipy.ndimage import sobel

    lost = []
    for square in case.edges:
        true, made = (
            np.percentile(np.hypot(sobel(x, 0), sobel(x, 1))[square], _SHARP) for x in (case.truth, corrected)
        )
        lost.append(abs(1.0 - float(made / true)))
    return float(np.mean(lost)) if lost else np.nan


def _amplitude(errors: np.ndarray) -> float:
    count = max(round(_EXTREME * errors.size), 1)
    ordered = np.sort(errors)
    return float(ordered[-count:].mean() - ordered[:count].mean()) if errors.size else np.nan


def _off(true: np.ndarray, made: np.ndarray, within: np.ndarray | None = None) -> float:
    if within is not None:
        true, made = true & within, made & within
    if not true.any():
        return np.nan
    volumes = int(true.sum()), int(made.sum())
    dice = 2 * int((true & made).sum()) / sum(volumes)
    return (abs(volumes[1] / volumes[0] - 1.0) + 1.0 - dice) / 2


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values**2))) if values.size else np.nan


def _mean(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    from scipy import ndimage

    uniform_filter: Any = ndimage.uniform_filter
    return uniform_filter(np.asarray(values, np.float64), size, mode="constant")


def _variance(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return np.maximum(_mean(np.square(values, dtype=np.float64), size) - _mean(values, size) ** 2, 0.0)
