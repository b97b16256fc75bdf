"""Find the images of a data set by the names in files of boxes and detections."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from monai_inpaint.datasets.finding_boxes import Box, BoxedImage
from monai_inpaint.errors import InputError
from monai_inpaint.inputs import shown
from monai_inpaint.io import suffix_of

Found = list[tuple[BoxedImage, list[Box], list[float]]]  # an image of the truth, boxes in it, and their scores


class NamedImages:
    """The images that a file of detections may refer to.

    Args:
        images: of the truth.
        table: the file, for errors.
    """

    def __init__(self, images: Sequence[BoxedImage], table: Path) -> None:
        self.images, self.table = images, table
        self._by_name: dict[str, BoxedImage] = {}
        for image in images:
            for name in (image.name, stem_of(image.name)):
                self._by_name.setdefault(name, image)
        self._by_key = {image.key: image for image in images if image.key}

    def by_name(self, name: str) -> BoxedImage:
        """The image of a name, with or without its suffix.

        Raises:
            InputError: there is none.
        """
        image = self._by_name.get(Path(name).name) or self._by_name.get(stem_of(Path(name).name))
        if image is None:
            raise InputError(f"{self.table} names {shown(name)}, which is not an image of the truth; give its truth.")
        return image

    def by_key(self, key: object) -> BoxedImage:
        """The image that the truth calls so; where it has no such names, by the image's name.

        Raises:
            InputError: there is none.
        """
        image = self._by_key.get(str(key))
        return image or self.by_name(str(key))

    def by_number(self, number: Any) -> BoxedImage:
        """The image of a place in the truth's order, from 0.

        Raises:
            InputError: no whole number, or there are fewer images.
        """
        if not isinstance(number, int | float) or number != int(number) or not 0 <= number < len(self.images):
            raise InputError(
                f"{self.table}: a box lies in slice {shown(number)}, and the truth has {len(self.images)} images; "
                "slices count its images from 0."
            )
        return self.images[int(number)]

    def error(self, what: str) -> InputError:
        """Describe an error in the file, in one sentence."""
        return InputError(f"{self.table}: {what}.")


def stem_of(name: str) -> str:
    """A file's name without the suffix of an image format."""
    return name[: len(name) - len(suffix_of(name))]


def image_path(folder: Path, name: str) -> Path | None:
    """Path of an image of a data set: in images/ or in its folder; None if the data set has no images.

    Raises:
        InputError: it is missing where others are.
    """
    places = [folder / "images" / name, folder / name]
    found = next((place for place in places if place.exists()), None)
    if found is None and (folder / "images").is_dir():
        raise InputError(f"{places[name.startswith('images/')]} is missing; put it there, or leave its rows out.")
    return found
