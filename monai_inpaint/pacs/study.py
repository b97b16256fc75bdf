"""Process a study: fill each series that a rule applies to; the record names all others with a reason.

The steps are functions of their own, so that the app of MONAI Deploy is made of the same ones:
`find_series`, `choose`, `fill_case`, `write_case`, `write_record`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset

from monai_inpaint.dicom.results import metal_regions, save_object, write_results
from monai_inpaint.dicom.skip_report import skip_report
from monai_inpaint.errors import InputError
from monai_inpaint.fill.filler import Filler
from monai_inpaint.imaging.image import Image
from monai_inpaint.imaging.label_map import matching
from monai_inpaint.io.atomic import staged
from monai_inpaint.io.dicom.file import load
from monai_inpaint.pacs.anonymous_errors import sentence_of
from monai_inpaint.pacs.job_layout import RECORD
from monai_inpaint.pacs.kept_images import FILLED, FILLED_BEFORE, SKIPPED
from monai_inpaint.pacs.machine_faults import is_full
from monai_inpaint.pacs.rules import METAL, RECTANGLES, Rule
from monai_inpaint.pacs.series import Mark, Series, Study, find_series, read_series
from monai_inpaint.regions.sources import HoleFile, ListedRectangles
from monai_inpaint.registry import BundleInfo, find_bundle
from monai_inpaint.version import NOTICE, __version__

_SYNTHETIC = "It contains synthetic data already, and is not a source to fill."
_IDENTITY = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID")
_NO_RULE = "No rule is for it."
EXPECTED = (_SYNTHETIC, _NO_RULE, FILLED_BEFORE)  # why nothing is done with series of which nobody asked for more


@dataclass(frozen=True)
class SeriesTask:
    """A series, and what is to be done with it; or why nothing is."""

    number: int
    series: Series
    rule: Rule | None = None
    mark: Mark | None = None
    why: str = ""

    @property
    def source(self) -> str:
        """A digest of what is filled and how: the instances, the SEG or RTSTRUCT, and the rule."""
        parts = (*sorted(self.series.instances), self.mark.uid if self.mark else "", repr(self.rule))
        return sha256("\n".join(parts).encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class TaskResult:
    """A case with what came of it; `why` says why nothing did."""

    case: SeriesTask
    why: str = ""
    source: Image | None = None
    result: Image | None = None
    hole: np.ndarray | None = None
    report: dict[str, Any] | None = None
    regions: dict[str, np.ndarray] = field(default_factory=dict[str, np.ndarray])
    seconds: float = 0.0


class Bundles:
    """Bundles by name, and the engine that runs them.

    Args:
        folder: of bundles that take the place of those that came with the package, by their names; None: none do.
        engine: as `Filler` takes it.
    """

    def __init__(self, folder: Path | None = None, engine: str = "auto") -> None:
        self.engine = engine
        self._folder = folder

    def find(self, name: str | Path) -> BundleInfo:
        """Find the bundle of that name, in the folder if it is there."""
        for folder in (self._folder / name, self._folder / f"{name}_inpainting") if self._folder else ():
            if folder.is_dir():
                return find_bundle(folder)
        return find_bundle(name)

    def filler(self, name: str) -> Filler:
        """Return the filler of a bundle."""
        return Filler(self.find(name).path, self.engine)


def process_study(
    study: Path,
    output: Path,
    rules: Sequence[Rule],
    bundles: Bundles | None = None,
    filled: Collection[str] = (),
    report_skipped: bool = False,
    failed: str = "",
) -> dict[str, Any]:
    """Fill the series of a study that the rules name, and write results and record.

    Args:
        study: folder with DICOM files of any order, of one study or several.
        output: folder for the results, a numbered one a series, and record.json; made if missing, else empty.
        rules: the first one that is for a series counts.
        bundles: what fills.
        filled: the `source` of each series that was filled before, and is not filled again; the `told` of each that was
            reported before.
        report_skipped: why series are skipped that a rule is for is written as a structured report, too.
        failed: why filling has failed before; nothing is filled then, and this is why.

    Returns:
        the record, JSON-able: `series` (of each its UIDs, `status` "filled" or "skipped", `why`, and what was done) and
        `unreadable` (a sentence for each file that could hold a slice and cannot be read). It holds UIDs and nothing
        else of the files' headers.

    Raises:
        InputError: no DICOM in the folder, or an output that is not empty or cannot be written.
    """
    check_empty(output)
    found = find_series(study)
    output.mkdir(exist_ok=True)
    bundles = bundles or Bundles()
    cases = [replace(case, why=case.why or failed) for case in choose(found, rules, filled)]
    entries = [write_case(fill_case(case, bundles), output) for case in cases]
    if report_skipped:
        _report(cases, entries, found, filled, output)
    return write_record(entries, found.unreadable, output)


def _report(
    cases: Sequence[SeriesTask], entries: Sequence[dict[str, Any]], found: Study, filled: Collection[str], output: Path
) -> None:
    """Write a structured report for each study of which something was skipped; its entries get a `told`."""
    skipped: dict[str, list[tuple[Dataset, str]]] = {}
    for case, entry in zip(cases, entries, strict=True):
        if entry["status"] == SKIPPED and entry["why"] not in EXPECTED:
            digest = sha256("\n".join((*sorted(case.series.instances), entry["why"])).encode()).hexdigest()
            if digest not in filled:
                entry["told"] = digest
                head = load(case.series.paths[0], head=True)
                skipped.setdefault(case.series.study, []).append((head, entry["why"]))
    if not cases and found.marks:
        head = load(found.marks[0].path, head=True)
        skipped[str(head.StudyInstanceUID)] = [(head, "The series that it refers to is not there.")]
    for number, reasons in enumerate(skipped.values(), start=1):
        save_object(skip_report(reasons), output / f"skipped_{number}.dcm")


def check_empty(output: Path) -> None:
    """Refuse an output folder that holds something already, or has no folder to lie in."""
    if not output.parent.is_dir():
        raise InputError(f"{output} cannot be made: the folder {output.parent} does not exist; make it first.")
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise InputError(f"{output} is not an empty folder; name another one for the results.")


def choose(study: Study, rules: Sequence[Rule], filled: Collection[str] = ()) -> Iterator[SeriesTask]:
    """Choose the task of each series of a study: the first rule for it whose hole is there; see `process_study`."""
    for number, series in enumerate(study.series, start=1):
        yield choose_one(number, series, study.marks, rules, filled)


def choose_one(
    number: int, series: Series, marks: Sequence[Mark], rules: Sequence[Rule], filled: Collection[str] = ()
) -> SeriesTask:
    """Choose the task of one series; `number` names the folder of its results."""
    if series.synthetic:
        return SeriesTask(number, series, why=_SYNTHETIC)
    fitting = [rule for rule in rules if rule.is_for(series.modality, series.description)]
    if not fitting:
        return SeriesTask(number, series, why=_NO_RULE)
    why = ""
    for rule in fitting:
        drawn = [mark for mark in marks if mark.kind == rule.hole and mark.is_on(series)]
        named = [mark for mark in drawn if rule.segment is None or _holds(mark, rule.segment)]
        places = [None] if rule.hole in (METAL, RECTANGLES) else named
        tasks = [SeriesTask(number, series, rule, place) for place in places]
        new = [task for task in tasks if task.source not in filled]
        if tasks and not new:
            return SeriesTask(number, series, why=FILLED_BEFORE)
        mark = new[0].mark if len(new) == 1 else None
        if len(new) == 1 and (mark is None or rule.segment is not None or len(mark.names) == 1):
            return new[0]
        why = why or _not_one(rule, drawn, [task.mark for task in new if task.mark])
    return SeriesTask(number, series, why=why)


def fill_case(case: SeriesTask, bundles: Bundles) -> TaskResult:
    """Read and fill; any fault becomes the sentence `why`."""
    if case.why:
        return TaskResult(case, case.why)
    started = time.perf_counter()
    try:
        filled = _fill(case, bundles)
    except Exception as error:
        if is_full(error):  # passes, and is no fault of the series
            raise
        filled = TaskResult(case, _sentence(error, case))
    return replace(filled, seconds=time.perf_counter() - started)


def write_case(filled: TaskResult, output: Path) -> dict[str, Any]:
    """Write the results into a folder of their own below `output`; returns the series' entry of the record."""
    case = filled.case
    entry: dict[str, Any] = {
        "series": case.series.uid,
        "study": case.series.study,
        "modality": case.series.modality,
        "instances": len(case.series.instances),
    }
    if filled.why:
        return {**entry, "status": SKIPPED, "why": filled.why}
    started = time.perf_counter()
    folder = output / f"{case.number:03d}"
    assert filled.source is not None
    assert filled.result is not None
    assert filled.hole is not None
    assert filled.report is not None
    try:
        results = write_results(
            filled.source, filled.result, filled.hole, filled.report, folder, regions=filled.regions
        )
    except Exception as error:
        if is_full(error):
            raise
        return {**entry, "status": SKIPPED, "why": _sentence(error, case, {str(folder): "The folder of the results"})}
    assert case.rule is not None
    seconds = {"fill": round(filled.seconds, 4), "write": round(time.perf_counter() - started, 4)}
    kept = {key: value for key, value in filled.report.items() if key not in ("notice", "geometry", "seconds")}
    return {
        **entry, "status": FILLED, "why": "", "source": case.source, "hole": case.rule.hole, "folder": folder.name,
        "results": len(results.files), "outputs": _outputs(results.files), "seconds": seconds, "report": kept,
    }  # fmt: skip


def _outputs(files: Sequence[Path]) -> list[dict[str, Any]]:
    """Of each series and SOP class that was made: their UIDs, and those of the instances."""
    found: dict[tuple[str, str], list[str]] = {}
    for path in files:
        head = dcmread(
            path, stop_before_pixels=True, specific_tags=["SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID"]
        )
        found.setdefault((str(head.SeriesInstanceUID), str(head.SOPClassUID)), []).append(str(head.SOPInstanceUID))
    return [
        {"series": series, "sop_class": sop_class, "instances": instances}
        for (series, sop_class), instances in found.items()
    ]


def write_record(entries: Sequence[dict[str, Any]], unreadable: Sequence[str], output: Path) -> dict[str, Any]:
    """Write the record of a study; returns it."""
    record = {
        "notice": NOTICE,
        "version": __version__,
        "series": list(entries),
        "unreadable": list(unreadable),
    }
    with staged(output / RECORD) as place:
        place.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return record


def _not_one(rule: Rule, drawn: Sequence[Mark], named: Sequence[Mark]) -> str:
    """Why a rule finds no hole, or more than one."""
    if not drawn:
        return f"No {rule.hole} of the study refers to it."
    if not named:
        return f"No {rule.hole} that refers to it contains what the rule names."
    if len(named) > 1:
        return f"{len(named)} {rule.hole} refer to it, and the rule does not say which to use."
    return f"The {rule.hole} that refers to it contains {len(named[0].names)} regions, and the rule names none."


def _holds(mark: Mark, pattern: str) -> bool:
    return bool(matching(mark.names, pattern))


def _fill(case: SeriesTask, bundles: Bundles) -> TaskResult:
    rule = case.rule
    assert rule is not None
    image = read_series(case.series)
    modality = image.modality or rule.modality.lower()
    if rule.hole == METAL:
        return _without_metal(case, rule, image, bundles)
    source = HoleFile(case.mark.path, rule.segment) if case.mark else ListedRectangles(rule.rectangles)
    fill = bundles.filler(rule.bundle or modality)(image, source.hole_in(image))
    return TaskResult(case, "", image, fill.image, fill.hole, fill.report)


def _without_metal(case: SeriesTask, rule: Rule, image: Image, bundles: Bundles) -> TaskResult:
    from monai_inpaint.metal.methods import choose
    from monai_inpaint.metal.reduce import modality_of, reduce_metal

    method, bundle = choose(modality_of(image), rule.method, rule.bundle, bundles.find)
    reduced = reduce_metal(image, method, metal_hu=rule.metal_hu, bundle=bundle and bundle.path, engine=bundles.engine)
    if not reduced.metal.any():
        return TaskResult(case, "No metal was found in it.")
    if not reduced.hole.any():
        return TaskResult(case, "Metal was found in it, but nothing was to be changed.")
    return TaskResult(case, "", image, reduced.image, reduced.hole, reduced.report, metal_regions(reduced))


def _sentence(error: Exception, case: SeriesTask, names: dict[str, str] | None = None) -> str:
    marked = {str(case.mark.path): f"The {case.mark.kind}"} if case.mark else {}
    return sentence_of(error, {**marked, **(names or {})})
