"""Locate the finding that is kept in a film or painted into it: a mask, boxes, peaks of the abnormality map, or random.

For `synthesize outpaint` and `inpaint-lesion`; the holes of all other commands come from `monai_inpaint.regions`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.synthesis.nodules import FILM_MM

if TYPE_CHECKING:
    from monai_inpaint.datasets.finding_boxes import FindingBox
    from monai_inpaint.imaging.image import Image

_SPAN = (0.05, 0.14)  # of a film's shorter side: the axes of a place drawn by chance


@dataclass(frozen=True)
class MaskFile:
    """Region that a mask marks, in any format of holes."""

    path: Path

    def inside(self, image: Image) -> np.ndarray:
        """Bool of the image's shape."""
        from monai_inpaint.imaging.grid import align_hole
        from monai_inpaint.regions.sources import HoleFile

        return align_hole(HoleFile(self.path).hole_in(image), image).voxels

    def facts(self) -> dict[str, Any]:
        """For the manifest."""
        from monai_inpaint.jobs.cohort import digest

        return {"from": "mask", "name": self.path.name, "sha256": digest(self.path)}


@dataclass(frozen=True)
class ListedBoxes:
    """Boxes in pixels."""

    boxes: tuple[FindingBox, ...]

    def inside(self, image: Image) -> np.ndarray:
        """Bool of the image's shape."""
        return _boxed(image, [(box.x, box.y, box.w, box.h) for box in self.boxes])

    def facts(self) -> dict[str, Any]:
        """For the manifest."""
        return {"from": "boxes", "boxes": [[box.label, box.x, box.y, box.w, box.h] for box in self.boxes]}


@dataclass(frozen=True)
class MapPeaks:
    """Boxes around the peaks of our own abnormality map (`monai-inpaint difference`), which is a weak detector."""

    engine: str = "auto"

    def inside(self, image: Image) -> np.ndarray:
        """Bool of the image's shape."""
        from monai_inpaint.anomaly import compute_anomaly_map, high_candidates
        from monai_inpaint.fill.filler import Filler

        high = high_candidates(compute_anomaly_map(Filler("cxr", self.engine), image).map)
        if not high:
            raise InputError(f"{image.path or 'The image'}: nothing in it stands out; give a mask or a box.")
        return _boxed(image, [(one.x, one.y, one.w, one.h) for one in high])

    def facts(self) -> dict[str, Any]:
        """For the manifest."""
        return {"from": "peaks of the abnormality map"}


@dataclass(frozen=True)
class DrawnPlace:
    """An ellipse somewhere in the lungs."""

    seed: int

    def inside(self, image: Image) -> np.ndarray:
        """Bool of the image's shape."""
        from monai_inpaint.synthesis.nodules.displayed_slice import FILM, planes_of
        from monai_inpaint.synthesis.nodules.places import corner_of, draw_place, region_in

        rng = np.random.default_rng(self.seed)
        plane = planes_of(image, FILM)[0]
        height, width = (max(int(rng.uniform(*_SPAN) * min(plane.units.shape)), 3) for _ in range(2))
        rows, columns = np.ogrid[:height, :width]
        ellipse = ((rows + 0.5) / height - 0.5) ** 2 + ((columns + 0.5) / width - 0.5) ** 2 <= 0.25
        found = draw_place([plane], lambda one: region_in(one, FILM, "lungs"), ellipse, rng)
        if found is None:
            raise InputError(f"{image.path or 'The image'}: no room for a finding in its lungs; give a place.")
        top, left = corner_of(found[1], ellipse)
        inside = np.zeros(image.voxels.shape, bool)
        plane.view(inside)[top : top + height, left : left + width] = ellipse
        return inside

    def facts(self) -> dict[str, Any]:
        """For the manifest."""
        return {"from": "chance", "seed": self.seed}


Region = MaskFile | ListedBoxes | MapPeaks | DrawnPlace


def with_margin(inside: np.ndarray, image: Image, mm: float) -> np.ndarray:
    """Dilate a region by a number of mm; an image without spacing is assumed to be a film of `FILM_MM`."""
    from monai_inpaint.imaging.morphology import grown

    pixel = FILM_MM / max(image.voxels.shape)
    return grown(inside, mm, image.spacing or (pixel,) * image.voxels.ndim)


def _boxed(image: Image, boxes: list[tuple[float, float, float, float]]) -> np.ndarray:
    """Boxes (left, top, width, height) in pixels as displayed."""
    from monai_inpaint.synthesis.nodules.displayed_slice import FILM, planes_of

    inside = np.zeros(image.voxels.shape, bool)
    shown = planes_of(image, FILM)[0].view(inside)
    for x, y, w, h in boxes:
        left, top = (max(round(start), 0) for start in (x, y))
        shown[top : max(round(y + h), 0), left : max(round(x + w), 0)] = True
    if not inside.any():
        raise InputError(f"{image.path or 'The image'}: its boxes lie outside of it; correct them.")
    return inside
