"""Average precision as COCO measures it (Lin et al. 2014), of one category and boxes of all sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from monai_inpaint.datasets.finding_boxes import BoxedImage
from monai_inpaint.detection.matching import as_array, overlaps

_MOST = 100  # detections of an image that count
_RECALLS = np.linspace(0, 1, 101)


@dataclass(frozen=True, eq=False)
class Hits:
    """Detections, surest first, and whether each is a hit.

    Attributes:
        images: int (detections,), the number of each one's image.
        right: bool (detections,).
        nodule_images: int (nodules,), the number of each nodule's image.
    """

    images: np.ndarray
    right: np.ndarray
    nodule_images: np.ndarray


def coco_hits(truth: Sequence[BoxedImage], found: Sequence[BoxedImage], iou: float = 0.5) -> Hits:
    """Match as COCO does: from the surest on, each detection hits the open nodule that it overlaps most, by `iou` or
    more; all others are false, and so is a second one of a nodule."""
    parts: list[tuple[np.ndarray, ...]] = []
    nodule_images: list[int] = []
    for number, (true, made) in enumerate(zip(truth, found, strict=True)):
        scores = np.array(made.scores, float)
        order = np.argsort(-scores, kind="stable")[:_MOST]
        shared = overlaps(as_array(made.boxes)[order], as_array(true.boxes))
        right = np.zeros(len(order), bool)
        for n, row in enumerate(shared):
            if row.size and row.max() >= iou:
                # of equal overlaps COCO takes the last
                chosen = len(row) - 1 - int(row[::-1].argmax())
                right[n], shared[:, chosen] = True, -1.0
        parts.append((scores[order], np.full(len(order), number), right))
        nodule_images += [number] * len(true.boxes)
    scores, images, right = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    order = np.argsort(-scores, kind="stable")
    return Hits(images[order], right[order], np.array(nodule_images, int))


def precision_recall(hits: Hits, weights: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Recall, and the highest precision that it or a higher recall is reached with; both float64 (detections,).

    Args:
        hits: see `coco_hits`.
        weights: float64 (images,), how often each image counts; once when None.
    """
    counts = np.ones(len(hits.images)) if weights is None else weights[hits.images]
    nodules = len(hits.nodule_images) if weights is None else weights[hits.nodule_images].sum()
    right, wrong = np.cumsum(counts * hits.right), np.cumsum(counts * ~hits.right)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = right / np.maximum(right + wrong, np.spacing(1))
        return right / nodules, np.maximum.accumulate(precision[::-1])[::-1]


def average_precision(hits: Hits, weights: np.ndarray | None = None) -> float:
    """The mean precision at 101 recalls; NaN without nodules."""
    recall, precision = precision_recall(hits, weights)
    if not len(hits.nodule_images) or (weights is not None and not weights[hits.nodule_images].sum()):
        return float("nan")
    places = np.searchsorted(recall, _RECALLS, side="left")
    return float(np.append(precision, 0.0)[places].mean())
