"""Boxes that readers drew around findings in films, as one table whatever the data set."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from pathlib import Path

from monai_inpaint.errors import InputError
from monai_inpaint.io.table import read_table


@dataclass(frozen=True)
class FindingBox:
    """A box in the film named `image` (a file name): its left upper corner and its size in pixels of that film."""

    image: str
    label: str
    x: float
    y: float
    w: float
    h: float


BOX_COLUMNS = tuple(field.name for field in fields(FindingBox))


def read_boxes(path: str | Path) -> list[FindingBox]:
    """Read the boxes of a CSV with the columns image, label, x, y, w, h, which `monai-inpaint index` writes.

    Raises:
        InputError: not such a table, or a box without an area.
    """
    return [
        finding_box(path, row["image"], row["label"], (row["x"], row["y"], row["w"], row["h"]))
        for row in read_table(Path(path), BOX_COLUMNS)
    ]


def finding_box(table: str | Path, image: str, label: str, numbers: tuple[str, str, str, str]) -> FindingBox:
    """Return a box from the cells x, y, w, h of a table.

    Raises:
        InputError: they are not numbers, or the box is empty.
    """
    try:
        x, y, w, h = map(float, numbers)
    except ValueError as error:
        raise InputError(f"{table}: the box of {image} is not of numbers ({error}); correct it.") from error
    if not (w > 0 and h > 0):
        raise InputError(f"{table}: a box of {image} is {w:g} wide and {h:g} high; correct or remove it.")
    return FindingBox(image, label, x, y, w, h)


Box = tuple[float, float, float, float]  # left, top, width, height in pixels


@dataclass(frozen=True)
class BoxedImage:
    """An image with the boxes around what it shows, or around what a detector found; none: a negative.

    Attributes:
        file: the image's name, or its path from the folder of the images.
        columns, rows: of its pixels; 0 where the image is not at hand.
        boxes: left, top, width and height in pixels.
        scores: of a detector, one for each box, higher is surer; () in a truth.
        densities: of the nodules, 0 ground-glass to 1 solid, one for each box; () where they are not known.
        patient: "" where not known.
        spacing: mm between columns and between rows; None where not known.
        path: of the image; None where it is not at hand.
        key: its identifier in the data set, such as the number in COCO.
    """

    file: str
    columns: int
    rows: int
    boxes: tuple[Box, ...] = ()
    scores: tuple[float, ...] = ()
    densities: tuple[float, ...] = ()
    patient: str = ""
    spacing: tuple[float, float] | None = None
    path: Path | None = None
    key: str = ""

    @property
    def name(self) -> str:
        """The file's name, by which detections refer to this image."""
        return Path(self.file).name


def check_boxes(image: BoxedImage, table: str | Path) -> BoxedImage:
    """Return the image, if its boxes can be right: finite, with an area, and in the image.

    Boxes of a truth must be within the image, up to a pixel of rounding; those of a detector only have to overlap it.

    Raises:
        InputError: one does not.
    """
    for x, y, width, height in image.boxes:
        shown = f"{table}: the box {x:g}, {y:g}, {width:g}, {height:g} of {image.name}"
        if not all(map(math.isfinite, (x, y, width, height))) or width <= 0 or height <= 0:
            raise InputError(f"{shown} has no area; correct or remove it.")
        if image.columns == 0:
            continue
        right, below = x + width, y + height
        far = max(-x, -y, right - image.columns, below - image.rows)
        reaches = right > 0 and below > 0 and x < image.columns and y < image.rows
        if (not image.scores and far > 1) or not reaches:
            raise InputError(f"{shown} lies outside its {image.columns} columns and {image.rows} rows; correct it.")
    for score in image.scores:
        if not math.isfinite(score):
            raise InputError(f"{table}: a score of {image.name} is {score}; give finite numbers.")
    return image
