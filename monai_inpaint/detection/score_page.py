"""A score as tables, curves and pictures: CSV, JSON, Markdown and one HTML page."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from monai_inpaint.datasets.boxed_images import read_pixels
from monai_inpaint.datasets.finding_boxes import Box
from monai_inpaint.detection.average_precision import precision_recall
from monai_inpaint.detection.froc import RATES
from monai_inpaint.detection.image_roc import image_scores, roc
from monai_inpaint.detection.missed import Nodule, nodules_of
from monai_inpaint.detection.score import AUC, MEANINGS, RESAMPLED, DetectionScore, sensitivity_name
from monai_inpaint.evaluation.tables import csv_text, markdown_page
from monai_inpaint.reports import UNIT, Axis, Comparison, Curve, Picture, Table, comparison_page, grey_png, line_chart
from monai_inpaint.version import NOTICE

_SHOWN = 6  # pictures of a kind
_AROUND = 96  # pixels of a picture, or as many as hold four times the box


def write_score(scored: DetectionScore, facts: dict[str, str], folder: Path) -> None:
    """Write score.csv, score.json, froc.csv, nodules.csv, summary.md and index.html into a folder.

    Args:
        scored: see `score`.
        facts: of the data, for the page.
        folder: exists.
    """
    facts = {**facts, **_facts(scored)}
    measures = [
        (name, "" if math.isnan(value) else value, *scored.intervals[name]) for name, value in scored.figures.items()
    ]
    points = zip(scored.froc.rates, scored.froc.sensitivities, scored.froc.thresholds, strict=True)
    nodules = nodules_of(scored)
    texts = {
        "score.csv": csv_text([("measure", "value", "low", "high"), *measures]),
        "score.json": json.dumps(_content(scored, facts), indent=2, ensure_ascii=False) + "\n",
        "froc.csv": csv_text([("false_positives_per_image", "sensitivity", "threshold"), *points]),
        "nodules.csv": csv_text(_nodule_rows(nodules)),
        "summary.md": score_markdown(scored, facts),
        "index.html": comparison_page(
            "Score of a detector",
            _pictures(scored, nodules),
            facts=facts,
            tables=tables(scored),
            charts=_charts(scored),
        ),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def score_markdown(scored: DetectionScore, facts: dict[str, str]) -> str:
    """The facts and the tables."""
    return markdown_page("Score of a detector", {**facts, **_facts(scored)}, tables(scored), {})


def tables(scored: DetectionScore) -> list[Table]:
    """A table of the measures, one of the sensitivities, and one of which nodules are found."""
    rows = [[name, _figure(scored, name), meaning] for name, meaning in MEANINGS.items()]
    rates = [[f"{rate:g}", _figure(scored, sensitivity_name(rate)), _threshold(scored, rate)] for rate in RATES]
    sizes = _by_size(nodules_of(scored))
    return [
        Table("Measures, with the interval of 95 % of resamplings by patient", ["measure", "", "what"], rows),
        Table("Sensitivity", ["false positives per image", "sensitivity", "threshold"], rates),
        Table(
            "Nodules by diameter, found at 0.25 false positives per image", ["diameter", "nodules", "found", "%"], sizes
        ),
    ]


def _facts(scored: DetectionScore) -> dict[str, str]:
    ill = sum(bool(image.boxes) for image in scored.truth)
    return {
        "images": f"{len(scored.truth)} of {scored.patients} patients, {ill} with and "
        f"{len(scored.truth) - ill} without a nodule, {len(scored.matched.nodule_images)} nodules",
        "detections": str(len(scored.matched.scores)),
        "a hit": f"overlap (IoU) above {scored.iou:g}; a second detection of one nodule counts as nothing",
        "intervals": f"95 % of {RESAMPLED} resamplings of patients",
        "use": NOTICE,
    }


def _content(scored: DetectionScore, facts: dict[str, str]) -> dict[str, Any]:
    def number(value: float) -> float | None:
        return value if math.isfinite(value) else None

    return {
        "facts": facts,
        "iou": scored.iou,
        "threshold_at_0.25": number(scored.threshold),
        "measures": {
            name: {"value": number(value), "interval": [number(end) for end in scored.intervals[name]]}
            for name, value in scored.figures.items()
        },
    }


def _nodule_rows(nodules: Sequence[Nodule]) -> list[Sequence[object]]:
    heading = ("image", "x", "y", "width", "height", "diameter", "unit", "score", "found_at_0.25")
    return [
        heading,
        *((n.image.name, *n.box, n.diameter, n.unit, "" if n.score is None else n.score, n.found) for n in nodules),
    ]


def _figure(scored: DetectionScore, name: str) -> str:
    value, (low, high) = scored.figures[name], scored.intervals[name]
    if math.isnan(value):
        return "-"
    return f"{value:.4f} ({low:.4f} to {high:.4f})"


def _threshold(scored: DetectionScore, rate: float) -> str:
    threshold = scored.froc.thresholds[scored.froc.point_at(rate)]
    return f"{threshold:.4g}" if math.isfinite(threshold) else "-"


def _by_size(nodules: Sequence[Nodule]) -> list[list[str]]:
    """A row for each quarter of the nodules, by diameter."""
    ordered = sorted(nodules, key=lambda nodule: nodule.diameter)
    rows = []
    for part in np.array_split(np.arange(len(ordered)), min(4, len(ordered)) or 1):
        some = [ordered[int(n)] for n in part]
        if some:
            found = sum(nodule.found for nodule in some)
            size = f"{some[0].diameter:.1f} to {some[-1].diameter:.1f} {some[0].unit}"
            rows.append([size, str(len(some)), str(found), f"{100 * found / len(some):.0f}"])
    return rows


def _charts(scored: DetectionScore) -> list[str]:
    rates = scored.band_rates
    curve = np.array([scored.froc.sensitivity_at(rate) for rate in rates])
    sensitivity = Axis("sensitivity", UNIT)
    charts = []
    if len(scored.matched.nodule_images):
        band = None
        if len(scored.band):
            low, high = np.nanpercentile(scored.band, (2.5, 97.5), axis=0)
            band = (rates, low, high)
        doubling = Axis("false positives per image", (1 / 16, *RATES), doubling=True)
        charts.append(line_chart("FROC", doubling, sensitivity, [Curve("", rates, curve, band)]))
    ill = np.array([bool(image.boxes) for image in scored.truth])
    if not math.isnan(scored.figures[AUC]):
        points = roc(image_scores(scored.found), ill)
        chance = Curve("chance", np.array([0.0, 1.0]), np.array([0.0, 1.0]), dashed=True)
        images = Curve(f"{AUC} {scored.figures[AUC]:.3f}", *points)
        charts.append(line_chart("ROC of images", Axis("1 - specificity", UNIT), sensitivity, [images, chance]))
    if len(scored.matched.nodule_images):
        recall, precision = precision_recall(scored.hits)
        curves = [Curve("", np.append(0.0, recall), np.append(precision[:1], precision))]
        charts.append(line_chart("Precision at an overlap of 0.5", sensitivity, Axis("precision", UNIT), curves))
    return charts


def _pictures(scored: DetectionScore, nodules: Sequence[Nodule]) -> list[Comparison]:
    """The largest nodules that are missed, and the surest false positives; none where the images are not there."""
    missed = sorted((n for n in nodules if not n.found), key=lambda n: n.diameter, reverse=True)
    shown = []
    for nodule in missed[:_SHOWN]:
        score = "never" if nodule.score is None else f"at a score of {nodule.score:.3f}"
        title = f"Missed: {nodule.image.name}, {nodule.diameter:.1f} {nodule.unit}"
        note = f"found {score}; the threshold at 0.25 false positives per image is {scored.threshold:.3f}"
        shown.append((nodule.image_number, nodule.box, title, note))
    order = np.flatnonzero(scored.matched.false)[:_SHOWN]
    for place in order:
        number, sure = int(scored.matched.images[place]), float(scored.matched.scores[place])
        image = scored.found[number]
        box = next(box for box, score in zip(image.boxes, image.scores, strict=True) if score == sure)
        shown.append((number, box, f"False positive: {image.name}, score {sure:.3f}", "no nodule is marked there"))
    return [
        _comparison(scored, number, box, title, note)
        for number, box, title, note in shown
        if scored.truth[number].path is not None
    ]


def _comparison(scored: DetectionScore, number: int, box: Box, title: str, note: str) -> Comparison:
    true, made = scored.truth[number], scored.found[number]
    pixels = read_pixels(true)
    part = _around(box, pixels.shape)
    low, high = (float(end) for end in np.percentile(pixels[part], (0.5, 99.5)))
    seen = [box for box, score in zip(made.boxes, made.scores, strict=True) if score >= scored.threshold]
    if title.startswith("False"):
        seen = [*seen, box]
    columns = [
        [Picture(grey_png(pixels[part], low, max(high, low + 1)), true.name)],
        [Picture(_outlined(pixels, true.boxes, part, low, high), "nodules")],
        [Picture(_outlined(pixels, seen, part, low, high), "detections above the threshold")],
    ]
    return Comparison(title, columns, note)


def _around(box: Box, shape: tuple[int, ...]) -> tuple[slice, slice]:
    x, y, width, height = box
    side = max(_AROUND, round(4 * max(width, height)))
    starts = [
        min(max(round(middle - side / 2), 0), max(size - side, 0))
        for middle, size in ((y + height / 2, shape[0]), (x + width / 2, shape[1]))
    ]
    return slice(starts[0], starts[0] + side), slice(starts[1], starts[1] + side)


def _outlined(pixels: np.ndarray, boxes: Sequence[Box], part: tuple[slice, slice], low: float, high: float) -> bytes:
    frames = np.zeros(pixels.shape, bool)
    for x, y, width, height in boxes:
        left, top, right, below = max(round(x), 0), max(round(y), 0), round(x + width), round(y + height)
        frame = np.zeros(pixels.shape, bool)
        frame[top:below, left:right] = True
        frame[top + 1 : below - 1, left + 1 : right - 1] = False
        frames |= frame
    return grey_png(pixels[part], low, max(high, low + 1), cover=frames[part])
