"""Propose a hole and write it, and fill nothing: what `find` does, and the first half of `fill --find`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from monai_inpaint.jobs.outputs import Target, Write
from monai_inpaint.jobs.run_job import Done, run
from monai_inpaint.version import __version__

if TYPE_CHECKING:
    from monai_inpaint.imaging.image import Image
    from monai_inpaint.progress import Progress
    from monai_inpaint.regions.sources import FoundArtifacts, Source

_PICTURES = (".png", ".tif", ".tiff")  # are looked at, and a label of 1 would be as black there as 0


def find_hole(source: Path, output: Target, finder: FoundArtifacts, *, overwrite: bool, progress: Progress) -> None:
    """Read, find and write.

    Raises:
        InputError: as the parts say, or nothing was found.
    """

    def read(image: Image) -> Callable[[], Done]:
        def compute() -> Done:
            return Done([write_of(output, finder.hole_in(image, progress.stage("find")), finder)], dict)

        return compute

    run(source, [output], [], None, read, overwrite=overwrite, progress=progress)


def write_of(target: Target, hole: Image, source: Source) -> Write:
    """Return what writes a hole that was proposed."""
    model = source.facts().get("proposed_by", "rectangles that were listed")
    derived = {"description": "Region to fill, proposed", "model": model, "version": __version__}
    return _write_mask(target, hole, hole.voxels, derived)


def write_computed(target: Target, image: Image, hole: np.ndarray, derived: Mapping[str, str]) -> Write:
    """Return what writes the voxels of an image that were computed (bool, of its shape)."""
    return _write_mask(target, image, hole, {**derived, "description": "Voxels that were computed"})


def _write_mask(target: Target, image: Image, mask: np.ndarray, derived: dict[str, str]) -> Write:
    from monai_inpaint.io import write_image

    label = np.uint8(255 if target.path.suffix.lower() in _PICTURES else 1)
    labels = image.map_of(mask * label)
    return target, lambda place: write_image(labels, place, derived=derived)
