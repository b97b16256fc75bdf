"""Results of a reader study: tables, a page with curves and pictures, CSV and JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.evaluation.reader_study import boxes_name, picture_name
from monai_inpaint.evaluation.study_files import AUTOMATIC, PICTURES, READERS, RESULTS, read_answers, read_key
from monai_inpaint.evaluation.study_pictures import levels_of
from monai_inpaint.evaluation.study_scores import MACHINE, Accuracy, StudyScores, score_answers
from monai_inpaint.evaluation.tables import csv_text, markdown_page
from monai_inpaint.imaging.bounding_box import around
from monai_inpaint.io import check_output
from monai_inpaint.io.atomic import staged
from monai_inpaint.reports import Comparison, Table, compare, comparison_page
from monai_inpaint.reports.line_chart import UNIT, Axis, Curve, line_chart
from monai_inpaint.version import NOTICE

SHOWN = 6  # pairs on the page
MARGIN = 48  # pixels shown around a hole
TITLE = "Reader study: share of the fills that were told apart from the real image"
PAPER = ["one expert (Belli et al. 2018)", "context encoder", "not stated", "59.45", "", "", ""]
HOW = {
    "task": "two-alternative forced choice: of a real and a filled image, readers chose the filled one; 50 % is chance",
    "intervals": "95 %; Wilson's, which takes answers as independent; and by 20,000 resamplings of the patients and, "
    "for all readers, of the readers",
    "repeated pairs": "a tenth of the pairs was shown twice, with the sides exchanged: they count once for accuracy; "
    "consistency is the share answered alike",
}
MACHINE_READS = (
    "paired logistic regression on SqueezeNet features of the hole, trained on the pairs of other patients in this "
    "study, with their truth; people were not shown any truth"
)


def score_study(files: Sequence[Path], folder: Path, *, overwrite: bool = False) -> str:
    """Score answers, and write `results/` into the folder of the study: index.html, three CSV files, summary.json.

    Args:
        files: of answers, one a reader; the automatic reader's is taken from the study.
        folder: of the study.
        overwrite: earlier results may be replaced.

    Returns:
        The tables as Markdown.

    Raises:
        InputError: a file is missing, damaged, of another study, or of the same reader as another one.
    """
    key = read_key(folder)
    results = folder / RESULTS
    check_output(results, overwrite=overwrite, sources=files)
    machine = folder / AUTOMATIC
    taken = [path for path in files if path.resolve() != machine.resolve()]
    readers = [read_answers(path, key) for path in [*taken, *([machine] if machine.exists() else [])]]
    names = [reader.reader for reader in readers]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise InputError(f"Two files contain the answers of reader {twice}; give one file a reader.")
    scores = score_answers(key, readers)
    facts = {**key["facts"], **HOW, **({"automatic reader": MACHINE_READS} if MACHINE in names else {})}
    tables = _tables(scores)
    page = comparison_page(
        TITLE, _surest(key, scores, folder), facts=facts, tables=tables, charts=_charts(scores, key["methods"])
    )
    with staged(results, folder=True, overwrite=overwrite) as place:
        (place / "index.html").write_text(page, encoding="utf-8")
        (place / "accuracy.csv").write_text(_accuracy_csv(scores), encoding="utf-8")
        (place / "answers.csv").write_text(_answers_csv(scores), encoding="utf-8")
        (place / "agreement.csv").write_text(_agreement_csv(scores), encoding="utf-8")
        (place / "summary.json").write_text(_summary_json(scores, facts), encoding="utf-8")
    return markdown_page(TITLE, facts, tables, {})


def _tables(scores: StudyScores) -> list[Table]:
    heading = ["reader", "method", "pairs", "told apart %", "Wilson", "resampled", "median s"]
    variants = list(dict.fromkeys(one.variant for one in scores.accuracies))
    tables = []
    for variant in variants:
        rows = [_row(one) for one in scores.accuracies if one.variant == variant]
        caption = "Accuracy" if len(variants) == 1 else f"Accuracy, {variant}"
        tables.append(Table(caption, heading, [*rows, *([PAPER] if variant == variants[0] else [])]))
    consistency = [[name, str(pairs), _percent(same, pairs)] for name, (same, pairs) in scores.consistency.items()]
    tables.append(Table("Consistency", ["reader", "pairs answered twice", "alike %"], consistency))
    if scores.kappas:
        rows = [[f"{a}, {b}", str(pairs), _number(kappa, 2)] for (a, b), (kappa, pairs) in scores.kappas.items()]
        tables.append(Table("Agreement of readers", ["readers", "pairs", "Cohen's kappa"], rows))
    return tables


def _row(one: Accuracy) -> list[str]:
    intervals = [f"{100 * low:.1f} to {100 * high:.1f}" for low, high in (one.wilson, one.resampled)]
    seconds = "" if one.seconds is None else f"{one.seconds:.1f}"
    return [one.reader, one.method, str(one.pairs), f"{100 * one.share:.1f}", *intervals, seconds]


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}" if whole else "-"


def _number(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}" if math.isfinite(value) else "-"


def _charts(scores: StudyScores, methods: Sequence[str]) -> list[str]:
    """Share of right answers by people, or of the machine alone, after so many of a method's pairs."""
    people = any(answer.reader != MACHINE for answer in scores.answers)
    answers = [a for a in scores.answers if not a.repeat and (a.reader != MACHINE) == people]
    lines = []
    for method in methods:
        own = sorted((answer for answer in answers if answer.method == method), key=lambda answer: answer.trial)
        if own:
            count = np.arange(1, len(own) + 1)
            lines.append(Curve(method, count, np.cumsum([answer.right for answer in own]) / count))
    most = max(line.x[-1] for line in lines)
    lines.append(Curve("chance", np.array([0, most]), np.array([0.5, 0.5]), dashed=True))
    across = Axis("answers so far, of all people" if people else "answers so far", (0, most // 2, most))
    return [line_chart("Told apart so far, by method", across, Axis("share", UNIT), lines)]


def _surest(key: dict[str, Any], scores: StudyScores, folder: Path) -> list[Comparison]:
    """The pairs that most readers answered correctly; ties by time of answer, then by number."""
    given: dict[int, list[Any]] = {}
    for answer in scores.answers:
        if not answer.repeat:
            given.setdefault(answer.pair, []).append(answer)

    def rank(number: int) -> tuple[float, float, int]:
        answers = given[number]
        times = [answer.ms for answer in answers if answer.ms is not None]
        return -sum(answer.right for answer in answers) / len(answers), float(np.median(times)) if times else 0, number

    right = [number for number in sorted(given, key=rank) if any(answer.right for answer in given[number])]
    return [_comparison(key["pairs"][number], given[number], folder) for number in right[:SHOWN]]


def _comparison(pair: dict[str, Any], answers: Sequence[Any], folder: Path) -> Comparison:
    real, filled = _pictures(pair, folder)
    left, top, right, bottom = pair["box"]
    hole = np.zeros(real.shape, bool)
    hole[top:bottom, left:right] = True
    part = around(hole, MARGIN)
    step = (pair["high"] - pair["low"]) / (2 ** pair["bits"] - 1)
    real, filled = (pair["low"] + step * values[part].astype(np.float64) for values in (real, filled))
    count = sum(answer.right for answer in answers)
    return compare(
        f"{pair['case']}: {pair['method']}, {pair['variant']}",
        real,
        hole[part],
        {pair["method"]: filled},
        low=pair["low"],
        high=pair["high"],
        truth=real,
        note=f"told apart by {count} of {len(answers)} readers; the box around the hole is outlined",
    )


def _pictures(pair: dict[str, Any], folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """The real and the filled picture as levels."""
    names = [folder / READERS / PICTURES / name(pair["number"]) for name in (picture_name, boxes_name)]
    missing = next((path for path in names if not path.is_file()), None)
    if missing:
        raise InputError(f"{missing} is missing; put the pictures of the study back.")
    shared, boxes = (levels_of(path.read_bytes(), pair["bits"]) for path in names)
    left, top, right, bottom = pair["box"]
    pictures = []
    for box in np.split(boxes, 2):
        pictures.append(shared.copy())
        pictures[-1][top:bottom, left:right] = box
    upper, lower = pictures
    return (upper, lower) if pair["upper"] == "real" else (lower, upper)


def _accuracy_csv(scores: StudyScores) -> str:
    heading = ("reader", "method", "variant", "right", "pairs", "share", "wilson_low", "wilson_high")
    rows = [
        (a.reader, a.method, a.variant, a.right, a.pairs, a.share, *a.wilson, *a.resampled, a.seconds or "")
        for a in scores.accuracies
    ]
    return csv_text([(*heading, "resampled_low", "resampled_high", "median_seconds"), *rows])


def _answers_csv(scores: StudyScores) -> str:
    heading = ("reader", "trial", "pair", "repeat", "method", "variant", "case", "patient", "side", "right", "ms")
    rows = [
        (a.reader, a.trial + 1, a.pair, int(a.repeat), a.method, a.variant, a.case, a.patient, a.side, int(a.right),
         "" if a.ms is None else a.ms)
        for a in scores.answers
    ]  # fmt: skip
    return csv_text([heading, *rows])


def _agreement_csv(scores: StudyScores) -> str:
    kappas = [("kappa", f"{a}, {b}", pairs, kappa) for (a, b), (kappa, pairs) in scores.kappas.items()]
    alike = [("consistency", name, n, same / n if n else "") for name, (same, n) in scores.consistency.items()]
    return csv_text([("measure", "readers", "pairs", "value"), *alike, *kappas])


def _summary_json(scores: StudyScores, facts: dict[str, str]) -> str:
    def finite(value: float | None) -> float | None:
        return value if value is not None and math.isfinite(value) else None

    content = {
        "notice": NOTICE,
        "facts": facts,
        "accuracy": [
            {
                "reader": a.reader,
                "method": a.method,
                "variant": a.variant,
                "right": a.right,
                "pairs": a.pairs,
                "share": a.share,
                "wilson_95": a.wilson,
                "resampled_95": a.resampled,
                "median_seconds": a.seconds,
            }
            for a in scores.accuracies
        ],
        "consistency": {name: {"alike": same, "pairs": pairs} for name, (same, pairs) in scores.consistency.items()},
        "kappa": [
            {"readers": pair, "kappa": finite(kappa), "pairs": count} for pair, (kappa, count) in scores.kappas.items()
        ],
        "published": {"accuracy": 0.5945, "source": "Belli et al. 2018, section 4.3: one expert, context encoder"},
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
