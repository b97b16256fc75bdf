"""List the nodules that a detector finds and those that it misses (Shen et al. 2022, section III-D)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monai_inpaint.datasets.finding_boxes import Box, BoxedImage
from monai_inpaint.detection.score import DetectionScore


@dataclass(frozen=True)
class Nodule:
    """A nodule of a truth, and whether a detector finds it.

    Attributes:
        image: that it is in.
        image_number: of that image.
        box_number: of its box in the image.
        diameter: the mean of the box's sides, in `unit`; the axes of an upright ellipse.
        unit: "mm", or "pixels" where the image has no spacing.
        score: with which it is found; None where no detection hits it.
        found: the score counts where there are 0.25 false positives per image.
    """

    image: BoxedImage
    image_number: int
    box_number: int
    diameter: float
    unit: str
    score: float | None
    found: bool

    @property
    def box(self) -> Box:
        """Left, top, width and height in pixels."""
        return self.image.boxes[self.box_number]


def nodules_of(scored: DetectionScore) -> list[Nodule]:
    """All nodules of a score's truth, in its order."""
    matched, nodules = scored.matched, []
    for number, box_number, best in zip(matched.nodule_images, matched.nodule_boxes, matched.best_scores, strict=True):
        image = scored.truth[number]
        _, _, width, height = image.boxes[box_number]
        across, down = image.spacing or (1.0, 1.0)
        nodules.append(
            Nodule(
                image,
                int(number),
                int(box_number),
                (width * across + height * down) / 2,
                "mm" if image.spacing else "pixels",
                float(best) if np.isfinite(best) else None,
                bool(best >= scored.threshold),
            )
        )
    return nodules
