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
    doubled: Target | None = None,
    overwrite: bool,
    progress: Progress,
) -> None:
    """Read, search and write the map, and where wanted boxes around its peaks, the doubled difference and the report.

    Raises:
        InputError: an error of one of the steps, or boxes or a picture of a volume.
    """

    def read(image: Image) -> Callable[[], Done]:
        if boxes and image.voxels.ndim != 2:
            raise InputError(f"{source} is a volume, but --boxes is for films and single slices; leave it out.")
        if doubled and image.voxels.ndim != 2:
            raise InputError(f"{source} is a volume, but --doubled is for films and single slices; leave it out.")
        return lambda: _mapped(source, image, output, boxes, doubled, fillers, progress)

    others = [target for target in (boxes, doubled) if target]
    run(source, [output], others, report, read, overwrite=overwrite, progress=progress)


def _mapped(
    source: Path,
    image: Image,
    output: Target,
    boxes: Target | None,
    doubled: Target | None,
    fillers: Fillers,
    progress: Progress,
) -> Done:
    from monai_inpaint.anomaly import candidates, compute_anomaly_map, doubled_difference, write_candidates
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
    if doubled:
        assert found.difference is not None
        picture = doubled_difference(image, found.difference)
        provenance = {**derived, "description": "Difference from what is expected, doubled, by monai-inpaint"}
        writes.append((doubled, lambda place: write_image(picture, place, derived=provenance)))
    return Done(writes, lambda: found.report)
