"""Corrections of metal artifacts compared on simulated pairs: the protocol `metal` of `monai-inpaint evaluate`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from zlib import crc32

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.evaluation.datalist import Entry, in_order, read_data_list
from monai_inpaint.evaluation.image_region import ImageRegion, slices_of
from monai_inpaint.imaging.axial import axial_slices
from monai_inpaint.imaging.image import Image
from monai_inpaint.io import check_output, read_image
from monai_inpaint.io.atomic import staged
from monai_inpaint.machine import processor, versions
from monai_inpaint.metal.detect_ct import Found
from monai_inpaint.metal.methods import METHODS
from monai_inpaint.metal.reduce import reduce_metal
from monai_inpaint.metrics.metal_artifact import MEASURES, MetalCase, measure
from monai_inpaint.reports import Comparison, Picture, Table, comparison_page, difference_png, grey_png
from monai_inpaint.synthesis.metal.implants import KINDS
from monai_inpaint.synthesis.metal.simulate import simulate_metal

NAME = "metal"
SCANNED = "none"  # the method that leaves the image as it is
_WINDOW = (-500.0, 500.0)  # HU of the pictures
_COLOURS = 300.0  # HU at which the colours of differences end


@dataclass(frozen=True)
class MetalResult:
    """One method on one case; `figures` as `measure` gives them."""

    case: str
    patient: str
    implant: str
    method: str
    seconds: float
    figures: dict[str, float]


@dataclass(frozen=True)
class MetalSummary:
    """An evaluation.

    Attributes:
        facts: what must be said with the figures.
        outcomes: one for each case and method, in order.
        methods: names, in order.
        skipped: images, slices or implants that did not fit: name and reason.
    """

    facts: dict[str, str]
    outcomes: list[MetalResult]
    methods: list[str]
    skipped: list[tuple[str, str]] = field(default_factory=list)

    @property
    def measures(self) -> list[str]:
        """All that were taken, in order."""
        return list(self.outcomes[0].figures)

    def mean(self, method: str, name: str, implant: str | None = None) -> float:
        """Of a measure over the cases where it could be taken; of one implant or all."""
        chosen = [o for o in self.outcomes if o.method == method and implant in (None, o.implant)]
        values = np.array([o.seconds if name == "seconds" else o.figures[name] for o in chosen])
        return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


def evaluate_metal(
    data: str | Path,
    methods: Sequence[str],
    output: str | Path,
    *,
    split: str | None = None,
    source: str | None = None,
    seed: int = 0,
    limit: int | None = None,
    engine: str = "auto",
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> MetalSummary:
    """Simulate an implant of each kind in the CT slices of a data list, correct by each method, and measure.

    The metal is told to all methods, so that corrections are compared and not the finding. Writes cases.csv,
    summary.csv, skipped.csv, summary.md and index.html into the folder `output`, which appears whole or not at all.

    Args:
        data: CSV with the column `path`, see `read_data_list`; up to three slices are taken of a volume.
        methods: of "none" and `METHODS`.
        output: a folder that does not exist yet or is empty.
        split, source: keep only rows of the list with this value.
        seed: of implants, places, noise and slices, and of the order in which `limit` takes images.
        limit: at most so many images.
        engine: for networks.
        overwrite: an existing folder may be replaced.
        progress: called with (images done, images in all).

    Raises:
        InputError: the list, a name, the output or every single image is at fault.
    """
    output, known = Path(output), (SCANNED, *METHODS)
    check_output(output, overwrite=overwrite, sources=[data])
    if unknown := [name for name in methods if name not in known]:
        raise InputError(f"protocol {NAME} compares {', '.join(known)}, not {', '.join(unknown)}.")
    if not methods or len(set(methods)) < len(methods):
        raise InputError(f"name each method once, of {', '.join(known)}.")
    entries = [e for e in read_data_list(data, split=split, source=source) if e.kind in (None, "ct")]
    waiting = in_order(entries, limit, seed)[:limit]
    outcomes: list[MetalResult] = []
    skipped: list[tuple[str, str]] = []
    pictures: dict[str, Comparison] = {}
    for done, entry in enumerate(waiting):
        if progress:
            progress(done, len(waiting))
        for name, implant, image, case in _cases(entry, seed, skipped):
            shown = {}
            for method in methods:
                start = time.perf_counter()
                corrected = case.scanned if method == SCANNED else _corrected(image, case, method, engine)
                seconds = time.perf_counter() - start
                figures = measure(case, corrected)
                outcomes.append(MetalResult(name, entry.patient or entry.name, implant, method, seconds, figures))
                shown[method] = corrected
            # one of each kind of implant is shown: the first
            pictures.setdefault(implant, _compared(f"{name} - {implant}", case, shown))
    if progress:
        progress(len(waiting), len(waiting))
    if not outcomes:
        first = ", ".join(skipped[0]) if skipped else "no CT is in the list"
        raise InputError(f"{data}: no image could be used; {first}")
    facts = _facts(f"{Path(data).name}: split {split or 'any'}, source {source or 'any'}", seed, outcomes)
    summary = MetalSummary(facts, outcomes, list(methods), skipped)
    with staged(output, folder=True, overwrite=overwrite) as folder:
        _write(summary, list(pictures.values()), folder)
    return summary


def _facts(data: str, seed: int, outcomes: Sequence[MetalResult]) -> dict[str, str]:
    """What must be said with the figures."""
    cases = {(o.case, o.implant): o.patient for o in outcomes}
    return {
        "protocol": NAME,
        "seed": str(seed),
        "images": "axial CT slices at their own resolution with one simulated implant of each kind "
        f"({', '.join(KINDS)}); its place is told to the methods",
        "data": data,
        "cases": f"{len(cases)} of {len(set(cases.values()))} patients",
        "region": "the patient outside the metal; every measure is 0 for the truth, and larger is worse",
        "averaging": "each slice, then the mean over slices",
        "hardware": processor(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "versions": ", ".join(versions(("monai-inpaint", "numpy", "scipy", "astra-toolbox", "xraydb", "openvino"))),
    }


def _cases(entry: Entry, seed: int, skipped: list[tuple[str, str]]) -> Iterator[tuple[str, str, Image, MetalCase]]:
    """Name, implant, the image as scanned and the case, for each slice and kind of implant that fits."""
    try:
        image = read_image(entry.path)
        rng = np.random.default_rng([seed, crc32(f"{NAME}/{entry.name}".encode())])
        parts = slices_of(_axial_last(image), None, "ct", rng)
    except InputError as error:
        skipped.append((entry.name, str(error).removeprefix(str(entry.path)).lstrip(": ")))
        return
    for part in parts:
        name = entry.name if part.index is None else f"{entry.name}#{part.index}"
        for implant in KINDS:
            try:
                yield name, implant, *_simulated(part, implant, int(rng.integers(2**31)))
            except InputError as error:
                skipped.append((f"{name} ({implant})", str(error)))


def _axial_last(image: Image) -> Image:
    """With axial slices along k, where `slices_of` looks for them."""
    axial = axial_slices(image)
    if axial.axis in (None, 2):
        return image
    order = [*(axis for axis in range(3) if axis != axial.axis), axial.axis]
    affine = None if image.affine is None else image.affine[:, [*order, 3]]
    return Image(image.units().transpose(order), affine, image.modality)


def _simulated(part: ImageRegion, implant: str, seed: int) -> tuple[Image, MetalCase]:
    spacing = part.spacing or (1.0, 1.0)
    clean = Image(part.pixels, np.diag([*spacing, 1.0, 1.0]), "ct")
    pair = simulate_metal(clean, implant, seed)
    metal = pair.metal.voxels != 0
    return pair.artifact, MetalCase(pair.artifact.units(), pair.truth.units(), metal, (spacing[0], spacing[1]))


def _corrected(image: Image, case: MetalCase, method: str, engine: str) -> np.ndarray:
    return reduce_metal(image, method, found=Found.known(case.metal), engine=engine).image.units()


def _compared(title: str, case: MetalCase, shown: dict[str, np.ndarray]) -> Comparison:
    columns = [[Picture(grey_png(case.truth, *_WINDOW, outline=case.metal), "truth, metal outlined")]]
    for method, corrected in shown.items():
        off = np.where(case.metal, 0.0, corrected - case.truth)
        columns.append(
            [
                Picture(grey_png(corrected, *_WINDOW), "as scanned" if method == SCANNED else method),
                Picture(difference_png(off, _COLOURS), f"{method} - truth", (_COLOURS, "HU")),
            ]
        )
    return Comparison(title, columns, f"window {_WINDOW[0]:.0f} to {_WINDOW[1]:.0f} HU")


def metal_tables(summary: MetalSummary) -> list[Table]:
    """The challenge's measures of all cases; RMSE by implant; RMSE and 1 - SSIM by distance from the metal."""
    methods, headings = summary.methods, ["method", *(heading for heading, _ in MEASURES.values()), "s a slice"]
    challenge = [
        [name, *(f"{summary.mean(name, key):.{digits}f}" for key, (_, digits) in MEASURES.items()),
         f"{summary.mean(name, 'seconds'):.2f}"]
        for name in methods
    ]  # fmt: skip
    by_implant = [[name, *(f"{summary.mean(name, 'rmse', kind):.1f}" for kind in KINDS)] for name in methods]
    bands = [name for name in summary.measures if name not in MEASURES]
    by_band = [
        [name, *(f"{summary.mean(name, band):.{1 if band.startswith('rmse') else 4}f}" for band in bands)]
        for name in methods
    ]
    return [
        Table("Measures of the AAPM CT-MAR challenge", headings, challenge),
        Table("RMSE in HU by implant", ["method", *KINDS], by_implant),
        Table("RMSE in HU and 1 - SSIM by distance from the metal", ["method", *bands], by_band),
    ]


def metal_markdown(summary: MetalSummary) -> str:
    """Facts, tables, and what was skipped."""
    from monai_inpaint.evaluation.tables import markdown_page

    title = f"Evaluation: {NAME}, seed {summary.facts['seed']}"
    return markdown_page(title, summary.facts, metal_tables(summary), {"Not measured": summary.skipped})


def _write(summary: MetalSummary, pictures: list[Comparison], folder: Path) -> None:
    from monai_inpaint.evaluation.tables import csv_text

    rows = [(o.case, o.patient, o.implant, o.method, f"{o.seconds:.6f}", *o.figures.values()) for o in summary.outcomes]
    head = ("case", "patient", "implant", "method", "seconds", *summary.measures)
    means = [(name, *(summary.mean(name, key) for key in summary.measures)) for name in summary.methods]
    (folder / "cases.csv").write_text(csv_text([head, *rows]), encoding="utf-8")
    (folder / "summary.csv").write_text(csv_text([("method", *summary.measures), *means]), encoding="utf-8")
    (folder / "skipped.csv").write_text(csv_text([("path", "reason"), *summary.skipped]), encoding="utf-8")
    (folder / "summary.md").write_text(metal_markdown(summary), encoding="utf-8")
    page = comparison_page(
        f"Evaluation: {NAME}, seed {summary.facts['seed']}", pictures, facts=summary.facts, tables=metal_tables(summary)
    )
    (folder / "index.html").write_text(page, encoding="utf-8")
