"""Train a detector and let it detect (Shen et al. 2022, section IV-A: two images a step, 20 epochs, then 10 finer)."""

# pyright: basic

from __future__ import annotations

import csv
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zlib import crc32

import numpy as np
import torch

from monai_inpaint.datasets.finding_boxes import BoxedImage
from monai_inpaint.detection.detector_images import batch_of, square_of
from monai_inpaint.detection.detector_names import BACKBONES, RETINANET
from monai_inpaint.detection.detectors import Detector, make_detector
from monai_inpaint.detection.score import patients_of
from monai_inpaint.errors import InputError
from monai_inpaint.io.atomic import staged
from monai_inpaint.progress import Progress
from monai_inpaint.training.bfloat16 import has_bfloat16

BATCH = 2
FIRST, FINER = (20, 1e-3), (10, 1e-4)  # epochs and rate: of real images; of a trained detector with synthetic ones
_MOMENTUM, _DECAY = 0.9, 1e-4
_STEEPEST = 10.0  # norm of a gradient
CHECKPOINT, WEIGHTS, LOG = "checkpoint.pt", "model.pt", "log.csv"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Settings of the training of a detector.

    Attributes:
        detector, backbone: see `make_detector`.
        side: pixels of the square that images are resized to.
        epochs: over all images.
        rate: of SGD; a tenth after four fifths of the epochs.
        seed: of weights, order, shifts and flips.
    """

    detector: str = RETINANET
    backbone: str = BACKBONES[0]
    side: int = 512
    epochs: int = FIRST[0]
    rate: float = FIRST[1]
    seed: int = 0


def fold_of(images: Sequence[BoxedImage], folds: int) -> np.ndarray:
    """int (images,): the part of each that it is tested in; patients stay together, and only their names decide."""
    groups = patients_of(images)
    names = [images[int(np.flatnonzero(groups == group)[0])] for group in range(groups.max() + 1)]
    order = np.argsort([crc32((image.patient or image.name).encode()) for image in names], kind="stable")
    if len(order) < folds:
        raise InputError(f"{len(order)} patients cannot be divided into {folds} folds; ask for fewer.")
    parts = np.empty(len(order), int)
    parts[order] = np.arange(len(order)) % folds
    return parts[groups]


def schedule(
    real: Sequence[BoxedImage], synthetic: Sequence[BoxedImage], epochs: int, order: str
) -> list[list[BoxedImage]]:
    """The images of each epoch: real and synthetic together ("mixed"), or synthetic ones in the first half of the
    epochs and real ones after ("synthetic-first")."""
    if order == "mixed" or not synthetic:
        return [[*real, *synthetic]] * epochs
    return [list(synthetic)] * (epochs // 2) + [list(real)] * (epochs - epochs // 2)


def train(
    recipe: Recipe,
    images: Sequence[Sequence[BoxedImage]],
    folder: Path,
    *,
    start: Path | None = None,
    progress: Progress | None = None,
    name: str = "train",
) -> Detector:
    """Train a detector, or resume one from the checkpoint in the folder.

    In bfloat16 where the device computes in it. After each epoch the state is saved, and its loss written to log.csv; a
    resumed run takes the steps that it would have taken.

    Args:
        recipe: how.
        images: those of each epoch, see `schedule`.
        folder: exists; for checkpoint, weights and log.
        start: weights to begin with.
        progress: called with steps done and their number.
        name: of the stage.

    Raises:
        InputError: an image cannot be read, or weights are of another detector.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(recipe.seed)
    detector = make_detector(recipe.detector, recipe.backbone).to(device)
    optimizer = torch.optim.SGD(detector.parameters(), recipe.rate, momentum=_MOMENTUM, weight_decay=_DECAY)
    first = 0
    if (folder / CHECKPOINT).is_file():
        state = torch.load(folder / CHECKPOINT, map_location=device, weights_only=True)
        detector.load_state_dict(state["detector"])
        optimizer.load_state_dict(state["optimizer"])
        first = int(state["epoch"])
    elif start is not None:
        load_weights(detector, start)
    steps = [-(-len(some) // BATCH) for some in images]
    for epoch in range(first, recipe.epochs):
        began, losses = time.perf_counter(), []
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate * (0.1 if epoch >= 0.8 * recipe.epochs else 1.0)
        detector.train()
        for step, (batch, boxes) in enumerate(_batches(images[epoch], recipe, epoch)):
            if progress:
                progress(name, sum(steps[:epoch]) + step, sum(steps))
            with torch.autocast(device.type, torch.bfloat16, enabled=has_bfloat16(device)):
                loss = detector.losses(batch.to(device), [some.to(device) for some in boxes])
            if not torch.isfinite(loss):
                raise InputError(f"The loss of epoch {epoch + 1} is not finite; lower --rate.")
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(detector.parameters(), _STEEPEST)
            optimizer.step()
            losses.append(float(loss.detach()))
        _save(detector, optimizer, epoch + 1, folder)
        _note(folder / LOG, epoch, float(np.mean(losses)), time.perf_counter() - began)
    with staged(folder / WEIGHTS, overwrite=True) as part:
        torch.save(detector.state_dict(), part)
    return detector


@torch.inference_mode()
def detect(
    detector: Detector,
    images: Sequence[BoxedImage],
    side: int,
    progress: Progress | None = None,
    name: str = "detect",
) -> list[BoxedImage]:
    """The images with the boxes and scores of a detector, in their own pixels."""
    device = next(detector.parameters()).device
    detector.eval()
    found: list[BoxedImage] = []
    for number, image in enumerate(images):
        if progress:
            progress(name, number, len(images))
        square, _, factor = square_of(image, side)
        boxes, scores = (values.cpu().double().numpy() for values in detector.detect(square[None].to(device))[0])
        ends = np.array([image.columns, image.rows] * 2, float)
        sides = np.clip(boxes / factor, 0, ends)
        kept = ((sides[:, 2:] - sides[:, :2]) > 0.5).all(axis=1)
        found_boxes = tuple(
            (float(left), float(top), float(right - left), float(below - top))
            for left, top, right, below in np.round(sides[kept], 3)
        )
        scored = tuple(float(score) for score in np.round(scores[kept], 6))
        found.append(replace(image, boxes=found_boxes, scores=scored, densities=()))
    return found


def load_weights(detector: Detector, path: Path) -> None:
    """Load weights that `train` has written.

    Raises:
        InputError: none are there, or they are of another detector.
    """
    if not path.is_file():
        raise InputError(f"{path} is not there; name the folder of a training that has ended.")
    device = next(detector.parameters()).device
    try:
        detector.load_state_dict(torch.load(path, map_location=device, weights_only=True))
    except RuntimeError as error:
        raise InputError(f"{path} contains weights of another detector; name its --detector and --backbone.") from error


def _batches(
    images: Sequence[BoxedImage], recipe: Recipe, epoch: int
) -> Iterator[tuple[torch.Tensor, list[torch.Tensor]]]:
    order = np.random.default_rng([recipe.seed, epoch]).permutation(len(images))
    for step, first in enumerate(range(0, len(order), BATCH)):
        rng = np.random.default_rng([recipe.seed, epoch, step])
        yield batch_of([images[int(number)] for number in order[first : first + BATCH]], recipe.side, rng)


def _save(detector: Detector, optimizer: torch.optim.Optimizer, epoch: int, folder: Path) -> None:
    state = {"detector": detector.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
    with staged(folder / CHECKPOINT, overwrite=True) as part:
        torch.save(state, part)


def _note(path: Path, epoch: int, loss: float, seconds: float) -> None:
    new = epoch == 0 or not path.exists()
    with path.open("w" if new else "a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if new:
            writer.writerow(("epoch", "loss", "seconds"))
        writer.writerow((epoch + 1, f"{loss:.6f}", f"{seconds:.1f}"))
