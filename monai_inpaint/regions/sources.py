"""Turn what a user names into the hole of an image, for the command line, the service, the app and Slicer alike.

Each source is a class with `hole_in` and `facts`; to add a source, add a class here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from monai_inpaint.imaging.image import Image
    from monai_inpaint.imaging.label_map import Hole
    from monai_inpaint.progress import Steps
    from monai_inpaint.regions.burned_in import BurnedIn
    from monai_inpaint.regions.rectangles import Rectangle


class Source(Protocol):
    """Source of a hole."""

    def hole_in(self, image: Image, progress: Steps | None = None) -> Hole | Image:
        """Return the hole for an image.

        Raises:
            InputError: there is no hole, or it does not belong to the image.
        """
        ...

    def facts(self) -> dict[str, Any]:
        """Return entries for `hole` in the report: how a hole that the user did not draw was found."""
        ...


@dataclass(frozen=True)
class HoleFile:
    """A file: an image of the hole, a label map, a DICOM SEG or RTSTRUCT.

    Attributes:
        path: of the file.
        segment: selects one of several segments, ROIs or labels; see `read_hole`.
    """

    path: Path
    segment: str | None = None

    def hole_in(self, image: Image, progress: Steps | None = None) -> Hole:  # noqa: ARG002
        from monai_inpaint.regions.hole_file import read_hole

        return read_hole(self.path, image, self.segment)

    def facts(self) -> dict[str, Any]:
        return {}


@dataclass(frozen=True)
class ListedRectangles:
    """Rectangles of pixels, the same in every slice."""

    rectangles: tuple[Rectangle, ...]

    def hole_in(self, image: Image, progress: Steps | None = None) -> Image:  # noqa: ARG002
        from monai_inpaint.regions.rectangles import rectangles_in

        return image.map_of(rectangles_in(image, self.rectangles))

    def facts(self) -> dict[str, Any]:
        return {}


@dataclass(frozen=True)
class FoundArtifacts:
    """Artifacts that the bundle `artifact_segmentation` marks."""

    engine: str = "auto"

    def hole_in(self, image: Image, progress: Steps | None = None) -> Image:
        from monai_inpaint.regions.artifacts import ArtifactDetector, check_found

        found = ArtifactDetector(self.engine)(image, progress)
        check_found(found, image)
        return image.map_of(found)

    def facts(self) -> dict[str, Any]:
        from monai_inpaint.regions.artifacts import BUNDLE
        from monai_inpaint.registry import find_bundle

        return {"proposed_by": f"{BUNDLE} {find_bundle(BUNDLE).version}"}


@dataclass(frozen=True)
class BurnedInText:
    """Burned-in text: in the listed rectangles, or detected if the file states that it contains some."""

    text: BurnedIn
    engine: str = "auto"

    def hole_in(self, image: Image, progress: Steps | None = None) -> Image:
        from monai_inpaint.regions.burned_in import boxed, check_flag

        if self.text.rectangles:
            return ListedRectangles(self.text.rectangles).hole_in(image)
        check_flag(image)
        return image.map_of(boxed(FoundArtifacts(self.engine).hole_in(image, progress).voxels))

    def facts(self) -> dict[str, Any]:
        proposed = {} if self.text.rectangles else FoundArtifacts(self.engine).facts()
        return proposed | {"burned_in": self.text.facts()}
