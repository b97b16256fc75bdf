"""Syn&Select of Shen et al. 2021: of more synthetic nodules than are needed, a classifier selects the hard ones.

The paper says no more of the classifier than that it is trained from scratch. Here it is the DenseNet-121 of
`classification`, which tells windows with and without a nodule apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from monai.networks.nets.densenet import DenseNet121

from benchmarks.classification import SIDE, STEPS, Film, scored, trained
from monai_inpaint.datasets.finding_boxes import BoxedImage
from monai_inpaint.detection.detector_images import square_of
from monai_inpaint.io.atomic import staged

CANDIDATES = 3  # for each nodule that is selected


def hardest(candidates: Sequence[BoxedImage], count: int, classifier: torch.nn.Module) -> list[BoxedImage]:
    """So many images in which the classifier is least sure of a nodule, in the order of the candidates."""
    chosen = np.argsort(scored(classifier, _standardised(candidates)), kind="stable")[:count]
    return [candidates[number] for number in sorted(chosen)]


def classifier_of(images: Sequence[BoxedImage], weights: Path, seed: int, *, tiny: bool = False) -> torch.nn.Module:
    """The classifier of images with and without a nodule, trained once."""
    if weights.exists():
        classifier = DenseNet121(spatial_dims=2, in_channels=1, out_channels=1)
        classifier.load_state_dict(torch.load(weights, weights_only=True))
        return classifier.eval()
    classifier = trained([_standardised(images)], seed, 2 if tiny else STEPS)
    with staged(weights) as part:
        torch.save(classifier.state_dict(), part)
    return classifier


def _standardised(images: Sequence[BoxedImage]) -> list[Film]:
    """As a detector sees them, two standard deviations at the ends of the grey scale."""
    squares = [64 * square_of(image, SIDE)[0][0].numpy() + 128 for image in images]
    return [
        Film(square.clip(0, 255).astype(np.uint8), image.patient, bool(image.boxes))
        for square, image in zip(squares, images, strict=True)
    ]
