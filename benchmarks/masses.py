"""Do painted masses help a detector: Table 1 of LINOP 2023 (mass localization in mammograms).

Mammograms of the split train without a finding get a mass, painted by --bundle in the box of another mammogram's mass;
none, half or all of them are added to the real ones. What is made and trained is kept in --output, and a run that was
ended goes on there. Needs the environment of `make setup-detection`, and a bundle that was trained on masses.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.kept_folder import kept_folder
from benchmarks.setting import Options, markdown
from monai_inpaint.datasets.boxed_images import read_boxed, read_pixels
from monai_inpaint.datasets.finding_boxes import Box, BoxedImage, BoxesByImage, FindingBox, read_boxes
from monai_inpaint.datasets.listing import TRAIN, UNHEALTHY, is_healthy
from monai_inpaint.detection.detector_training import FIRST, Recipe, detect, schedule, train
from monai_inpaint.detection.score import AP50, RESAMPLED
from monai_inpaint.detection.score import score as scored
from monai_inpaint.errors import InputError
from monai_inpaint.evaluation.datalist import read_data_list
from monai_inpaint.jobs.film_regions import ListedBoxes
from monai_inpaint.jobs.paint_film import PaintJob, paint_into
from monai_inpaint.jobs.synthesis_files import make_folders
from monai_inpaint.progress import Progress, make_progress

LABEL = "Mass"
ARMS = ("none", "50", "100")  # % of the painted mammograms that are added
PUBLISHED = {"none": "0.228", "50": "0.281", "100": "0.297"}  # VinDr-Mammo, Cascade R-CNN, MAT of 840,000 images
SIDE, TINY_SIDE = 512, 64
_TRIES = 50  # boxes, until one lies in the breast
_DARK = 0.05  # of the range of grey levels, up to which a pixel is air
_INSIDE = 0.9  # of a box that must be breast


def run(options: Options) -> str:
    """The table.

    Raises:
        InputError: an argument is missing, an arm does not exist, or the list names no mass or no healthy mammogram.
    """
    assert options.data is not None
    if options.boxes is None or options.bundle is None:
        raise InputError(
            "masses needs --boxes BOXES.csv, and --bundle with the folder of a bundle that was trained on masses "
            "(docs/lesions.md); none is shipped."
        )
    if unknown := sorted(set(options.arms) - set(ARMS)):
        raise InputError(f"There is no arm {unknown[0]!r}; there are {', '.join(ARMS)}.")
    real, tested = (_mammograms(options, split) for split in (TRAIN, options.split or "val"))
    side, epochs = (TINY_SIDE, 1) if options.tiny else (SIDE, FIRST[0])
    progress = make_progress("auto", sys.stderr)
    rows: list[list[str]] = []
    with kept_folder(options) as folder:
        painted = _painted(real, options.bundle, folder / "painted", options.seed)
        for name in options.detectors:
            recipe = Recipe(detector=name, side=side, epochs=epochs, rate=FIRST[1], seed=options.seed)
            for arm in options.arms or ARMS:
                added = painted[: round(len(painted) * (0 if arm == "none" else int(arm)) / 100)]
                place = folder / f"{name}-{arm}"
                place.mkdir(parents=True, exist_ok=True)
                detector = train(recipe, schedule(real, added, epochs, "mixed"), place, progress=progress, name=arm)
                found = detect(detector, tested, side, progress)
                score = scored(tested, found, resampled=20 if options.tiny else RESAMPLED, seed=options.seed)
                low, high = score.intervals[AP50]
                figure = f"{score.figures[AP50]:.3f} ({low:.3f} to {high:.3f})"
                rows.append([f"{name}, {arm}{'' if arm == 'none' else ' %'}", str(len(added)), figure, PUBLISHED[arm]])
        progress.clear()
    trained, seen = (sum(bool(image.boxes) for image in images) for images in (real, tested))
    patients = len({image.patient for image in tested})
    notes = [
        f"data: {options.data.name}; trained on {len(real)} mammograms ({trained} with a mass), tested on "
        f"{len(tested)} of split {options.split or 'val'} ({seen} with a mass), {patients} patients; 95 % intervals by "
        "patient",
        f"ResNet-18 from random weights, {epochs} epochs at {FIRST[1]:g}, images of {side} pixels, seed {options.seed}",
        f"painted by {Path(options.bundle).name}, in mammograms of train without a finding, one each",
        "published: VinDr-Mammo, by a Cascade R-CNN",
    ]
    return markdown("Painted masses for a detector", ["detector, arm", "added", AP50, "published"], rows, notes)


def _mammograms(options: Options, split: str) -> list[BoxedImage]:
    """Those of a split with a mass, then as many or fewer without any finding."""
    assert options.data is not None
    assert options.boxes is not None
    marked = BoxesByImage(box for box in read_boxes(options.boxes) if LABEL in box.label.split("|"))
    ill: list[BoxedImage] = []
    well: list[BoxedImage] = []
    for entry in read_data_list(options.data, modality="MG"):
        if entry.split not in (split, split + UNHEALTHY):
            continue
        boxes: tuple[Box, ...] = tuple((box.x, box.y, box.w, box.h) for box in marked.of(entry.path))
        group = ill if boxes else well
        if (boxes or is_healthy(entry.note)) and (options.limit is None or len(group) < options.limit):
            group.append(replace(read_boxed(entry.path), boxes=boxes, patient=entry.patient))
    if not ill or not well:
        raise InputError(
            f"{options.data} and {options.boxes} must name mammograms with a mass and without a finding in {split}."
        )
    return [*ill, *well[: len(ill)]]


def _painted(real: Sequence[BoxedImage], bundle: str, folder: Path, seed: int) -> list[BoxedImage]:
    """Every mammogram without a finding, with a painted mass."""
    make_folders(folder)
    masses = [image for image in real if image.boxes]
    made: list[BoxedImage] = []
    for number, image in enumerate(one for one in real if not one.boxes):
        assert image.path is not None
        left, top, width, height = _place(image, masses, np.random.default_rng([seed, number]))
        job = PaintJob(
            image=image.path,
            folder=folder,
            name=f"mass{number:05d}",
            region=ListedBoxes((FindingBox(image.name, LABEL, left, top, width, height),)),
            kept=False,
            finding=LABEL,
            seed=seed + number,
            bundle=bundle,
        )
        if not job.done:
            paint_into(job, progress=Progress(), overwrite=True)
        box = (left, top, width, height)
        made.append(replace(read_boxed(job.output.path), boxes=(box,), patient=image.patient))
    return made


def _place(image: BoxedImage, masses: Sequence[BoxedImage], rng: np.random.Generator) -> Box:
    """The box of a mass of another mammogram, at the same place relative to its size, that lies in this breast."""
    pixels = read_pixels(image)
    low, high = np.percentile(pixels, (0.5, 99.5))
    breast = pixels > low + _DARK * (high - low)
    for _ in range(_TRIES):
        other = masses[int(rng.integers(len(masses)))]
        across, down = image.columns / other.columns, image.rows / other.rows
        x, y, width, height = other.boxes[int(rng.integers(len(other.boxes)))]
        left, top = round(x * across), round(y * down)
        right, bottom = round((x + width) * across), round((y + height) * down)
        inside = breast[max(top, 0) : bottom, max(left, 0) : right]
        if inside.size and inside.mean() >= _INSIDE:
            return left, top, right - left, bottom - top
    raise InputError(f"{image.path}: none of {_TRIES} boxes lies in its breast; leave it out.")
