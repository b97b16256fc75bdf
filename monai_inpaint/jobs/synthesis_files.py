"""Paths of the outputs of one synthesis: images/, masks/ and manifests/ of a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from monai_inpaint.jobs.outputs import Target

IMAGES, MASKS, MANIFESTS = "images", "masks", "manifests"
PICTURES = (".png", ".tif", ".tiff")
_KEPT = (".nii", ".nii.gz", ".nrrd", ".mha")


@dataclass(frozen=True, kw_only=True)
class SynthesisFiles:
    """The files of one synthetic image.

    Attributes:
        image: the source.
        folder: parent of images/, masks/ and manifests/.
        name: of the outputs, without suffix.
    """

    image: Path
    folder: Path
    name: str

    @property
    def output(self) -> Target:
        """The image, in the source's own format; PNG where that is lossy, .dcm where DICOM has no such suffix."""
        from monai_inpaint.io import suffix_of
        from monai_inpaint.jobs.outputs import IMAGES as WRITABLE

        suffix = suffix_of(self.image)
        if self.image.is_dir():
            return Target(self.folder / IMAGES / self.name, folder=True)
        kind = (suffix if suffix in WRITABLE else ".png") if suffix else ".dcm"
        return Target(self.folder / IMAGES / f"{self.name}{kind}")

    @property
    def mask(self) -> Target:
        """Path of the mask: a picture for a picture, else in the source's format or NIfTI."""
        from monai_inpaint.io import suffix_of

        suffix = suffix_of(self.output.path) if not self.output.folder else ""
        kind = ".png" if suffix in PICTURES else suffix if suffix in _KEPT else ".nii.gz"
        return Target(self.folder / MASKS / f"{self.name}{kind}")

    @property
    def manifest(self) -> Target:
        """All that makes it again."""
        return Target(self.folder / MANIFESTS / f"{self.name}.json")

    @property
    def done(self) -> bool:
        """Whether it was written: the image gets its name last."""
        return self.output.path.exists() and self.manifest.path.exists()


def make_folders(folder: Path) -> None:
    """Make those that outputs go to, within a folder that is made too."""
    for name in (IMAGES, MASKS, MANIFESTS):
        (folder / name).mkdir(parents=True, exist_ok=True)


def drop_empty_folders(folder: Path) -> None:
    """Remove those that nothing was written to."""
    for place in (folder / IMAGES, folder / MASKS, folder / MANIFESTS, folder):
        if place.is_dir() and not any(place.iterdir()):
            place.rmdir()
