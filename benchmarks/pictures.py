"""Best, median and worst of every method in every protocol, by `evaluate`, as a page for the docs; and what is lost.

Without a data list: of images that may be shown to anyone.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks import quality, samples
from benchmarks.quality import Row
from benchmarks.setting import Options, markdown
from benchmarks.strips import Shown, shown, strip
from monai_inpaint.errors import InputError
from monai_inpaint.evaluation import Summary
from monai_inpaint.evaluation.fill_methods import SAMPLE
from monai_inpaint.version import NOTICE


def run(options: Options) -> str:
    """Write `index.md` with its strips into the folder `output`; with a data list each evaluation's page too.

    Raises:
        InputError: there is no output, or a package that carries a sample is missing.
    """
    output = options.output
    if output is None:
        raise InputError("the pictures need a folder; name it with --output DIR.")
    own = options.data is not None
    sections: list[str] = []
    losses: list[list[str]] = []
    missing: list[str] = []
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        if not own:
            options = replace(options, data=samples.write_samples(place / "samples"), split=None)
        for number, row in enumerate(quality.ROWS if own else samples.ROWS):
            name = f"{number:02}-{row.protocol}-{row.source or row.bundle}"
            try:
                ours = [row.bundle, f"{row.bundle}{SAMPLE}"]
                summary = quality.evaluated(row, quality.listed(row, options, place), place / name, options, ours)
            except InputError as error:
                missing.append(f"not shown: {row.label}, {row.protocol}: {error}")
                continue
            sections += _section(row, summary, place / name / "index.html", output, whole=own)
            losses += _losses(row, summary)
    table = _table(losses, missing, options, own)
    page = output / "index.md"
    page.write_text("\n".join([_head(own), table, *sections]), encoding="utf-8")
    return f"{table}\nPictures: {page}"


def _head(own: bool) -> str:
    command = "python -m benchmarks pictures" + (" --data DATA.csv" if own else "") + " --output DIR"
    return (
        f"# Pictures\n\n{NOTICE} Made by `{command}`. Of each method the best, the median and the worst case by PSNR "
        "in the hole, as `monai-inpaint evaluate` chooses them, cut to what lies around the hole. All pictures of a "
        "case have one window, the one it is measured in.\n"
    )


def _table(losses: list[list[str]], missing: list[str], options: Options, own: bool) -> str:
    notes = [
        (f"data: {options.data.name if options.data else ''}, split {options.split}, " if own else "")
        + f"seed {options.seed}"
        + (f", at most {options.limit} images a row, drawn with the seed" if options.limit else ""),
        "worse: cases in which the best estimate has a lower PSNR than the biharmonic fill, or than whichever of the "
        "classical fills comes closest to the truth of that case; and what it loses at most",
        *missing,
    ]
    heading = [
        "images, protocol", "cases", "worse than biharmonic", "by dB, at most",
        "worse than the closest classical fill", "by dB, at most",
    ]  # fmt: skip
    return markdown("What is lost", heading, losses, notes)


def _losses(row: Row, summary: Summary) -> Iterator[list[str]]:
    for variant in summary.variants:
        ours = {result.case: result.figures["psnr"] for result in summary.of(row.bundle, variant)}
        which = f", {variant}" if len(summary.variants) > 1 else ""
        cells = [f"{row.label}, {row.protocol}{which}", str(len(ours))]
        for rivals in (["biharmonic"], summary.classical):
            closest: dict[str, float] = {}
            for result in (found for rival in rivals for found in summary.of(rival, variant)):
                closest[result.case] = max(closest.get(result.case, 0.0), result.figures["psnr"])
            lost = [closest[case] - psnr for case, psnr in ours.items() if case in closest and closest[case] > psnr]
            cells += [str(len(lost)), f"{max(lost):.1f}" if lost else "-"]
        yield cells


def _section(row: Row, summary: Summary, page: Path, output: Path, whole: bool) -> Iterator[str]:
    """Lines on one evaluation, whose strip is written into `output`; and its whole page too, where that is wanted."""
    name = page.parent.name
    cases = [shown(case) for case in summary.shown]
    strip(cases).save(output / f"{name}.png", optimize=True)
    windows = {f"{result.case} - {result.variant}": (result.low, result.high) for result in summary.results}
    hidden = summary.facts["images and hole"]
    yield from (f"## {row.label}, {row.protocol}", "", f"{hidden[0].upper()}{hidden[1:]}.", "")
    if whole:
        shutil.copyfile(page, output / f"{name}.html")
        yield from (f"[All figures, differences and whole images]({name}.html)", "")
    methods = ", ".join(cases[0].pictures)
    yield from (f"![{len(cases)} cases; of each: {methods}]({name}.png)", "")
    yield from ("| | case | window | shown as |", "| ---: | --- | --- | --- |")
    yield from (_line(number, case, windows[case.title]) for number, case in enumerate(cases, start=1))
    yield ""


def _line(number: int, case: Shown, window: tuple[float, float]) -> str:
    title, note = (text.replace("|", "\\|") for text in (case.title, case.note))
    return f"| {number} | {title} | {window[0]:g} to {window[1]:g} | {note} |"
