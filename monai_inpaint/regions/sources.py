"""Turn what a user names into the hole of an image: the one place for command, service, app and extension.

A new source is a class here with `hole_in` and `facts`.
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
    """Where a hole comes from."""

    def hole_in(self, image: Image, progress: Steps | None = None) -> Hole | Image:
        """Return the hole for an image.

        Raises:
            InputError: there is none, or it does not belong to the image.
        """
        ...

    def facts(self) -> dict[str, Any]:
        """For the report's entry `hole`: where a hole that was not given comes from."""
        ...


@dataclass(frozen=True)
class HoleFile:
    """A file: an image of the hole, a label map, a DICOM SEG or RTSTRUCT.

    Attributes:
        path: of the file.
        segment: which of several segments, ROIs or labels; as `read_hole` takes it.
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
    """What a network takes for an artifact."""

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
    """Text in the pixels: in the rectangles that were listed, or found where the file says that there is some."""

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
