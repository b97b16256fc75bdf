"""Free-response ROC of a detector, and the scores that are read off it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monai_inpaint.detection.matching import Matched

RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)  # false positives per image (LUNA16, NODE21)
NODE21_RATE = 0.25


@dataclass(frozen=True, eq=False)
class Froc:
    """Sensitivity against false positives: a point for each score as threshold, and (0, 0) before.

    Attributes:
        rates: float64 (points,), false positives per image, not decreasing.
        sensitivities: float64 (points,), the share of the nodules that are hit; NaN without nodules.
        thresholds: float64 (points,), the lowest score that counts; inf at first.
    """

    rates: np.ndarray
    sensitivities: np.ndarray
    thresholds: np.ndarray

    def sensitivity_at(self, rate: float) -> float:
        """The highest sensitivity of a threshold with no more than `rate` false positives per image."""
        return float(self.sensitivities[self.point_at(rate)])

    def point_at(self, rate: float) -> int:
        """The number of that point."""
        # a rate that is reached exactly counts, whatever the rounding of its share
        return int(np.searchsorted(self.rates, rate * (1 + 1e-9), side="right")) - 1

    def area(self, most: float = RATES[-1]) -> float:
        """The mean sensitivity over all rates from 0 to `most`: the area below the steps, over its width."""
        inside = self.rates < most
        ends = np.append(self.rates[inside], most)
        return float((np.diff(ends) * self.sensitivities[inside]).sum() / most)


def froc(matched: Matched, weights: np.ndarray | None = None) -> Froc:
    """Compute the FROC.

    Args:
        matched: see `match`.
        weights: float64 (images,), how often each image counts; once when None.
    """
    weights = np.ones(matched.count) if weights is None else weights
    counts = weights[matched.images]
    hits = np.cumsum(counts * (matched.nodules >= 0))
    false = np.cumsum(counts * matched.false)
    nodules = weights[matched.nodule_images].sum()
    # all detections of one score pass a threshold together
    last = np.flatnonzero(np.append(np.diff(matched.scores) != 0, True)) if len(counts) else np.array([], int)
    with np.errstate(invalid="ignore", divide="ignore"):
        sensitivities = np.append(0.0, hits[last]) / nodules
    return Froc(np.append(0.0, false[last]) / weights.sum(), sensitivities, np.append(np.inf, matched.scores[last]))
