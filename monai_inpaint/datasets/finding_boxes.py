"""Boxes that readers drew around findings in films, as one table whatever the data set."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from monai_inpaint.errors import InputError
from monai_inpaint.io.table import read_table


@dataclass(frozen=True)
class FindingBox:
    """A box in a film: its left upper corner and its size in pixels of that film.

    `image` is the film's file name or, where several films have one name, the end of its path: "case/1-1.dcm".
    """

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
    return _checked(table, FindingBox(image, label, *_floats(table, image, numbers)))


def corner_box(table: str | Path, image: str, label: str, corners: Sequence[str]) -> FindingBox:
    """Return a box from the cells left, top, right, bottom of a table.

    Raises:
        InputError: they are not numbers, or the box is empty.
    """
    left, top, right, bottom = _floats(table, image, corners)
    return _checked(table, FindingBox(image, label, left, top, right - left, bottom - top))


def _floats(table: str | Path, image: str, cells: Sequence[str]) -> tuple[float, float, float, float]:
    try:
        first, second, third, fourth = map(float, cells)
    except ValueError as error:
        raise InputError(f"{table}: the box of {image} is not of numbers ({error}); correct it.") from error
    return first, second, third, fourth


def _checked(table: str | Path, box: FindingBox) -> FindingBox:
    if not (math.isfinite(box.x + box.y + box.w + box.h) and box.w > 0 and box.h > 0):
        raise InputError(f"{table}: a box of {box.image} is {box.w:g} wide and {box.h:g} high; correct or remove it.")
    return box


class BoxesByImage:
    """The boxes of each film, which is found by its file name or by the end of its path.

    Args:
        boxes: of any films.
    """

    def __init__(self, boxes: Iterable[FindingBox]) -> None:
        self._boxes: dict[tuple[str, ...], list[FindingBox]] = {}
        for box in boxes:
            self._boxes.setdefault(Path(box.image).parts, []).append(box)
        self._lengths = sorted({len(parts) for parts in self._boxes})

    def of(self, path: Path) -> list[FindingBox]:
        """The boxes in the film of a path, in their order; none of films that no box names."""
        parts = path.absolute().parts
        return [box for length in self._lengths for box in self._boxes.get(parts[-length:], ())]


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
