"""Generate a film around its finding, or a finding in a film; write the film, its mask and its manifest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from monai_inpaint.jobs.cohort import digest
from monai_inpaint.jobs.film_regions import MaskFile, Region, with_margin
from monai_inpaint.jobs.outputs import Write
from monai_inpaint.jobs.run_job import Done, run
from monai_inpaint.jobs.synthesis_files import PICTURES, SynthesisFiles
from monai_inpaint.version import __version__

if TYPE_CHECKING:
    from monai_inpaint.imaging.image import Image
    from monai_inpaint.progress import Progress
    from monai_inpaint.synthesis.painting.paint import Painting


@dataclass(frozen=True, kw_only=True)
class PaintJob(SynthesisFiles):
    """One film, painted once.

    Attributes:
        region: of the finding, that there is or that there is to be.
        kept: the region is kept and all else drawn (outpainting); else the region is drawn.
        margin: mm by which the region is larger.
        finding: name of the finding; None: unknown.
        seed: of the noise.
        engine, bundle: see `paint_film`.
    """

    region: Region
    kept: bool
    margin: float = 0.0
    finding: str | None = None
    seed: int = 0
    engine: str = "auto"
    bundle: str


def paint_into(job: PaintJob, *, progress: Progress, overwrite: bool = False) -> None:
    """Read, draw and write; all outputs appear, or none.

    Raises:
        InputError: an error of one of the steps.
    """
    from monai_inpaint.synthesis.painting.paint import paint_film

    def read(image: Image) -> Callable[[], Done]:
        inside = job.region.inside(image)
        if job.margin:
            inside = with_margin(inside, image, job.margin)

        def compute() -> Done:
            hole = ~inside if job.kept else inside
            return _done(
                job, image, inside, paint_film(image, hole, seed=job.seed, bundle=job.bundle, engine=job.engine)
            )

        return compute

    inputs = [job.region.path] if isinstance(job.region, MaskFile) else []
    run(
        job.image, [job.output, job.mask], [], job.manifest, read, inputs=inputs, overwrite=overwrite, progress=progress
    )


def _done(job: PaintJob, image: Image, inside: np.ndarray, made: Painting) -> Done:
    from monai_inpaint.io import write_image

    bundle = made.report["bundle"]
    what = "Synthetic film around a finding that was kept" if job.kept else "Synthetic finding in a film"
    derived = {
        "description": f"{what} by monai-inpaint",
        "model": f"{bundle['name']} {bundle['version']}",
        "version": __version__,
        "label": "Synthetic film" if job.kept else "Synthetic finding",
    }
    bright = np.uint8(255 if job.mask.path.suffix.lower() in PICTURES else 1)
    mask = image.map_of(inside * bright)
    writes: list[Write] = [
        (job.output, lambda place: write_image(made.image, place, derived=derived)),
        (job.mask, lambda place: write_image(mask, place, derived={**derived, "description": "Mask of a finding"})),
    ]

    def facts() -> dict[str, Any]:
        painting = {
            "region": job.region.facts(),
            "kept": job.kept,
            "margin_mm": job.margin,
            "finding": job.finding,
            "pixels": int(np.count_nonzero(inside)),
        }
        source = {"name": job.image.name, "sha256": digest(job.image)}
        return {**made.report, "painting": painting, "source": source}

    return Done(writes, facts, {"mask": job.mask.path.name})
