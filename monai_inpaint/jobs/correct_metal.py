"""Find metal and reduce its artifacts, or only mark it: what `metal` does."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.io.provenance import derivation_of
from monai_inpaint.jobs.find_hole import write_computed
from monai_inpaint.jobs.outputs import Target, Write
from monai_inpaint.jobs.run_job import Done, run
from monai_inpaint.regions.sources import HoleFile
from monai_inpaint.version import __version__

if TYPE_CHECKING:
    from monai_inpaint.imaging.image import Image
    from monai_inpaint.metal.detect_ct import Found
    from monai_inpaint.progress import Progress


@dataclass(frozen=True, kw_only=True)
class MetalJob:
    """Arguments of `reduce_metal`, and the paths of the results."""

    image: Path
    output: Target
    report: Target | None = None
    computed: Target | None = None
    labels: Target | None = None
    region: HoleFile | None = None  # only what it marks may change
    method: str | None = None
    metal: str = "keep"
    metal_hu: str | None = None  # what the metal's voxels get: HU, or a material in `IMPLANT_HU`
    threshold: float | None = None
    find_only: bool = False  # the output is a label map
    results: bool = False  # the output is a folder for all DICOM results
    bundle: str | None = None
    engine: str = "auto"


def correct_metal(job: MetalJob, *, overwrite: bool, progress: Progress) -> dict[str, Any]:
    """Read, find, reduce and write; returns the report.

    Raises:
        InputError: an error of one of the steps, or no metal was found.
    """
    facts: dict[str, Any] = {}

    def read(image: Image) -> Callable[[], Done]:
        known = _with_modality(image, job.bundle)

        def compute() -> Done:
            done = _corrected(job, known, progress)
            facts.update(done.facts())
            return done

        return compute

    inputs = [job.region.path] if job.region else []
    images = [target for target in (job.output, job.computed, job.labels) if target]
    run(job.image, images, [], job.report, read, inputs=inputs, overwrite=overwrite, progress=progress)
    return facts


def _corrected(job: MetalJob, image: Image, progress: Progress) -> Done:
    from monai_inpaint.fill.report import image_head
    from monai_inpaint.io import write_image
    from monai_inpaint.metal.reduce import assigned_value, find, reduce_metal

    assigned_value(image, job.metal_hu, job.metal)
    started = time.perf_counter()
    found = find(image, job.threshold, progress.stage("find"))
    seconds = {"find": time.perf_counter() - started}
    _check_found(found, job.image, only=job.find_only)
    if job.find_only:
        facts = {**image_head(image), "found": found.report()}
        return Done([_write_labels(image, found, job.output)], lambda: facts, seconds=seconds)
    reduced = reduce_metal(
        image,
        job.method,
        job.metal,
        job.threshold,
        job.region.hole_in(image) if job.region else None,
        metal_hu=job.metal_hu,
        found=found,
        bundle=job.bundle,
        engine=job.engine,
        progress=progress.stage("reduce"),
    )

    def write(place: Path | str) -> None:
        if job.results:
            from monai_inpaint.dicom.results import metal_regions, write_results

            regions = metal_regions(reduced)
            write_results(image, reduced.image, reduced.hole, reduced.report, Path(place), regions=regions)
        else:
            write_image(reduced.image, place, derived=derivation_of(reduced.report))

    files = {"region": job.region.path.name} if job.region else {}
    writes: list[Write] = [(job.output, write)]
    if job.computed:
        writes.append(write_computed(job.computed, image, reduced.hole, derivation_of(reduced.report)))
    if job.labels:
        writes.append(_write_labels(image, found, job.labels))
    return Done(writes, lambda: reduced.report, files, seconds)


def _write_labels(image: Image, found: Found, output: Target) -> Write:
    """1 metal, 2 affected, in MR 3 what may be metal."""
    from monai_inpaint.io import write_image

    labels = np.zeros(image.voxels.shape, np.uint8, order="F" if image.voxels.flags.f_contiguous else "C")
    labels[found.affected] = 2
    labels[found.perhaps] = 3
    labels[found.metal] = 1
    derived = {"description": "Metal found by monai-inpaint", "model": "monai-inpaint metal", "version": __version__}
    result = image.map_of(labels)
    return output, lambda place: write_image(result, place, derived=derived)


def _with_modality(image: Image, bundle: str | None) -> Image:
    """Take the modality from the bundle where the image does not state its own."""
    if bundle is None or image.modality is not None:
        return image
    if bundle in ("ct", "mr"):
        return replace(image, modality=bundle)
    from monai_inpaint.registry import find_bundle

    modalities = [name for name in find_bundle(bundle).modalities if name in ("ct", "mr")]
    if not modalities:
        raise InputError(f"The bundle {bundle} is for chest X-rays, and metal is found in CT and MR; use ct or mr.")
    return replace(image, modality=modalities[0]) if len(modalities) == 1 else image


def _check_found(found: Found, source: Path, *, only: bool) -> None:
    """Refuse to write what would be the source again.

    Raises:
        InputError: no metal, nor with `only` anything that may be some.
    """
    if found.metal.any() or (only and found.perhaps.any()):
        return
    notes = " ".join([f"No metal was found in {source}, so nothing was written.", *found.warnings])
    raise InputError(notes)
