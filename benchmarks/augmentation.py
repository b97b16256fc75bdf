"""Do synthetic nodules help a detector: tables III and IV of Shen et al. 2022, on windows of LIDC's crops.

A whole crop is no task, as its nodule lies in the middle. Windows of 48 of its 128 pixels are drawn anywhere around the
nodule and turned, and as many beside it are negatives; they are enlarged to 128 pixels. What was trained is kept in
--output, and a run that was ended goes on there. Needs the environment of `make setup-detection`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zlib import crc32

import numpy as np
from scipy.ndimage import binary_dilation, binary_erosion

from benchmarks.kept_folder import kept_folder
from benchmarks.setting import Options, markdown
from monai_inpaint.datasets.boxed_images import read_detections, read_truth
from monai_inpaint.datasets.finding_boxes import Box, BoxedImage
from monai_inpaint.datasets.lidc_crops import LidcCrop, read_lidc_crop
from monai_inpaint.datasets.node21 import write_node21
from monai_inpaint.detection.detector_folds import DETECTIONS, ON_TRAINING, train_folds
from monai_inpaint.detection.detector_training import FINER, FIRST, Recipe, fold_of
from monai_inpaint.detection.mining import draw_missed
from monai_inpaint.detection.missed import nodules_of
from monai_inpaint.detection.score import AP50, AUC, FROC_AREA, NODE21, NODE21_PAPER, sensitivity_name
from monai_inpaint.detection.score import score as scored
from monai_inpaint.errors import InputError
from monai_inpaint.evaluation.datalist import read_data_list
from monai_inpaint.imaging.bounding_box import extent
from monai_inpaint.imaging.image import Image
from monai_inpaint.io import write_image
from monai_inpaint.progress import make_progress
from monai_inpaint.synthesis.nodules.synthesize import synthesize_nodule

WINDOW, SIDE = 48, 128  # pixels of a crop, and of a window as the detector sees it
MARGIN = 2  # pixels between a nodule and the edge of its window
LUNG = -500.0  # HU, below which a pixel is lung
SIZES = (4.0, 24.0)  # pixels, all equally likely in the arm "random"
ARMS = ("none", "random", "mined", "pasted")
SHOWN = (AUC, NODE21, FROC_AREA, NODE21_PAPER, sensitivity_name(0.25), AP50)
_TRIES = 20


@dataclass(frozen=True, eq=False)
class Crop:
    """A crop in HU, where its nodule is, and its lung."""

    patient: str
    hounsfield: np.ndarray
    nodule: np.ndarray
    lung: np.ndarray

    @classmethod
    def of(cls, patient: str, crop: LidcCrop) -> Crop:
        """As it was read."""
        nodule = crop.agreement if crop.agreement.any() else crop.readers[0]
        lung = binary_erosion(crop.hounsfield < LUNG, iterations=2) & ~binary_dilation(nodule, iterations=4)
        return cls(patient, crop.hounsfield, nodule, lung)


def run(options: Options) -> str:
    """The table.

    Raises:
        InputError: the list or a crop is at fault, or an arm does not exist.
    """
    unknown = sorted(set(options.arms) - set(ARMS))
    if unknown:
        raise InputError(f"There is no arm {unknown[0]!r}; there are {', '.join(ARMS)}.")
    crops = _crops(options)
    epochs = (1, 1) if options.tiny else (FIRST[0], FINER[0])
    progress = make_progress("auto", sys.stderr)
    with kept_folder(options) as folder:
        real = _windows(crops, folder / "real", options.seed)
        parts = fold_of(real, options.folds)
        rows = [
            ["constant box", "-", *_figures(real, _constant(real), options)],
            ["chance", "-", *_figures(real, _chance(real, options.seed), options)],
        ]
        for name in options.detectors:
            first = Recipe(detector=name, side=SIDE, epochs=epochs[0], rate=FIRST[1], seed=options.seed)
            finer = replace(first, epochs=epochs[1], rate=FINER[1])
            base = folder / name
            train_folds(first, real, base, folds=options.folds, resume=True, progress=progress)
            for arm in options.arms or ARMS:
                for count in (0,) if arm == "none" else options.counts:
                    found: dict[str, BoxedImage] = {}
                    for fold in range(options.folds):
                        learned = [image for image, part in zip(real, parts, strict=True) if part != fold]
                        tested = [image for image, part in zip(real, parts, strict=True) if part == fold]
                        place = folder / f"{name}-{arm}-{count}-fold{fold}"
                        made = _synthetic(arm, count, crops, learned, base / f"fold{fold}", place, options.seed)
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
                        for image in read_detections(place / f"fold{fold}" / DETECTIONS, tested):
                            found[image.name] = image
                    figures = _figures(real, [found[image.name] for image in real], options)
                    rows.append([f"{name}, {arm}", str(count), *figures])
        progress.clear()
    patients = len({image.patient for image in real})
    notes = [
        f"data: {options.data.name if options.data else ''}, split {options.split}: {len(real)} windows of {patients} "
        f"patients, half without a nodule; tested on real nodules only, {options.folds} folds and 95 % intervals by "
        "patient, IoU 0.2",
        f"ResNet-18, {epochs[0]} epochs at {FIRST[1]:g}, then {epochs[1]} at {FINER[1]:g} with the synthetic windows; "
        "shift and flip in every arm; none: trained further without synthetic windows",
        f"random: diameters of {SIZES[0]:g} to {SIZES[1]:g} pixels; mined: diameters of nodules missed in training "
        "windows; pasted: nodules of other patients, pasted by their outlines (the place of CT-to-CXR here)",
        "the texture network had seen crops of these patients; constant box: the median nodule in the middle of each "
        "window; not measured: Syn&Select, which needs a classifier",
    ]
    return markdown("Synthetic nodules for a detector", ["detector, arm", "synthetic", *SHOWN], rows, notes)


def _crops(options: Options) -> list[Crop]:
    assert options.data is not None
    crops: list[Crop] = []
    entries = read_data_list(options.data, split=options.split, source="lidc")
    for entry in entries:
        crop = Crop.of(entry.patient, read_lidc_crop(entry.path))
        box = extent(crop.nodule)
        fits = box is not None and max(side.stop - side.start for side in box) <= WINDOW - 2 * MARGIN
        if fits and crop.hounsfield.shape == (SIDE, SIDE):
            crops.append(crop)
        if len(crops) == (4 if options.tiny else options.limit):
            break
    return crops


def _windows(crops: Sequence[Crop], folder: Path, seed: int) -> list[BoxedImage]:
    """A window with and one without its nodule of each crop, written once."""
    if not (folder / "metadata.csv").exists():
        images: list[BoxedImage] = []
        for crop in crops:
            rng = np.random.default_rng([seed, crc32(crop.patient.encode())])
            nodule = _box(crop.nodule)
            for name, starts in (("with", _starts(nodule, None)), ("without", _starts(None, nodule))):
                if len(starts):
                    boxes = [nodule] if name == "with" else []
                    images.append(_written(crop, crop.hounsfield, boxes, starts, rng, f"{crop.patient}_{name}", folder))
        write_node21(images, folder)
    return read_truth(folder)


def _synthetic(
    arm: str, count: int, crops: Sequence[Crop], learned: Sequence[BoxedImage], base: Path, place: Path, seed: int
) -> list[BoxedImage]:
    """Windows of the crops of patients that are trained with, each with one synthetic nodule."""
    if not count:
        return []
    folder = place.with_name(f"{place.name}-synthetic")
    if not (folder / "metadata.csv").exists():
        known = {image.patient for image in learned}
        sources = [crop for crop in crops if crop.patient in known]
        diameters = np.random.default_rng([seed, 1]).uniform(*SIZES, count)
        if arm == "mined":
            scores = scored(learned, read_detections(base / ON_TRAINING, learned), resampled=0)
            diameters = np.array([draw.diameter for draw in draw_missed(nodules_of(scores), count, seed=seed)])
        images: list[BoxedImage] = []
        for number in range(count):
            put: Callable[[Crop, np.random.Generator], tuple[np.ndarray, np.ndarray] | None]
            if arm == "pasted":
                other = sources[int(np.random.default_rng([seed, number]).integers(len(sources)))]
                put = lambda crop, rng, other=other: _pasted(crop, other, rng)  # noqa: E731
            else:
                put = lambda crop, rng, size=float(diameters[number]): _synthesized(crop, size, rng)  # noqa: E731
            images.append(_with_nodule(sources, number, seed, put, folder))
        write_node21(images, folder)
    return read_truth(folder)


def _with_nodule(
    sources: Sequence[Crop],
    number: int,
    seed: int,
    put: Callable[[Crop, np.random.Generator], tuple[np.ndarray, np.ndarray] | None],
    folder: Path,
) -> BoxedImage:
    """A window with a nodule that was put in, and without the crop's own."""
    for attempt in range(_TRIES):
        rng = np.random.default_rng([seed, number, attempt])
        crop = sources[(number + attempt) % len(sources)]
        made = put(crop, rng)
        if made is not None:
            box = _box(made[1])
            starts = _starts(box, _box(crop.nodule))
            if len(starts):
                return _written(crop, made[0], [box], starts, rng, f"synthetic{number:04d}", folder)
    raise InputError(f"No crop has room for synthetic nodule {number + 1}; give more patients.")


def _synthesized(crop: Crop, diameter: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray] | None:
    image = Image(np.rint(crop.hounsfield).clip(-1024, 3071).astype(np.int16), np.diag([1.0, 1.0, 1.0, 1.0]), "ct")
    try:
        made = synthesize_nodule(image, crop.lung, diameter, density="random", seed=int(rng.integers(2**32)))
    except InputError:  # no room in this lung
        return None
    return made.image.voxels.astype(np.float32), made.mask


def _pasted(crop: Crop, other: Crop, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray] | None:
    """The pixels of another crop's nodule, where they lie within the lung."""
    box = extent(other.nodule)
    assert box is not None
    shape, values = other.nodule[box], other.hounsfield[box]
    for row, column in rng.permutation(np.argwhere(crop.lung))[:200]:
        top, left = row - shape.shape[0] // 2, column - shape.shape[1] // 2
        if top < 0 or left < 0 or top + shape.shape[0] > SIDE or left + shape.shape[1] > SIDE:
            continue
        index = slice(top, top + shape.shape[0]), slice(left, left + shape.shape[1])
        if crop.lung[index][shape].all():
            made, mask = crop.hounsfield.copy(), np.zeros(crop.lung.shape, bool)
            made[index] = np.where(shape, values, made[index])
            mask[index] = shape
            return made, mask
    return None


def _box(mask: np.ndarray) -> Box:
    found = extent(mask)
    assert found is not None
    rows, columns = found
    return columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start


def _starts(inside: Box | None, outside: Box | None) -> np.ndarray:
    """First columns and rows (n, 2) of all windows that hold one box with a margin, and touch none of another."""
    places = np.indices((SIDE - WINDOW + 1,) * 2).reshape(2, -1).T
    kept = np.ones(len(places), bool)
    if inside is not None:
        low, high = np.array(inside[:2]), np.array(inside[:2]) + inside[2:]
        kept &= ((places + MARGIN <= low) & (places + WINDOW - MARGIN >= high)).all(axis=1)
    if outside is not None:
        low, high = np.array(outside[:2]), np.array(outside[:2]) + outside[2:]
        kept &= ((places + WINDOW <= low) | (places >= high)).any(axis=1)
    return places[kept]


def _written(
    crop: Crop,
    hounsfield: np.ndarray,
    boxes: Sequence[Box],
    starts: np.ndarray,
    rng: np.random.Generator,
    name: str,
    folder: Path,
) -> BoxedImage:
    """Draw one of the windows, turn it by quarters, and write it."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    left, top = (int(n) for n in starts[rng.integers(len(starts))])
    pixels, turns = hounsfield[top : top + WINDOW, left : left + WINDOW], int(rng.integers(4))
    turned = [(x - left, y - top, width, height) for x, y, width, height in boxes]
    for _ in range(turns):  # against the clock: a column becomes the row counted from below
        pixels = np.rot90(pixels)
        turned = [(y, WINDOW - x - width, height, width) for x, y, width, height in turned]
    voxels = np.ascontiguousarray(np.rint(pixels).clip(-1024, 3071).astype(np.int16))
    image = BoxedImage(f"{name}.mha", WINDOW, WINDOW, tuple(turned), patient=crop.patient)
    write_image(Image(voxels, np.diag([1.0, 1.0, 1.0, 1.0]), "ct"), folder / "images" / image.file, overwrite=True)
    return image


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
    box = ((WINDOW - width) / 2, (WINDOW - height) / 2, width, height)
    return [replace(image, boxes=(box,), scores=(1.0,)) for image in real]


def _chance(real: Sequence[BoxedImage], seed: int) -> list[BoxedImage]:
    """Eight median nodules anywhere in each, scored by chance."""
    rng, (width, height) = np.random.default_rng(seed), _median_sides(real)
    most = (WINDOW - width, WINDOW - height)
    return [
        replace(
            image,
            boxes=tuple((float(x), float(y), width, height) for x, y in rng.uniform(0, most, (8, 2))),
            scores=tuple(float(one) for one in rng.random(8)),
        )
        for image in real
    ]
