"""Score a detector: FROC, ROC of images, both readings of the NODE21 score, average precision; intervals by patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from monai_inpaint.datasets.finding_boxes import BoxedImage
from monai_inpaint.detection.average_precision import Hits, average_precision, coco_hits
from monai_inpaint.detection.froc import NODE21_RATE, RATES, Froc, froc
from monai_inpaint.detection.image_roc import area_under, image_scores, roc
from monai_inpaint.detection.matching import IOU, Matched, match
from monai_inpaint.metrics.bootstrap import draw, percentile_interval
from monai_inpaint.progress import Steps

RESAMPLED = 1000  # times
AUC, FROC_AREA, MEAN_SENSITIVITY = "AUC of images", "area under FROC", "mean sensitivity"
NODE21, NODE21_PAPER, AP50 = "NODE21 score", "NODE21 score, AUC of FROC", "mAP@50"
# What each measure is, for people who read a table of them.
MEANINGS = {
    AUC: "area under the ROC of images, each as suspicious as its surest detection",
    NODE21: "0.75 x AUC of images + 0.25 x sensitivity at 0.25 false positives per image, as the challenge has it",
    FROC_AREA: f"mean sensitivity over all rates from 0 to {RATES[-1]:g} false positives per image",
    NODE21_PAPER: "0.75 x area under FROC + 0.25 x sensitivity at 0.25, as Shen et al. 2022 have it",
    MEAN_SENSITIVITY: "at 1/8, 1/4, 1/2, 1, 2, 4 and 8 false positives per image, as in LUNA16",
    AP50: "average precision of COCO at an overlap of 0.5",
}


def sensitivity_name(rate: float) -> str:
    """The name of the sensitivity at a rate of false positives."""
    return f"sensitivity at {rate:g}"


@dataclass(frozen=True, eq=False)
class DetectionScore:
    """Result of `score`.

    Attributes:
        truth, found: images, in one order.
        iou: that hits of the FROC exceed.
        matched, froc, hits: of all images.
        figures: by measure; NaN where it is not defined, as AUC is without negatives.
        intervals: by measure, 95 % of resamplings of patients; NaN if not defined.
        band: float64 (resamplings, rates) of sensitivities at `band_rates`.
        band_rates: float64 (rates,), false positives per image.
        patients: how many there are.
    """

    truth: Sequence[BoxedImage]
    found: Sequence[BoxedImage]
    iou: float
    matched: Matched
    froc: Froc
    hits: Hits
    figures: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    band: np.ndarray
    band_rates: np.ndarray
    patients: int

    @property
    def threshold(self) -> float:
        """The lowest score that counts where there are 0.25 false positives per image."""
        return float(self.froc.thresholds[self.froc.point_at(NODE21_RATE)])


def score(
    truth: Sequence[BoxedImage],
    found: Sequence[BoxedImage],
    *,
    iou: float = IOU,
    resampled: int = RESAMPLED,
    seed: int = 0,
    progress: Steps | None = None,
) -> DetectionScore:
    """Score detections.

    Args:
        truth: see `read_truth`; an image without a patient counts as a separate patient.
        found: see `read_detections`.
        iou: intersection over union that hits of the FROC exceed.
        resampled: how many resamplings of patients the intervals are of.
        seed: of the resamplings.
        progress: called with resamplings done and their number.
    """
    matched, hits = match(truth, found, iou), coco_hits(truth, found)
    scores, ill = image_scores(found), np.array([bool(image.boxes) for image in truth])
    groups = patients_of(truth)
    patients = int(groups.max()) + 1
    rng = np.random.default_rng(seed)
    rates = np.geomspace(1 / 16, RATES[-1], 57)
    drawn: list[dict[str, float]] = []
    band: list[list[float]] = []
    for number in range(resampled):
        if progress:
            progress(number, resampled)
        weights = np.bincount(draw(patients, rng), minlength=patients)[groups].astype(float)
        curve = froc(matched, weights)
        drawn.append(_figures(curve, hits, scores, ill, weights))
        band.append([curve.sensitivity_at(rate) for rate in rates])
    whole = froc(matched)
    figures = _figures(whole, hits, scores, ill, None)
    intervals = {name: percentile_interval([one[name] for one in drawn]) for name in figures}
    return DetectionScore(
        truth,
        found,
        iou,
        matched,
        whole,
        hits,
        figures,
        intervals,
        np.array(band).reshape(-1, len(rates)),
        rates,
        patients,
    )


def patients_of(truth: Sequence[BoxedImage]) -> np.ndarray:
    """int (images,): the number of each image's patient; an image without one has a separate number."""
    names = [f"patient {image.patient}" if image.patient else f"image {image.name}" for image in truth]
    return np.unique(names, return_inverse=True)[1]


def _figures(
    curve: Froc, hits: Hits, scores: np.ndarray, ill: np.ndarray, weights: np.ndarray | None
) -> dict[str, float]:
    sensitivities = {sensitivity_name(rate): curve.sensitivity_at(rate) for rate in RATES}
    at_node21 = sensitivities[sensitivity_name(NODE21_RATE)]
    auc, area = area_under(*roc(scores, ill, weights)), curve.area()
    return {
        AUC: auc,
        NODE21: 0.75 * auc + 0.25 * at_node21,
        FROC_AREA: area,
        NODE21_PAPER: 0.75 * area + 0.25 * at_node21,
        AP50: average_precision(hits, weights),
        MEAN_SENSITIVITY: float(np.mean(list(sensitivities.values()))),
        **sensitivities,
    }
