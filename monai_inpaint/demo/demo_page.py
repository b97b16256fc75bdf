"""The demo's page: source with hole, fill, truth and difference of every case."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from monai_inpaint.demo.demo_case import Demonstration
from monai_inpaint.imaging.display import displayed
from monai_inpaint.reports import Comparison, Picture, Table, comparison_page, difference_png, grey_png

_LIMIT = 0.25  # of the window, where the colours of differences end
_LARGEST = 400  # pixels of a whole slice; larger ones are shown at half the size
_AROUND = 24  # pixels shown around the hole in the close-up
_UNITS = {"ct": "HU", "cxr": "", "mr": ""}
_PLANES = ("sagittal", "coronal", "axial")
_INTRO = (
    "Fills of the bundles that come with monai-inpaint, made by `monai-inpaint fill` on files. The chest film is the "
    "computed projection of an analytic thorax: no patient was filmed. The network sees nothing of what lies in a "
    "hole; the truth is known because the hole was put there, or because what it removes was painted in. None of the "
    "pictures says how well anatomy of real patients is filled: see the evaluation for that."
)


def demo_page(outcomes: Sequence[Demonstration]) -> str:
    """Return the page as HTML text, pictures embedded."""
    first = outcomes[0].report
    facts = {
        "versions": ", ".join(f"{name} {version}" for name, version in first["versions"].items()),
        "engine": " ".join(first["engine"].values()),
        "bundles": ", ".join(
            sorted({f"{o.report['bundle']['name']} {o.report['bundle']['version']}" for o in outcomes})
        ),
        "files": "source, hole, filled image and report of each case lie in its folder beside this page",
    }
    cases = [comparison for outcome in outcomes for comparison in _comparisons(outcome)]
    return comparison_page("monai-inpaint: demo", cases, facts=facts, tables=[_table(outcomes)], intro=_INTRO)


def _table(outcomes: Sequence[Demonstration]) -> Table:
    rows = []
    for outcome in outcomes:
        report, unit = outcome.report, _UNITS[outcome.sample.bundle]
        low, high = outcome.sample.window
        same = report["untouched"]["before"] == report["untouched"]["after"]
        rows.append([
            f"{outcome.sample.name}/filled{outcome.sample.suffix}",
            f"{report['hole']['voxels']:,}",
            str(report["windows"]["count"]),
            f"{report['seconds']['fill']:.2f}",
            f"{outcome.error:.1f} {unit} of {high - low:g}",
            "yes" if same else "NO",
        ])  # fmt: skip
    heading = [
        "file", "hole, voxels", "windows", "fill, s", "mean |fill - truth| in the hole, of window",
        "all else bit for bit the same",
    ]  # fmt: skip
    return Table("Cases", heading, rows)


def _comparisons(outcome: Demonstration) -> Iterator[Comparison]:
    sample = outcome.sample
    source = sample.source.units()
    truth = replace(sample.source, voxels=sample.truth).units()
    values = np.stack([source, truth, outcome.filled.units(), sample.hole], axis=-1)
    if values.ndim == 3:
        yield _comparison(outcome, displayed(values, sample.source.affine), "")
        return
    for axis in (2, 1, 0):
        shown, name = _plane(values, sample.source.affine, sample.hole, axis)
        yield _comparison(outcome, shown, f", {name}")


def _plane(values: np.ndarray, affine: np.ndarray | None, hole: np.ndarray, axis: int) -> tuple[np.ndarray, str]:
    """The slice across `axis` that holds most of the hole, as displayed, and the name of its plane."""
    others = [a for a in range(3) if a != axis]
    index = int(np.argmax(hole.sum(axis=tuple(others))))
    turned = np.eye(4) if affine is None else affine[:, [*others, axis, 3]]
    name = _PLANES[int(np.argmax(np.abs(turned[:3, 2])))]
    return displayed(np.take(values, index, axis), turned), name


def _comparison(outcome: Demonstration, shown: np.ndarray, plane: str) -> Comparison:
    """Columns of two pictures: the whole slice, and what lies around the hole."""
    close = _close_up(shown)
    rows = [_columns(outcome, _fitting(shown)), _columns(outcome, close)]
    columns = [list(pictures) for pictures in zip(*rows, strict=True)]
    return Comparison(outcome.sample.title + plane, columns, outcome.sample.note)


def _columns(outcome: Demonstration, shown: np.ndarray) -> list[Picture]:
    sample, (low, high) = outcome.sample, outcome.sample.window
    source, truth, fill = (np.ascontiguousarray(shown[..., n]) for n in range(3))
    hole = shown[..., 3] > 0.5
    limit, unit = _LIMIT * (high - low), _UNITS[sample.bundle]

    def change(reference: np.ndarray, name: str) -> Picture:
        picture = difference_png(np.where(hole, fill - reference, 0), limit, outline=hole)
        return Picture(picture, f"fill - {name}", (limit, unit))

    first = {"outline": hole} if sample.painted else {"cover": hole}
    pictures = [
        Picture(grey_png(source, low, high, **first), "source, hole " + ("outlined" if sample.painted else "covered")),
        Picture(grey_png(fill, low, high), "fill"),
        Picture(grey_png(truth, low, high, outline=hole), "truth, hole outlined"),
        change(truth, "truth"),
    ]
    return [*pictures, change(source, "source")] if sample.painted else pictures


def _close_up(shown: np.ndarray) -> np.ndarray:
    """A square around the hole, as far as the slice reaches."""
    rows, columns = np.nonzero(shown[..., 3] > 0.5)
    side = max(np.ptp(rows), np.ptp(columns)) + 1 + 2 * _AROUND
    starts = [
        max(min((int(at.min()) + int(at.max()) - side) // 2, length - side), 0)
        for at, length in zip((rows, columns), shown.shape, strict=False)
    ]
    return shown[starts[0] : starts[0] + side, starts[1] : starts[1] + side]


def _fitting(shown: np.ndarray) -> np.ndarray:
    if max(shown.shape[:2]) <= _LARGEST:
        return shown
    rows, columns = shown.shape[0] // 2, shown.shape[1] // 2
    return shown[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2, -1).mean(axis=(1, 3))
