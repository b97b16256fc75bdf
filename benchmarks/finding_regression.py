"""Place and size of a finding by regression on the abnormality map of its film, each film left out in turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.abnormality import HIT, MAPS, Corners, intersection_over_union, maps_of
from benchmarks.resampled import RESAMPLED, resampled
from benchmarks.setting import Options, markdown
from monai_inpaint import Filler
from monai_inpaint.datasets import FindingBox, read_boxes
from monai_inpaint.errors import InputError
from monai_inpaint.evaluation.datalist import Entry, in_order, read_data_list
from monai_inpaint.io import read_image

RIDGE = 1.0  # weight of the squared coefficients, of features and targets with unit variance

Predictor = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class FilmWithFinding:
    """A film's maps in numbers, and its largest box.

    Attributes:
        features: (maps, 6), see `moments`, for each of `MAPS`.
        box: centre x, centre y, log width, log height; the film's longer side is 1.
    """

    features: np.ndarray
    box: np.ndarray


def run(options: Options) -> str:
    """The table."""
    assert options.data is not None
    if options.boxes is None:
        raise InputError("--boxes BOXES.csv must name the boxes of findings.")
    boxes: dict[str, list[FindingBox]] = {}
    for box in read_boxes(options.boxes):
        boxes.setdefault(box.image, []).append(box)
    entries = [e for e in read_data_list(options.data, split=options.split, modality="cxr") if e.path.name in boxes]
    if len(entries) < 3:
        raise InputError(f"{options.data}: at least 3 films with boxes are needed, there are {len(entries)}.")
    filler = Filler("cxr")
    films = [
        film_with_finding(filler, entry, boxes[entry.path.name])
        for entry in in_order(entries, options.limit, options.seed)[: options.limit]
    ]
    rng = np.random.default_rng(options.seed)
    rows = []
    for name, number, predictor in (
        ("mean box of the other films", 0, mean_box),
        (f"highest place of the {MAPS[2]}, mean size", 2, peak_box),
        (f"ridge regression on the {MAPS[1]}", 1, ridge_box),
        (f"ridge regression on the {MAPS[2]}", 2, ridge_box),
    ):
        found = left_out(predictor, np.stack([film.features[number] for film in films]), boxes_of(films))
        errors = [(100 * centre_error(*pair), shared(*pair)) for pair in zip(found, boxes_of(films), strict=True)]
        centres, overlaps = ([pair[k] for pair in errors] for k in (0, 1))
        hits = sum(value > HIT for value in overlaps)
        rows.append(
            [
                name,
                resampled(_mean, [centres], rng, ".1f"),
                resampled(_mean, [overlaps], rng, ".2f"),
                f"{hits} of {len(films)}",
            ]
        )
    notes = [
        f"data: {options.data.name}, split {options.split}; {len(films)} films with boxes of findings "
        f"({options.boxes.name}), of each the largest box",
        f"maps: as in the table of `abnormality`, by {filler.bundle.name} {filler.bundle.version}",
        "each film is predicted from the others; ridge regression of the box's centre and of the logarithms of its "
        "sides on the map's mean place, its spread along both axes and its highest place, all of unit variance, "
        f"weight {RIDGE:g}",
        f"centre error in % of the film's longer side; overlap: intersection over union, found above {HIT}",
        f"in brackets 95 % of {RESAMPLED} resamplings of the films",
    ]
    return markdown("Place and size of findings", ["prediction", "centre error, %", "overlap", "found"], rows, notes)


def film_with_finding(filler: Filler, entry: Entry, boxes: list[FindingBox]) -> FilmWithFinding:
    """Read a film, compute its maps, and take the largest of its boxes."""
    maps, region = maps_of(filler, entry)
    side = max(read_image(entry.path).voxels.shape)
    box = max(boxes, key=lambda one: one.w * one.h)
    centre = (box.x + box.w / 2) / side, (box.y + box.h / 2) / side
    return FilmWithFinding(
        np.stack([moments(np.where(region, values, 0)) for values in maps]),
        np.array([*centre, np.log(box.w / side), np.log(box.h / side)]),
    )


def boxes_of(films: list[FilmWithFinding]) -> np.ndarray:
    """The boxes of films, (films, 4)."""
    return np.stack([film.box for film in films])


def moments(values: np.ndarray) -> np.ndarray:
    """Mean x and y of a map's values above 0, their spread in x and y, and x and y of the highest; longer side 1."""
    weights = np.clip(values, 0, None).astype(np.float64)
    weights /= max(weights.sum(), np.finfo(float).tiny)
    rows, columns = (np.indices(values.shape) + 0.5) / max(values.shape)
    mean = [float((weights * axis).sum()) for axis in (columns, rows)]
    spread = [float(np.sqrt((weights * (axis - m) ** 2).sum())) for axis, m in zip((columns, rows), mean, strict=True)]
    row, column = np.unravel_index(values.argmax(), values.shape)
    return np.array([*mean, *spread, columns[row, column], rows[row, column]])


def left_out(predictor: Predictor, features: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Predict each film's box from all other films."""
    films = np.arange(len(boxes))
    return np.stack([predictor(features[films != k], boxes[films != k], features[k]) for k in films])


def mean_box(features: np.ndarray, boxes: np.ndarray, film: np.ndarray) -> np.ndarray:  # noqa: ARG001
    """The mean box, whatever the film shows."""
    return boxes.mean(axis=0)


def peak_box(features: np.ndarray, boxes: np.ndarray, film: np.ndarray) -> np.ndarray:  # noqa: ARG001
    """A box of mean size around the highest place of the map."""
    return np.concatenate((film[4:6], boxes[:, 2:].mean(axis=0)))


def ridge_box(features: np.ndarray, boxes: np.ndarray, film: np.ndarray) -> np.ndarray:
    """Ridge regression (Hoerl and Kennard 1970) on features of unit variance."""
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-9
    x, middle = (features - mean) / scale, boxes.mean(axis=0)
    weights = np.linalg.solve(x.T @ x + RIDGE * np.eye(x.shape[1]), x.T @ (boxes - middle))
    return middle + (film - mean) / scale @ weights


def centre_error(found: np.ndarray, box: np.ndarray) -> float:
    """Distance of the centres."""
    return float(np.hypot(*(found[:2] - box[:2])))


def shared(found: np.ndarray, box: np.ndarray) -> float:
    """Intersection over union of two boxes."""
    return intersection_over_union(_corners(found), _corners(box))


def _corners(box: np.ndarray) -> Corners:
    (x, y), (wide, high) = box[:2], np.exp(box[2:])
    return float(x - wide / 2), float(y - high / 2), float(x + wide / 2), float(y + high / 2)


def _mean(values: list[float]) -> float:
    return float(np.mean(values))
