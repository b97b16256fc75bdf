"""Does the abnormality map find what readers marked, and tell sick from healthy? Beside the raw difference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.resampled import RESAMPLED, resampled
from benchmarks.setting import Options, markdown
from monai_inpaint import Filler
from monai_inpaint.anomaly import Candidate, candidates
from monai_inpaint.anomaly.anomaly_map import SCORED, SIDE, score_of, slice_anomaly, small_slice
from monai_inpaint.anomaly.features import nearby
from monai_inpaint.anomaly.peaks import MOST
from monai_inpaint.anomaly.reference import load_reference
from monai_inpaint.anomaly.search_region import region_of
from monai_inpaint.anomaly.sliding_holes import mean_of, slide
from monai_inpaint.datasets import FindingBox, read_boxes
from monai_inpaint.evaluation.datalist import Entry, in_order, read_data_list
from monai_inpaint.io import read_image

HIT = 0.2  # intersection over union of a candidate and a reader's box, above which the box is found
FALSE_POSITIVES = 3.0  # an image, up to which the area under the FROC is taken
HEALTHY, SICK = "NORMAL_", "PNEUMONIA_"  # how the names of Kermany's films begin
MAPS = ("raw difference", "raw difference, smoothed", "abnormality map")

Corners = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True)
class Boxed:
    """What one map says of a film with boxes: whether its peak lies in one of them; its candidates, as their scores
    and the numbers of the boxes that each finds."""

    pointed: bool
    found: list[tuple[float, set[int]]]
    boxes: int


def run(options: Options) -> str:
    """The table."""
    assert options.data is not None
    entries = read_data_list(options.data, split=options.split, modality="cxr")
    boxes: dict[str, list[FindingBox]] = {}
    for box in read_boxes(options.boxes) if options.boxes else []:
        boxes.setdefault(box.image, []).append(box)
    filler = Filler("cxr")

    def chosen(wanted: Callable[[str], bool]) -> list[Entry]:
        fitting = [entry for entry in entries if wanted(entry.path.name)]
        return in_order(fitting, options.limit, options.seed)[: options.limit]

    films = [boxed_film(filler, entry, boxes[entry.path.name]) for entry in chosen(boxes.__contains__)]
    healthy, sick = (
        [[score_of(values, region) for values in maps] for maps, region in (maps_of(filler, entry) for entry in group)]
        for group in (chosen(lambda name: name.startswith(HEALTHY)), chosen(lambda name: name.startswith(SICK)))
    )
    rng = np.random.default_rng(options.seed)
    rows = []
    for number, name in enumerate(MAPS):
        some = [film[number] for film in films]
        scores = [[scores[number] for scores in group] for group in (healthy, sick)]
        rows.append(
            [
                name,
                f"{sum(film.pointed for film in some)} of {len(some)}",
                resampled(froc_area, [some], rng, ".2f"),
                resampled(auroc, scores, rng, ".2f"),
            ]
        )
    reference = load_reference(filler.bundle)
    notes = [
        f"data: {options.data.name}, split {options.split}; {len(films)} films with boxes of findings "
        f"({options.boxes.name if options.boxes else 'none given'}), {len(healthy)} films of children named {HEALTHY}, "
        f"{len(sick)} named {SICK}",
        f"the same holes and fills for all maps: best estimates of {filler.bundle.name} {filler.bundle.version}, whole "
        f"films at {SIDE} pixels; reference: {reference.films if reference else 0} films without findings",
        "raw difference: |source - filled|, the mean over the holes that cover a pixel; smoothed: with the Gaussian of "
        "the abnormality map",
        "pointing game: films in which the peak of the map lies in a box",
        f"FROC: of the films with boxes, candidates (at most {MOST} a film) by score; a box is found by intersection "
        f"over union above {HIT}; mean sensitivity over 0 to {FALSE_POSITIVES:g} false positives a film",
        f"AUROC: {SICK} against {HEALTHY}, by percentile {SCORED} of the map over the lungs",
        f"in brackets 95 % of {RESAMPLED} resamplings of the films",
    ]
    return markdown("Abnormality", ["map", "pointing game", "area under FROC", "AUROC"], rows, notes)


def maps_of(filler: Filler, entry: Entry) -> tuple[list[np.ndarray], np.ndarray]:
    """The maps of a film in the order of `MAPS`, and the region in which they tell something."""
    film = small_slice(read_image(entry.path))
    region = region_of(film, "cxr")
    slid = list(slide(filler, film, region))
    raw = mean_of(((place, np.abs(values)) for place, values in slid), film.shape)
    reference = load_reference(filler.bundle)
    return [raw, nearby(raw, region), slice_anomaly(mean_of(slid, film.shape), film, region, reference)], region


def boxed_film(filler: Filler, entry: Entry, boxes: Sequence[FindingBox]) -> list[Boxed]:
    """What each map says of a film with boxes."""
    maps, region = maps_of(filler, entry)
    scale = max(region.shape) / max(read_image(entry.path).voxels.shape)
    corners = [(box.x * scale, box.y * scale, (box.x + box.w) * scale, (box.y + box.h) * scale) for box in boxes]
    return [boxed_of(np.where(region, values, 0), corners) for values in maps]


def boxed_of(values: np.ndarray, boxes: Sequence[Corners]) -> Boxed:
    """What a map says, the boxes in its pixels."""
    row, column = np.unravel_index(values.argmax(), values.shape)
    inside = [left <= column + 0.5 < right and top <= row + 0.5 < bottom for left, top, right, bottom in boxes]
    found = [
        (candidate.score, {number for number, box in enumerate(boxes) if overlap(candidate, box) > HIT})
        for candidate in candidates(values)
    ]
    return Boxed(any(inside), found, len(boxes))


def overlap(candidate: Candidate, box: Corners) -> float:
    """Intersection over union."""
    return intersection_over_union(
        (candidate.x, candidate.y, candidate.x + candidate.w, candidate.y + candidate.h), box
    )


def intersection_over_union(first: Corners, second: Corners) -> float:
    """Of two boxes, 0 to 1."""
    wide = min(first[2], second[2]) - max(first[0], second[0])
    high = min(first[3], second[3]) - max(first[1], second[1])
    common = max(wide, 0.0) * max(high, 0.0)
    areas = [(right - left) * (bottom - top) for left, top, right, bottom in (first, second)]
    return common / (sum(areas) - common)


def froc_area(films: Sequence[Boxed]) -> float:
    """Mean sensitivity over false positives a film from 0 to `FALSE_POSITIVES`."""
    hits_first = sorted(
        ((score, film, hits) for film, boxed in enumerate(films) for score, hits in boxed.found),
        key=lambda candidate: -candidate[0],
    )
    boxes = sum(boxed.boxes for boxed in films)
    found: set[tuple[int, int]] = set()
    false, area = 0.0, 0.0
    for _, film, hits in hits_first:
        found |= {(film, hit) for hit in hits}
        if not hits:
            step = min(1 / len(films), FALSE_POSITIVES - false)
            area += step * len(found) / boxes
            false += step
    return (area + (FALSE_POSITIVES - false) * len(found) / boxes) / FALSE_POSITIVES


def auroc(healthy: Sequence[float], sick: Sequence[float]) -> float:
    """The share of pairs in which the sick film has the higher score, ties for half."""
    return float(np.mean((np.sign(np.subtract.outer(sick, healthy)) + 1) / 2))
