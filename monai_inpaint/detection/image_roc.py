"""ROC of images, each scored by its highest detection score."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monai_inpaint.datasets.finding_boxes import BoxedImage


def image_scores(found: Sequence[BoxedImage]) -> np.ndarray:
    """float64 (images,): the highest score in each; -inf, below all scores, where nothing was detected."""
    return np.array([max(image.scores, default=-np.inf) for image in found])


def roc(scores: np.ndarray, ill: np.ndarray, weights: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The ROC's points: false-positive rate and sensitivity, from (0, 0) to (1, 1).

    Args:
        scores: float64 (images,).
        ill: bool (images,), with a nodule.
        weights: float64 (images,), how often each counts; once when None.

    Returns:
        Both NaN if there are no images with, or none without a nodule.
    """
    weights = np.ones(len(scores)) if weights is None else weights
    order = np.argsort(-scores, kind="stable")
    sorted_scores = scores[order]
    last = np.flatnonzero(np.append(sorted_scores[1:] != sorted_scores[:-1], True))
    with np.errstate(invalid="ignore"):
        rates = [
            np.append(0.0, np.cumsum(counted[order])[last]) / counted.sum()
            for counted in (weights * ~ill, weights * ill)
        ]
    return rates[0], rates[1]


def area_under(rates: np.ndarray, sensitivities: np.ndarray) -> float:
    """The area below the points, joined by lines: the chance that an ill image is the more suspicious one."""
    return float((np.diff(rates) * (sensitivities[1:] + sensitivities[:-1])).sum() / 2)
