"""Fill one image: what `fill` does once and `batch` does for every row."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.io.provenance import derivation_of
from monai_inpaint.jobs.find_hole import write_computed, write_of
from monai_inpaint.jobs.outputs import Target, Write
from monai_inpaint.jobs.run_job import Done, run
from monai_inpaint.progress import Progress
from monai_inpaint.regions.sources import HoleFile, Source

if TYPE_CHECKING:
    from monai_inpaint.fill.filler import Filler
    from monai_inpaint.imaging.label_map import Hole


@dataclass(frozen=True, kw_only=True)
class FillJob:
    """Inputs and outputs of a fill: a proposed hole goes to `proposal`, the one that was filled to `computed`."""

    image: Path
    hole: Source
    output: Target
    proposal: Target | None = None
    computed: Target | None = None
    difference: Target | None = None
    report: Target | None = None
    spread: Target | None = None
    sample: bool = False
    samples: int = 0
    seed: int = 0
    grow: float = 0.0  # mm
    results: bool = False  # the output is a folder for all DICOM results
    facts: dict[str, Any] = field(default_factory=dict[str, Any])  # of the caller, for the report

    @property
    def hole_path(self) -> Path | None:
        """The file of the hole, where there is one."""
        return self.hole.path if isinstance(self.hole, HoleFile) else None


@dataclass(frozen=True)
class Fillers:
    """Choose the filler of an image: the bundle that was named, or the default of its modality."""

    bundle: str | None
    engine: str

    def check(self, *, engine: bool = True) -> None:
        """Refuse a bundle that was named but is missing or damaged, and an engine that cannot run on this machine."""
        if engine:
            from monai_inpaint.engines.load import check_engine

            check_engine(self.engine)
        if self.bundle:
            from monai_inpaint.registry import find_generator

            find_generator(self.bundle)

    def of(self, image: Image) -> Filler:
        """Return the filler for the bundle that was named, or for the image's modality."""
        from monai_inpaint.fill.filler import Filler

        name = self.bundle or image.modality
        if name is None:
            raise InputError(f"{image.path} does not state its modality; name a bundle: --bundle cxr, ct or mr.")
        return Filler(name, engine=self.engine)


def fill_image(job: FillJob, fillers: Fillers, *, overwrite: bool, progress: Progress) -> dict[str, str]:
    """Read, fill and write; all outputs appear, or none.

    Returns:
        The facts of the bundle that filled.

    Raises:
        InputError: an error of one of the steps; outputs are checked before anything is read.
    """
    given, used = job.hole_path, dict[str, str]()
    hole = given or (job.proposal.path if job.proposal else None)
    if hole and job.image.resolve() == hole.resolve():
        raise InputError(f"{hole} is both IMAGE and HOLE; as HOLE name an image that marks what to fill.")
    fillers.check()

    def read(image: Image) -> Callable[[], Done]:
        drawn = job.hole.hole_in(image) if given else None

        def compute() -> Done:
            filler = fillers.of(image)
            used.update(filler.bundle.facts())
            return _filled(job, image, drawn, filler, progress)

        return compute

    outputs = (job.output, job.computed, job.difference, job.spread, job.proposal)
    images = [target for target in outputs if target]
    inputs = [given] if given else []
    run(job.image, images, [], job.report, read, inputs=inputs, overwrite=overwrite, progress=progress)
    return used


def _filled(job: FillJob, image: Image, hole: Hole | Image | None, filler: Filler, progress: Progress) -> Done:
    seconds: dict[str, float] = {}
    proposed = None
    if hole is None:
        started = time.perf_counter()
        hole = proposed = job.hole.hole_in(image, progress.stage("find"))
        seconds["find"] = time.perf_counter() - started
    progress("fill", 0, 0)
    fill = filler(
        image,
        hole,
        progress=progress.stage("fill"),
        sample=job.sample,
        samples=job.samples,
        seed=job.seed,
        grow=job.grow,
    )

    def facts() -> dict[str, Any]:
        return {**job.facts, **fill.report, "hole": fill.report["hole"] | job.hole.facts()}

    def write_results(place: Path | str) -> None:
        from monai_inpaint.dicom.results import write_results

        write_results(image, fill.image, fill.hole, facts(), Path(place), fill.spread if job.samples else None)

    derived = _derived(filler, job)
    output = write_results if job.results else _writer(lambda: fill.image, derived)
    writes: list[Write] = [(job.output, output)]
    if job.computed:
        writes.append(write_computed(job.computed, image, fill.hole, derived))
    # the scaling of the source is not that of differences
    if job.difference:
        writes.append((job.difference, _writer(lambda: image.map_of(fill.difference, image.modality), derived)))
    if job.spread:
        writes.append((job.spread, _writer(lambda: image.map_of(fill.spread, image.modality), derived)))
    if job.proposal and isinstance(proposed, Image):
        writes.append(write_of(job.proposal, proposed, job.hole))
    named = job.hole.path if isinstance(job.hole, HoleFile) else job.proposal.path if job.proposal else None
    files = {"hole": named.name} if named else dict[str, str]()
    return Done(writes, facts, files, seconds)


def _writer(image: Callable[[], Image], derived: dict[str, Any]) -> Callable[[Path | str], None]:
    from monai_inpaint.io import write_image

    return lambda place: write_image(image(), place, derived=derived)


def _derived(filler: Filler, job: FillJob) -> dict[str, str]:
    drawn = {"fill": "sample" if job.sample else "best estimate", "seed": job.seed}
    bundle = {"name": filler.bundle.name, "version": filler.bundle.version}
    return derivation_of({"bundle": bundle, "drawn": drawn, "hole": job.hole.facts()})
