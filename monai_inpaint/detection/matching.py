"""Match detections with nodules by the overlap of their boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from monai_inpaint.datasets.finding_boxes import BoxedImage

IOU = 0.2  # above which a detection is a hit (Shen et al. 2022, section IV-A; NODE21)


@dataclass(frozen=True, eq=False)
class Matched:
    """All detections in a set of images, surest first; those of one score in the order of the images.

    Attributes:
        scores: float64 (detections,).
        images: int (detections,), the number of each one's image.
        nodules: int (detections,), the number of the nodule that each hits first; -1 where it hits none.
        false: bool (detections,), false positives. A further detection of a nodule is neither a hit nor false.
        nodule_images: int (nodules,), the number of each nodule's image.
        nodule_boxes: int (nodules,), its number among the boxes of that image.
        count: of the images.
    """

    scores: np.ndarray
    images: np.ndarray
    nodules: np.ndarray
    false: np.ndarray
    nodule_images: np.ndarray
    nodule_boxes: np.ndarray
    count: int

    @property
    def best_scores(self) -> np.ndarray:
        """float64 (nodules,): the score with which each nodule is found; -inf where it is not."""
        best = np.full(len(self.nodule_images), -np.inf)
        hits = self.nodules >= 0
        best[self.nodules[hits]] = self.scores[hits]
        return best


def overlaps(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes (n, 4) with others (m, 4), left, top, width, height: float64 (n, m)."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, :2] + boxes[:, None, 2:], others[None, :, :2] + others[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=-1)
    union = boxes[:, 2:].prod(axis=-1)[:, None] + others[:, 2:].prod(axis=-1)[None] - shared
    return shared / union


def match(truth: Sequence[BoxedImage], found: Sequence[BoxedImage], iou: float = IOU) -> Matched:
    """Match detections with nodules, image by image.

    From the surest on, a detection hits the nodule, of those not yet hit, that it overlaps most, if by more than `iou`.
    A detection that overlaps only nodules that are hit already counts as nothing, as in LUNA16.

    Args:
        truth: with the nodules' boxes.
        found: of the same images in the same order, with the detections' boxes and scores.
        iou: intersection over union that a hit exceeds.
    """
    parts: list[tuple[np.ndarray, ...]] = []
    nodule_images: list[int] = []
    nodule_boxes: list[int] = []
    for number, (true, made) in enumerate(zip(truth, found, strict=True)):
        scores = np.array(made.scores, float)
        order = np.argsort(-scores, kind="stable")
        shared = overlaps(as_array(made.boxes)[order], as_array(true.boxes))
        hit = np.full(len(order), -1)
        false = np.ones(len(order), bool)
        free = np.ones(len(true.boxes), bool)
        for n, row in enumerate(shared):
            false[n] = not (row > iou).any()
            open_ones = np.where(free & (row > iou), row, -1.0)
            if open_ones.size and open_ones.max() > iou:
                chosen = int(open_ones.argmax())
                free[chosen], hit[n] = False, len(nodule_images) + chosen
        parts.append((scores[order], np.full(len(order), number), hit, false))
        nodule_images += [number] * len(true.boxes)
        nodule_boxes += range(len(true.boxes))
    scores, images, hit, false = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    order = np.argsort(-scores, kind="stable")
    return Matched(
        scores[order],
        images[order],
        hit[order],
        false[order],
        np.array(nodule_images, int),
        np.array(nodule_boxes, int),
        len(truth),
    )


def as_array(boxes: Sequence[Sequence[float]]) -> np.ndarray:
    """Boxes as float64 (n, 4), also where there are none."""
    return np.array(boxes, float).reshape(-1, 4)
