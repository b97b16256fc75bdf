"""Train a detector for each fold of a data set, and let each detect in the images that it has not seen."""

# pyright: basic

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from monai_inpaint.datasets.finding_boxes import BoxedImage
from monai_inpaint.datasets.node21 import write_node21
from monai_inpaint.datasets.node21_json import write_node21_json
from monai_inpaint.detection.detector_training import CHECKPOINT, WEIGHTS, Recipe, detect, fold_of, schedule, train
from monai_inpaint.io.run_folder import begin_run
from monai_inpaint.progress import Progress

SETTINGS = "detector.json"
DETECTIONS, ON_TRAINING = "detections.json", "detections_train.json"


def train_folds(
    recipe: Recipe,
    images: Sequence[BoxedImage],
    folder: Path,
    *,
    folds: int = 5,
    only: int | None = None,
    synthetic: Sequence[BoxedImage] = (),
    order: str = "mixed",
    start: Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> list[int]:
    """Train and test by cross-validation over patients.

    Into foldN/ go the weights, the detections in the images that it is tested in and in those that it was trained with
    (to mine), and test/ and train/ with the truth of both, as NODE21 has it. Once all folds are there, detections.json
    has what each image's own fold found.

    Args:
        recipe: how.
        images: the data set.
        folder: for all of it; made where it is not there.
        folds: parts; 1: train with all images, and detect in them.
        only: the one fold to train; None for all.
        synthetic: images that are trained with, too, and never tested in.
        order: "mixed" or "synthetic-first", see `schedule`.
        start: the folder of a training of the same folds whose detectors are trained further.
        resume: continue an interrupted run.
        progress: called with stage, steps done and their number.

    Returns:
        The folds whose detections are there.

    Raises:
        InputError: the folder contains another training, or an image or weights are invalid.
    """
    parts = fold_of(images, folds)
    asked = _asked(recipe, images, folds, synthetic, order, start)
    begin_run(folder, SETTINGS, asked, "a training", resume=resume)
    for fold in range(folds) if only is None else [only]:
        place = folder / f"fold{fold}"
        if (place / DETECTIONS).exists():
            continue
        place.mkdir(exist_ok=True)
        tested = [image for image, part in zip(images, parts, strict=True) if part == fold]
        learned = [image for image, part in zip(images, parts, strict=True) if part != fold or folds == 1]
        plan = schedule(learned, synthetic, recipe.epochs, order)
        weights = start / f"fold{fold}" / WEIGHTS if start else None
        detector = train(recipe, plan, place, start=weights, progress=progress, name=f"train fold {fold}")
        for name, some, file in (("train", learned, ON_TRAINING), ("test", tested, DETECTIONS)):
            write_truth(some, place / name)
            write_node21_json(detect(detector, some, recipe.side, progress, f"detect fold {fold}"), place / file)
        (place / CHECKPOINT).unlink(missing_ok=True)
    done = [fold for fold in range(folds) if (folder / f"fold{fold}" / DETECTIONS).exists()]
    if len(done) == folds:
        _gather(images, parts, folder)
    return done


def write_truth(images: Sequence[BoxedImage], folder: Path) -> None:
    """Write metadata.csv of images that stay where they are: paths from the folder."""
    folder.mkdir(exist_ok=True)
    paths = [os.path.relpath(image.path, folder) if image.path else image.file for image in images]
    write_node21([replace(image, file=path) for image, path in zip(images, paths, strict=True)], folder)


def _gather(images: Sequence[BoxedImage], parts: np.ndarray, folder: Path) -> None:
    from monai_inpaint.datasets.boxed_images import read_detections

    found: dict[str, BoxedImage] = {}
    for fold in range(parts.max() + 1):
        tested = [image for image, part in zip(images, parts, strict=True) if part == fold]
        for image in read_detections(folder / f"fold{fold}" / DETECTIONS, tested):
            found[image.name] = image
    write_node21_json([found[image.name] for image in images], folder / DETECTIONS)


def _asked(
    recipe: Recipe,
    images: Sequence[BoxedImage],
    folds: int,
    synthetic: Sequence[BoxedImage],
    order: str,
    start: Path | None,
) -> dict[str, object]:
    return {
        **asdict(recipe),
        "folds": folds,
        "order": order,
        "start": start.name if start else None,
        "images": [image.name for image in images],
        "synthetic": [image.name for image in synthetic],
    }
