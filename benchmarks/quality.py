"""Compare fills with the classical methods in every protocol, by `evaluate`."""

from __future__ import annotations

import csv
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.cases import COPIES
from benchmarks.published.measured import psnr_over
from benchmarks.setting import Options, markdown
from monai_inpaint.errors import InputError
from monai_inpaint.evaluation import Summary, evaluate
from monai_inpaint.evaluation.classical import METHODS
from monai_inpaint.evaluation.fill_methods import SAMPLE


@dataclass(frozen=True)
class Row:
    """One evaluation: what, by which protocol, with which bundle, on which rows of the list, at most how many a draw.

    Holes are drawn `draws` times, with the seeds that follow the first; with a limit each draw has images of its own.
    Rows of the list whose path starts with `without` are left out.
    """

    label: str
    protocol: str
    bundle: str
    source: str | None = None
    limit: int | None = None
    without: str | None = None
    draws: int = 3


ROWS = (
    Row("chest film, adults (NIH)", "cxr-centre", "cxr", "nih", draws=1),
    Row("chest film, children (Kermany)", "cxr-centre", "cxr", "kermany", draws=1),
    Row("chest film at full resolution (NIH)", "cxr-patch", "cxr", "nih"),
    Row("CT slices (TCGA)", "slice-square", "ct", "tcga", without=COPIES),
    Row("CT volumes (sarcoma)", "slice-square", "ct", "sarcoma"),
    Row("CT slices of chest and abdomen (TCIA)", "slice-square", "ct", "tcia_ct"),
    Row("MR T1 of whole brains (ds002748)", "slice-square", "mr", "ds002748"),
    Row("MR of heads with tumours (PGBM)", "slice-square", "mr", "pgbm"),
    Row("MR T1+Gd (figshare)", "slice-square", "mr", "figshare", limit=40),
    Row("MR of other contrasts (torchio)", "slice-square", "mr", "torchio_MIT"),
    Row("chest film (NIH)", "free-form", "cxr", "nih"),
    Row("CT slices (TCGA)", "free-form", "ct", "tcga", without=COPIES),
    Row("MR T1+Gd (figshare)", "free-form", "mr", "figshare", limit=40),
    Row("CT volumes (sarcoma)", "lesion", "ct", "sarcoma"),
    Row("MR volumes (sarcoma)", "lesion", "mr", "sarcoma"),
    Row("MR T1+Gd (figshare)", "lesion", "mr", "figshare", limit=40),
    Row("CT volumes (sarcoma)", "ellipsoid", "ct", "sarcoma"),
    Row("MR volumes (sarcoma)", "ellipsoid", "mr", "sarcoma"),
    Row("CT volumes of trunks (TCIA)", "ellipsoid", "ct", "tcia_ct"),
    Row("MR volumes of brains (ds002748)", "ellipsoid", "mr", "ds002748"),
    Row("MR volumes of heads (torchio)", "ellipsoid", "mr", "torchio_MIT"),
    Row("MR volumes of heads (Seg3D)", "ellipsoid", "mr", "seg3d_MIT"),
)


def run(options: Options) -> str:
    """The table, as Markdown."""
    rows: list[list[str]] = []
    missing: list[str] = []
    rules: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for number, row in enumerate(ROWS):
            output = Path(scratch) / f"{number:02}-{row.protocol}-{row.source or row.bundle}"
            try:
                summary = drawn(row, Path(scratch), output, options, [row.bundle, f"{row.bundle}{SAMPLE}"])
            except InputError as error:
                missing.append(f"not measured: {row.label}, {row.protocol}: {error}")
                continue
            rows += _lines(row, summary, options.seed)
            rules |= {"region": summary.facts["region"], "data range": summary.facts["data range"]}
            if options.output:
                options.output.mkdir(parents=True, exist_ok=True)
                shutil.copytree(output, options.output / output.name, dirs_exist_ok=True)
    notes = [
        f"data: {options.data.name if options.data else ''}, split {options.split}, seeds from {options.seed} on"
        + (f", at most {options.limit} images a row and draw" if options.limit else ""),
        "holes: three draws in each image, one in the centre of films; of figshare 40 images a draw",
        *(f"{name}: {text}" for name, text in rules.items()),
        f"classical: {', '.join(METHODS)}; the one with the highest mean PSNR is named, LPIPS and SSIM are the best "
        "of any. Estimate and sample: ours. Mean over images; gain of the estimate: mean over patients, and its 95 % "
        "interval (bootstrap over patients); sharpness: gradient energy in the hole, filled over true; told apart: "
        "share of the fills that a classifier of SqueezeNet features distinguishes from the truth, 50 % is chance",
        f"CT slices: without {COPIES}, which shows slices of train",
        *missing,
    ]
    heading = [
        "images, protocol", "images / patients", "best classical", "PSNR, classical", "estimate", "gain dB", "sample",
        "SSIM, classical", "estimate", "sample", "sharpness, classical", "estimate", "sample",
        "LPIPS, classical", "estimate", "sample", "told apart, estimate", "sample",
    ]  # fmt: skip
    return markdown("Quality", heading, rows, notes)


def listed(row: Row, options: Options, scratch: Path) -> Path:
    """The data list, or a copy of it without the rows to leave out, beside links to the folders of its images.

    Names stay as they are in the list: they seed the holes, so whole paths would give other holes on each machine.
    """
    assert options.data is not None
    if row.without is None:
        return options.data
    with options.data.open(newline="", encoding="utf-8-sig") as file:
        rows = [entry for entry in csv.DictReader(file) if not entry["path"].startswith(row.without)]
    place = scratch / "listed"
    place.mkdir(exist_ok=True)
    for name in {Path(entry["path"]).parts[0] for entry in rows}:
        if not (place / name).is_symlink():
            (place / name).symlink_to(options.data.resolve().parent / name)
    shortened = place / options.data.name
    with shortened.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else ["path"])
        writer.writeheader()
        writer.writerows(rows)
    return shortened


def drawn(row: Row, scratch: Path, output: Path, options: Options, ours: Sequence[str]) -> Summary:
    """All draws of a row as one summary, of the classical methods and `ours`; the first one's page lies in `output`."""
    data = listed(row, options, scratch)
    summaries = [
        evaluated(row, data, output if not draw else output.with_name(f"{output.name}-{draw + 1}"), options, ours, draw)
        for draw in range(1 if options.tiny else row.draws)
    ]
    results = [
        replace(result, case=f"{result.case}, draw {draw + 1}")
        for draw, summary in enumerate(summaries)
        for result in summary.results
    ]
    return replace(summaries[0], results=results)


def evaluated(row: Row, data: Path, output: Path, options: Options, ours: Sequence[str], draw: int = 0) -> Summary:
    """One draw of a row, by the classical methods and `ours`; its page lies in `output`."""
    limits = [limit for limit in (row.limit, options.limit) if limit]
    return evaluate(
        data,
        row.protocol,
        [*METHODS, *ours],
        output,
        split=options.split,
        source=row.source,
        modality=row.bundle,
        seed=options.seed + draw,
        limit=min(limits) if limits else None,
        features=options.features,
        overwrite=True,
    )


def _share(share: float) -> str:
    return "-" if np.isnan(share) else f"{100 * share:.0f} %"


def _lines(row: Row, summary: Summary, seed: int) -> Iterator[list[str]]:
    for variant in summary.variants:
        best = summary.best_classical(variant)
        if best is None:
            continue
        found = [result for result in summary.results if result.variant == variant]
        images, patients = len({result.case for result in found}), len({result.patient for result in found})

        def mean(method: str, measure: str, variant: str = variant) -> float:
            return summary.average(method, measure, variant).mean

        def figures(measure: str, classical: float, decimals: int) -> list[str]:
            ours = (mean(row.bundle, measure), mean(f"{row.bundle}{SAMPLE}", measure))
            return [f"{value:.{decimals}f}" for value in (classical, *ours)]

        which = f", {variant}" if len(summary.variants) > 1 else ""
        psnr, estimate, sample = figures("psnr", mean(best, "psnr"), 1)
        yield [
            f"{row.label}, {row.protocol}{which}", f"{images} / {patients}", best, psnr, estimate,
            psnr_over(summary, row.bundle, best, variant, seed), sample,
            *figures("ssim", max(mean(name, "ssim") for name in summary.classical), 3),
            *figures("sharpness", mean(best, "sharpness"), 2),
            *figures("lpips", min(mean(name, "lpips") for name in summary.classical), 3),
            *(_share(summary.told_apart(name, variant)) for name in (row.bundle, f"{row.bundle}{SAMPLE}")),
        ]  # fmt: skip
