"""A summary as CSV, Markdown and an HTML table."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence

from monai_inpaint.evaluation.case import GREY_RANGE
from monai_inpaint.evaluation.measure import MEASURES
from monai_inpaint.evaluation.summary import Average, Summary
from monai_inpaint.metrics.paired_difference import paired_difference
from monai_inpaint.reports import Table

CASE_COLUMNS = (
    "case", "patient", "modality", "variant", "method", "window_low", "window_high", "hole_pixels", "seconds"
)  # fmt: skip


def cases_csv(summary: Summary) -> str:
    """Return a row for each case and method; figures as they are, empty where the method failed."""
    measures = summary.measures
    rows: list[Sequence[object]] = [(*CASE_COLUMNS, *measures, "error")]
    for r in summary.results:
        fixed = (r.case, r.patient, r.modality, r.variant, r.method, r.low, r.high, r.hole_pixels, f"{r.seconds:.6f}")
        rows.append((*fixed, *(r.figures.get(name, "") for name in measures), r.error))
    return csv_text(rows)


def summary_csv(summary: Summary) -> str:
    """Return a row for each variant and method: number of images, then mean and standard deviation of each measure."""
    measures = [*summary.measures, "seconds"]
    heading = [f"{name}_{what}" for name in measures for what in ("mean", "sd")]
    rows: list[Sequence[object]] = [("variant", "method", "images", "failed", *heading, "told_apart")]
    for variant in summary.variants:
        for method in summary.methods:
            averages = [summary.average(method, name, variant) for name in measures]
            failed = sum(r.method == method and r.variant == variant for r in summary.failed)
            values = [value for one in averages for value in (one.mean, one.deviation)]
            rows.append((variant, method, averages[-1].images, failed, *values, summary.told_apart(method, variant)))
    return csv_text(rows)


def tables(summary: Summary) -> list[Table]:
    """Return a table for each variant: mean ± standard deviation of each measure, a row for each method."""
    return [_table(summary, variant) for variant in summary.variants]


def summary_markdown(summary: Summary) -> str:
    """Format facts, tables, and what was skipped or failed."""
    title = f"Evaluation: {summary.facts['protocol']}, seed {summary.facts['seed']}"
    failed = [(f"{r.method} on {r.case} ({r.variant})", r.error) for r in summary.failed]
    return markdown_page(title, summary.facts, summary.tables, {"Failed": failed, "Not measured": summary.skipped})


def markdown_page(
    title: str,
    facts: Mapping[str, str],
    shown: Iterable[Table],
    lists: Mapping[str, Sequence[tuple[str, str]]],
) -> str:
    """Facts, tables, and lists of names with a reason each, those that are not empty."""
    lines = [f"# {title}", "", *(f"- {name}: {value}" for name, value in facts.items())]
    for table in shown:
        rule = ["---", *["---:"] * (len(table.heading) - 1)]
        lines += ["", f"## {table.caption}", "", *map(_row, (table.heading, rule, *table.rows))]
    for heading, items in lists.items():
        if items:
            lines += ["", f"## {heading} ({len(items)})", "", *_grouped(items)]
    return "\n".join(lines) + "\n"


def skipped_csv(summary: Summary) -> str:
    """Return a row for each image (or slice of one) that was not measured, and why."""
    return csv_text([("path", "reason"), *summary.skipped])


def _grouped(items: Sequence[tuple[str, str]]) -> list[str]:
    """A line for each reason with the first names it is true of."""
    names: dict[str, list[str]] = {}
    for name, reason in items:
        names.setdefault(reason, []).append(name)
    return [
        f"- {reason.rstrip('.')}: {', '.join(found[:3])}" + (f" and {len(found) - 3} more" if len(found) > 3 else "")
        for reason, found in names.items()
    ]


def _table(summary: Summary, variant: str) -> Table:
    best = summary.best_classical(variant)
    # Where every window is 0 to 255 the error in own units is the same figure again.
    same = all(r.high - r.low == GREY_RANGE for r in summary.results)
    measures = [name for name in summary.measures if not (same and name == "mae_units")]
    headings = [MEASURES[name][0] for name in measures]
    over = f"PSNR dB over {best}" if best else ""
    shares = {name: summary.told_apart(name, variant) for name in summary.methods}
    classified = any(math.isfinite(share) for share in shares.values())
    heading = ["method", "images", *headings, *(["told apart %"] if classified else [])]
    heading += [*([over, "mean by patient, 95 %", "p"] if best else []), "ms an image"]
    rows = []
    for method in summary.methods:
        averages = [(summary.average(method, name, variant), MEASURES[name][1]) for name in measures]
        cells = [_plus_minus(average, decimals) for average, decimals in averages]
        if classified:
            cells.append(f"{100 * shares[method]:.0f}" if math.isfinite(shares[method]) else "-")
        if best:
            gain = summary.gain(method, best, variant)
            cells.append("" if method == best or not gain.count else f"{gain.mean:+.2f} ± {gain.deviation:.2f}")
            cells += _paired(summary.gains_by_patient(method, best, variant)) if cells[-1] else ["", ""]
        seconds = summary.average(method, "seconds", variant)
        cells.append(f"{1000 * seconds.mean:.1f}" if seconds.count else "-")
        rows.append([summary.label(method), str(seconds.images), *cells])
    images = len({r.case for r in summary.results if r.variant == variant})
    patients = len({r.patient for r in summary.results if r.variant == variant})
    return Table(f"{variant} ({images} images of {patients} patients)", heading, rows)


def _plus_minus(average: Average, decimals: int) -> str:
    if not average.count:
        return "-"
    left_out = "" if average.count == average.images else f" (of {average.count})"
    return f"{average.mean:.{decimals}f} ± {average.deviation:.{decimals}f}{left_out}"


def _paired(gains: Sequence[float]) -> list[str]:
    """Mean with its interval, and the p-value of the paired test."""
    found = paired_difference(gains)
    interval = f" ({found.low:+.2f} to {found.high:+.2f})" if math.isfinite(found.low) else ""
    p = "-" if math.isnan(found.p) else "< 0.001" if found.p < 0.001 else f"{found.p:.3f}"
    return [f"{found.mean:+.2f}{interval}", p]


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV; cells that are NaN are empty."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    for row in rows:
        writer.writerow(["" if isinstance(cell, float) and math.isnan(cell) else cell for cell in row])
    return stream.getvalue()
