"""Map how far an image is from what its surroundings predict: what `difference` does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from monai_inpaint.errors import InputError
from monai_inpaint.jobs.outputs import Target, Write
from monai_inpaint.jobs.run_job import Done, run

if TYPE_CHECKING:
    from monai_inpaint.imaging.image import Image
    from monai_inpaint.jobs.fill_image import Fillers
    from monai_inpaint.progress import Progress


def map_anomaly(
    source: Path,
    output: Target,
    boxes: Target | None,
    report: Target | None,
    fillers: Fillers,
    *,
    overwrite: bool,
    progress: Progress,
) -> None:
    """Read, search and write the map, the boxes around its peaks where wanted, and the report.

    Raises:
        InputError: as the parts say, or boxes of a volume.
    """

    def read(image: Image) -> Callable[[], Done]:
        if boxes and image.voxels.ndim != 2:
            raise InputError(f"{source} is a volume, and --boxes are of films and single slices; leave it out.")
        return lambda: _mapped(source, image, output, boxes, fillers, progress)

    run(source, [output], [boxes] if boxes else [], report, read, overwrite=overwrite, progress=progress)


def _mapped(
    source: Path, image: Image, output: Target, boxes: Target | None, fillers: Fillers, progress: Progress
) -> Done:
    from monai_inpaint.anomaly import candidates, compute_anomaly_map, write_candidates
    from monai_inpaint.io import write_image

    filler = fillers.of(image)
    found = compute_anomaly_map(filler, image, progress.stage("search"))
    derived = {
        "description": "Abnormality map by monai-inpaint",
        "model": f"{filler.bundle.name} {filler.bundle.version}",
        "version": found.report["versions"]["monai_inpaint"],
    }
    units = image.map_of(found.map, image.modality)  # the source's scaling is not the map's
    writes: list[Write] = [(output, lambda place: write_image(units, place, derived=derived))]
    if boxes:
        writes.append((boxes, lambda place: write_candidates(candidates(found.map), source.name, place)))
    return Done(writes, lambda: found.report)
