"""Boxes that readers drew around findings in films, as one table whatever the data set."""

from __future__ import annotations

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


@dataclass(frozen=True)
class BoxedImage:
    """An image with boxes around what it shows, as writers of detection data take it.

    Attributes:
        file: name of the image, without its folder.
        columns, rows: of its pixels.
        boxes: left, top, width and height in pixels; empty where it shows nothing.
    """

    file: str
    columns: int
    rows: int
    boxes: tuple[tuple[int, int, int, int], ...] = ()
