"""One image, one hole, one fill: what `fill` does once and `batch` does for every row."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monai_inpaint.errors import InputError
from monai_inpaint.io.provenance import derivation_of
from monai_inpaint.jobs.outputs import Job, Target, check_holds, check_targets, write_together
from monai_inpaint.progress import Progress
from monai_inpaint.version import __version__

if TYPE_CHECKING:
    import numpy as np

    from monai_inpaint.fill.filler import Fill, Filler
    from monai_inpaint.imaging.image import Image
    from monai_inpaint.regions.burned_in import BurnedIn


@dataclass(frozen=True)
class Case:
    """What to fill, and where the results go; with `found` the hole is proposed, and written there."""

    image: Path
    hole: Path
    output: Target
    difference: Target | None = None
    report: Target | None = None
    spread: Target | None = None
    sample: bool = False
    samples: int = 0
    seed: int = 0
    found: Target | None = None
    segment: str | None = None  # of a hole that holds several
    grow: float = 0.0  # mm
    burned_in: BurnedIn | None = None  # what is proposed: text
    results: bool = False  # the output is a folder for all DICOM results

    @property
    def targets(self) -> list[Target]:
        return [target for target in (self.output, self.difference, self.spread, self.report, self.found) if target]


@dataclass(frozen=True)
class Fillers:
    """What fills an image: the bundle that was named, or that of the image's modality."""

    bundle: str | None
    engine: str

    def check(self) -> None:
        """Refuse a bundle that was named but is missing or damaged."""
        if self.bundle:
            from monai_inpaint.registry import find_generator

            find_generator(self.bundle)

    def of(self, image: Image) -> Filler:
        """The filler for the bundle that was named, or for the image's modality."""
        from monai_inpaint.fill.filler import Filler

        name = self.bundle or image.modality
        if name is None:
            raise InputError(f"{image.path} does not tell its modality; name a bundle: --bundle cxr, ct or mr.")
        return Filler(name, engine=self.engine)


def run_case(case: Case, fillers: Fillers, *, overwrite: bool, progress: Progress) -> None:
    """Read, fill and write; all outputs appear, or none.

    Raises:
        InputError: as the parts say; outputs are checked first, before anything is read.
    """
    from monai_inpaint.io import write_image
    from monai_inpaint.io.isolated import fork_reader, read_image_guarded
    from monai_inpaint.regions.read import read_hole

    if case.image.resolve() == case.hole.resolve():
        raise InputError(f"{case.hole} is the image and the hole at once; name an image that marks what to fill.")
    check_targets(case.targets, [case.image] if case.found else [case.image, case.hole], overwrite=overwrite)
    fillers.check()
    start = time.perf_counter()
    progress("read", 0, 1)
    fork_reader(case.image, case.hole)  # before an engine starts threads
    image = read_image_guarded(case.image)
    for target in (case.output, case.difference, case.spread, case.found):
        if target:
            check_holds(target, image)
    given = None if case.found else read_hole(case.hole, image, case.segment)
    seconds = {"read": time.perf_counter() - start}
    progress("read", 1, 1)

    filler = fillers.of(image)
    proposed = None
    if case.found:
        finding = time.perf_counter()
        proposed = _proposed(case, image, fillers.engine, progress)
        seconds["find"] = time.perf_counter() - finding
    hole = given or proposed
    assert hole is not None
    wanted = {"sample": case.sample, "samples": case.samples, "seed": case.seed, "grow": case.grow}
    progress("fill", 0, 0)
    fill = filler(image, hole, progress=progress.stage("fill"), **wanted)
    writing = time.perf_counter()  # the filled volume and its hashes are made now: their cost is that of the file
    filled, derived = fill.image, _derived(filler, case)

    def write_report(place: Path | str) -> None:
        now = time.perf_counter()
        times = {**seconds, **fill.report["seconds"], "write": now - writing, "total": now - start}
        Path(place).write_text(_report(case, fill, times), encoding="utf-8", errors="backslashreplace")

    def write_output(place: Path | str) -> None:
        if case.results:
            from monai_inpaint.dicom.results import write_results

            spread = fill.spread if case.samples else None
            write_results(image, filled, fill.hole, _facts(case, fill), Path(place), spread)
        else:
            write_image(filled, place, derived=derived)

    jobs: list[Job] = [(case.output, write_output)]

    def write_units(target: Target, values: np.ndarray) -> None:
        units = image.map_of(values, image.modality)  # the source's scaling is not theirs
        jobs.append((target, lambda place: write_image(units, place, derived=derived)))

    if case.difference:
        write_units(case.difference, fill.difference)
    if case.spread:
        write_units(case.spread, fill.spread)
    if case.found and proposed is not None:
        told = {"description": "Region to fill, proposed", "model": _proposer(case), "version": __version__}
        jobs.append((case.found, lambda place: write_image(proposed, place, derived=told)))
    if case.report:
        jobs.append((case.report, write_report))
    progress("write", 0, 1)
    write_together(jobs, overwrite=overwrite)
    progress("write", 1, 1)


def _proposed(case: Case, image: Image, engine: str, progress: Progress) -> Image:
    """The hole that is found in an image, on its grid."""
    import numpy as np

    from monai_inpaint.regions.artifacts import Finder, check_found
    from monai_inpaint.regions.burned_in import boxed, check_flag
    from monai_inpaint.regions.rectangles import rectangles_in

    if case.burned_in and case.burned_in.rectangles:
        found = rectangles_in(image, case.burned_in.rectangles)
    else:
        if case.burned_in:
            check_flag(image)
        found = Finder(engine)(image, progress.stage("find"))
        check_found(found, image)
        found = boxed(found) if case.burned_in else found
    # A label of 1; but pictures are looked at, and 1 would be as black as 0 there.
    label = 255 if case.hole.suffix.lower() in (".png", ".tif", ".tiff") else 1
    return image.map_of(np.where(found, label, 0).astype(np.uint8))


def _proposer(case: Case) -> str:
    """What the hole in the case comes from, if it was not given."""
    if case.burned_in and case.burned_in.rectangles:
        return "rectangles that were listed"
    from monai_inpaint.regions.artifacts import BUNDLE
    from monai_inpaint.registry import find_bundle

    return f"{BUNDLE} {find_bundle(BUNDLE).version}"


def _derived(filler: Filler, case: Case) -> dict[str, str]:
    drawn = {"fill": "sample" if case.sample else "best estimate", "seed": case.seed}
    bundle = {"name": filler.bundle.name, "version": filler.bundle.version}
    return derivation_of({"bundle": bundle, "drawn": drawn, "hole": _origin(case)})


def _origin(case: Case) -> dict[str, Any]:
    """Where the hole comes from, for the report; empty where it was given."""
    listed = case.burned_in is not None and bool(case.burned_in.rectangles)
    proposed = {"proposed_by": _proposer(case)} if case.found and not listed else {}
    return proposed | ({"burned_in": case.burned_in.facts()} if case.burned_in else {})


def _facts(case: Case, fill: Fill) -> dict[str, Any]:
    """The fill's report, and where its hole comes from."""
    return {**fill.report, "hole": fill.report["hole"] | _origin(case)}


def _report(case: Case, fill: Fill, seconds: dict[str, float]) -> str:
    """The facts, the names of the files (no folders, nothing of their headers), and all stages' times."""
    files = {"image": case.image.name, "hole": case.hole.name, "output": case.output.path.name}
    times = {stage: round(value, 4) for stage, value in seconds.items()}
    told = {**_facts(case, fill), "files": files, "seconds": times}
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"
