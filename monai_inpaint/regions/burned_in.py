"""Regions of burned-in text: listed by a person, or detected where DICOM's flag states that there is text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.imaging.morphology import connected_parts
from monai_inpaint.regions.rectangles import Rectangle, is_rectangle

FLAG = "flag"
_COLUMNS = ("x", "y", "w", "h")
_GIVE = "give x,y,width,height in pixels from the upper left corner, several with ';' between them, or a .csv"


@dataclass(frozen=True)
class BurnedIn:
    """Regions of burned-in text.

    Attributes:
        rectangles: see `rectangles_in`. Empty: detected by a network, if the file states that there is text.
        complete: the user asserts that no other text is burned in.
    """

    rectangles: tuple[Rectangle, ...] = ()
    complete: bool = False

    def facts(self) -> dict[str, object]:
        """For the report."""
        return {"rectangles": [list(rectangle) for rectangle in self.rectangles], "complete": self.complete}


def read_burned_in(text: str, *, complete: bool) -> BurnedIn:
    """Read the regions that an argument names: "x,y,w,h;...", a CSV file with the columns x, y, w, h, or "flag".

    Raises:
        InputError: none of these, an empty rectangle, or completeness is asserted without rectangles.
    """
    if text.strip().lower() == FLAG:
        if complete:
            raise InputError("Text that is still to be detected cannot be declared complete; list its rectangles.")
        return BurnedIn()
    if text.lower().endswith(".csv"):
        from monai_inpaint.io.table import read_table

        parts = [",".join(row[column] for column in _COLUMNS) for row in read_table(Path(text), _COLUMNS)]
    else:
        parts = [part for part in text.split(";") if part.strip()]
    if not parts:
        raise InputError(f"--burned-in names no rectangle; {_GIVE}.")
    return BurnedIn(tuple(_rectangle(part, text) for part in parts), complete)


def boxed(found: np.ndarray) -> np.ndarray:
    """Extend the marked pixels to upright rectangles in each slice, as outlines of letters would reveal the text.

    Args:
        found: bool, 2D or 3D with slices along the last axis.
    """
    result = found.copy()
    for index in [...] if found.ndim == 2 else [(..., k) for k in range(found.shape[2])]:
        shown, marked = result[index], 0
        while marked != np.count_nonzero(shown):  # boxes that overlap make a larger one
            marked = np.count_nonzero(shown)
            for box in connected_parts(shown)[1]:
                shown[box] = True
    return result


def check_flag(image: Image) -> None:
    """Refuse to search for text if the file does not state that there is any.

    Raises:
        InputError: not DICOM, or BurnedInAnnotation is not YES in any of its files.
    """
    from monai_inpaint.io.dicom.header import DicomHeader

    name = image.path or "The image"
    if not isinstance(image.header, DicomHeader):
        raise InputError(f"{name} is not a DICOM file, so it has no flag for burned-in text; list the rectangles.")
    flags = {str(dataset.get("BurnedInAnnotation") or "absent") for dataset in image.header.datasets}
    if "YES" not in flags:
        raise InputError(
            f"BurnedInAnnotation of {name} is {' and '.join(sorted(flags))}, not YES, so no text was looked for; list "
            "the rectangles if there is text."
        )


def _rectangle(part: str, text: str) -> Rectangle:
    try:
        left, top, width, height = rectangle = tuple(int(number) for number in part.split(","))
    except ValueError as error:
        raise InputError(f"--burned-in {text}: {part.strip()!r} is not a rectangle; {_GIVE}.") from error
    if not is_rectangle(rectangle):
        raise InputError(f"--burned-in {text}: {part.strip()} is empty or begins outside of the image; {_GIVE}.")
    return left, top, width, height
