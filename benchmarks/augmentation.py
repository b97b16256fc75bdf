"""Do synthetic nodules help a detector: tables III and IV of Shen et al. 2022, on windows of LIDC's crops or of films.

Half of the windows have no nodule (see `nodule_windows`). With --source nih, projected nodules of LIDC stand for the
real ones in films of healthy adults. What was trained is kept in --output, and a run that was ended goes on there.
Needs the environment of `make setup-detection`.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.hard_nodules import CANDIDATES, classifier_of, hardest
from benchmarks.kept_folder import kept_folder
from benchmarks.nodule_windows import FILMS, Kind, Source, cut_window, read_sources, write_windows
from benchmarks.setting import Options, markdown
from monai_inpaint.datasets.boxed_images import read_detections, read_truth
from monai_inpaint.datasets.finding_boxes import BoxedImage
from monai_inpaint.datasets.node21 import write_node21
from monai_inpaint.detection.detector_folds import DETECTIONS, train_folds
from monai_inpaint.detection.detector_training import FINER, FIRST, LOG, Recipe, fold_of
from monai_inpaint.detection.detectors import SIZE_STEP
from monai_inpaint.detection.mining import draw_missed
from monai_inpaint.detection.missed import nodules_of
from monai_inpaint.detection.score import AP50, AUC, FROC_AREA, NODE21, NODE21_PAPER, sensitivity_name
from monai_inpaint.detection.score import score as scored
from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.progress import make_progress
from monai_inpaint.synthesis.nodules.synthesize import synthesize_nodule

ARMS = ("none", "selected", "pasted", "random", "mined")
SHOWN = (AUC, NODE21, FROC_AREA, NODE21_PAPER, sensitivity_name(0.25), AP50)
_TRIES = 20


def run(options: Options) -> str:
    """The table.

    Raises:
        InputError: the list or an image is at fault, or an arm or a fold does not exist.
    """
    unknown = sorted(set(options.arms) - set(ARMS))
    if unknown:
        raise InputError(f"There is no arm {unknown[0]!r}; there are {', '.join(ARMS)}.")
    if options.fold is not None and not 0 <= options.fold < options.folds:
        raise InputError(f"There is no fold {options.fold}; {options.folds} folds are numbered from 0 on.")
    sources = read_sources(options)
    side = -(-sources[0].kind.window // SIZE_STEP) * SIZE_STEP  # pixels of a window as the detector sees it
    epochs = (1, 1) if options.tiny else (FIRST[0], FINER[0])
    folds = range(options.folds) if options.fold is None else [options.fold]
    progress = make_progress("auto", sys.stderr)
    with kept_folder(options) as folder:
        real = write_windows(sources, folder / "real", options.seed)
        parts = fold_of(real, options.folds)
        tested = [image for image, part in zip(real, parts, strict=True) if part in folds]
        rows = [
            ["constant box", "-", *_figures(tested, _constant(tested), options)],
            ["chance", "-", *_figures(tested, _chance(tested, options.seed), options)],
        ]
        for name in options.detectors:
            first = Recipe(detector=name, side=side, epochs=epochs[0], rate=FIRST[1], seed=options.seed)
            finer = replace(first, epochs=epochs[1], rate=FINER[1])
            base = folder / name
            # of all folds, even if one is tested: nodules are mined that a detector has not seen
            train_folds(first, real, base, folds=options.folds, resume=True, progress=progress)
            unseen = {image.name: image for image in read_detections(base / DETECTIONS, real)}
            for arm in options.arms or ARMS:
                for count in (0,) if arm == "none" else options.counts:
                    found: dict[str, BoxedImage] = {}
                    for fold in folds:
                        learned = [image for image, part in zip(real, parts, strict=True) if part != fold]
                        held_out = [image for image, part in zip(real, parts, strict=True) if part == fold]
                        place = folder / f"{name}-{arm}-{count}-fold{fold}"
                        detected = [unseen[image.name] for image in learned]
                        classifier = folder / f"classifier-fold{fold}.pt"
                        made = _synthetic(arm, count, sources, learned, detected, classifier, place, options)
                        train_folds(
                            finer,
                            real,
                            place,
                            folds=options.folds,
                            only=fold,
                            synthetic=made,
                            start=base,
                            resume=True,
                            progress=progress,
                        )
                        for image in read_detections(place / f"fold{fold}" / DETECTIONS, held_out):
                            found[image.name] = image
                    figures = _figures(tested, [found[image.name] for image in tested], options)
                    rows.append([f"{name}, {arm}", str(count), *figures])
        progress.clear()
        notes = _notes(options, real, tested, epochs, sources[0].kind, side)
        notes.append(f"all trainings in --output: {_hours(folder):.1f} hours by the clock")
    return markdown("Synthetic nodules for a detector", ["detector, arm", "synthetic", *SHOWN], rows, notes)


def _notes(
    options: Options,
    real: Sequence[BoxedImage],
    tested: Sequence[BoxedImage],
    epochs: tuple[int, int],
    kind: Kind,
    side: int,
) -> list[str]:
    patients, tested_patients = (len({image.patient for image in images}) for images in (real, tested))
    low, high = kind.diameters
    unit = "mm" if kind is FILMS else "pixels"
    if kind is FILMS:
        about = [
            "no film has a real nodule: projected nodules of LIDC, each of another patient and enlarged to "
            f"{low:g} to {high:g} mm, stand for them in training and in test",
            "pasted: CT-to-CXR, the projected nodules of training films in other films",
        ]
    else:
        about = [
            "pasted: nodules of training crops, by their outlines (the place of CT-to-CXR here)",
            "tested on real nodules only; the texture network had seen crops of these patients",
        ]
    return [
        f"data: {options.data.name if options.data else ''}, split {options.split}, {options.source}: {len(real)} "
        f"windows of {patients} patients, half without a nodule; tested on {len(tested)} of {tested_patients} patients "
        f"({'all' if options.fold is None else 'one'} of {options.folds} folds), 95 % intervals by patient, IoU 0.2",
        *about,
        f"windows of {kind.window} pixels, resized to {side}; ResNet-18, {epochs[0]} epochs at {FIRST[1]:g}, then "
        f"{epochs[1]} at {FINER[1]:g} with the synthetic windows; shift and flip in every arm; none: trained further "
        "without synthetic windows",
        f"random: diameters of {low:g} to {high:g} {unit}; mined: diameters of nodules of training "
        "patients that a detector of another fold misses, which was trained without them",
        f"selected: Syn&Select, of {CANDIDATES} times as many random ones those in which a DenseNet-121, trained from "
        "scratch on the training windows, is least sure of a nodule; the paper does not describe its classifier",
        "constant box: the median nodule in the middle of each window",
    ]


def _hours(folder: Path) -> float:
    """How long all trainings in the folder took."""
    seconds = 0.0
    for log in folder.rglob(LOG):
        with log.open(encoding="utf-8", newline="") as file:
            seconds += sum(float(row["seconds"]) for row in csv.DictReader(file))
    return seconds / 3600


def _synthetic(
    arm: str,
    count: int,
    sources: Sequence[Source],
    learned: Sequence[BoxedImage],
    detected: Sequence[BoxedImage],
    classifier: Path,
    place: Path,
    options: Options,
) -> list[BoxedImage]:
    """Windows of the images of patients that are trained with, each with one synthetic nodule.

    Args:
        arm, count: which, and how many.
        sources: images that nodules are put into.
        learned: real windows that are trained with.
        detected: what detectors trained without them find in these.
        classifier: its weights, for Syn&Select.
        place: of the training; the windows go beside it.
        options: of the benchmark.
    """
    if not count:
        return []
    folder, seed = place.with_name(f"{place.name}-synthetic"), options.seed
    if not (folder / "metadata.csv").exists():
        known = {image.patient for image in learned}
        sources = [source for source in sources if source.patient in known]
        made = count * CANDIDATES if arm == "selected" else count
        diameters = np.random.default_rng([seed, 1]).uniform(*sources[0].kind.diameters, made)
        if arm == "mined":
            scores = scored(learned, detected, resampled=0)
            diameters = np.array([draw.diameter for draw in draw_missed(nodules_of(scores), count, seed=seed)])
        images = [
            _with_nodule(sources, number, seed, None if arm == "pasted" else float(diameters[number]), folder)
            for number in range(made)
        ]
        if arm == "selected":
            images = hardest(images, count, classifier_of(learned, classifier, seed, tiny=options.tiny))
        write_node21(images, folder)
    return read_truth(folder)


def _with_nodule(sources: Sequence[Source], number: int, seed: int, diameter: float | None, folder: Path) -> BoxedImage:
    """A window with a nodule that was put in, and without the image's own.

    Args:
        sources: images to put it into, in turn.
        number, seed: of the nodule; with its image they decide all else.
        diameter: of a synthetic one; None: one of the sources' nodules is pasted.
        folder: that the window is written into.
    """
    for attempt in range(_TRIES):
        rng = np.random.default_rng([seed, number, attempt])
        source = sources[(number + attempt) % len(sources)]
        if diameter is None:
            made = source.pasted(sources[int(rng.integers(len(sources)))], rng)
        else:
            made = _synthesized(source, diameter, rng)
        image = cut_window(source, *made, rng, f"synthetic{number:04d}", folder) if made else None
        if image:
            return image
    raise InputError(f"No image has room for synthetic nodule {number + 1}; give more patients.")


def _synthesized(source: Source, diameter: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray] | None:
    pixel = source.kind.pixel
    image = Image(source.values, np.diag([pixel, pixel, 1.0, 1.0]), source.kind.modality)
    try:
        made = synthesize_nodule(image, source.lung, diameter, density="random", seed=int(rng.integers(2**32)))
    except InputError:  # no room in this lung
        return None
    return made.image.voxels, made.mask


def _figures(real: Sequence[BoxedImage], found: Sequence[BoxedImage], options: Options) -> list[str]:
    score = scored(real, found, resampled=20 if options.tiny else 1000, seed=options.seed)
    cells = []
    for name in SHOWN:
        low, high = score.intervals[name]
        cells.append(f"{score.figures[name]:.3f} ({low:.3f} to {high:.3f})")
    return cells


def _median_sides(real: Sequence[BoxedImage]) -> tuple[float, float]:
    width, height = np.median([box[2:] for image in real for box in image.boxes], axis=0)
    return float(width), float(height)


def _constant(real: Sequence[BoxedImage]) -> list[BoxedImage]:
    """The median nodule in the middle of each."""
    width, height = _median_sides(real)
    side = real[0].columns
    box = ((side - width) / 2, (side - height) / 2, width, height)
    return [replace(image, boxes=(box,), scores=(1.0,)) for image in real]


def _chance(real: Sequence[BoxedImage], seed: int) -> list[BoxedImage]:
    """Eight median nodules anywhere in each, scored by chance."""
    rng, (width, height) = np.random.default_rng(seed), _median_sides(real)
    most = (real[0].columns - width, real[0].rows - height)
    return [
        replace(
            image,
            boxes=tuple((float(x), float(y), width, height) for x, y in rng.uniform(0, most, (8, 2))),
            scores=tuple(float(one) for one in rng.random(8)),
        )
        for image in real
    ]
