"""Holes given as rectangles of pixels: x,y,width,height from the upper left corner."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image

Rectangle = tuple[int, int, int, int]


def is_rectangle(numbers: Sequence[object]) -> bool:
    """Return whether these are the left column, the top row, the width and the height of pixels that can be."""
    if len(numbers) != 4 or any(type(number) is not int for number in numbers):
        return False
    return all(lowest <= number < 2**16 for lowest, number in zip((0, 0, 1, 1), numbers, strict=True))  # type: ignore[operator]


def rectangles_in(image: Image, rectangles: Sequence[Rectangle]) -> np.ndarray:
    """Return the pixels of the rectangles: bool array of the image's shape, the same in every slice.

    Args:
        image: 2D (rows, columns), or a volume read from DICOM, (columns, rows, slices).
        rectangles: (left column, top row, width, height); may reach beyond the image.

    Raises:
        InputError: a volume of another format, whose rows and columns nobody knows; a rectangle outside of the image.
    """
    volume = image.voxels.ndim == 3
    if volume:
        from monai_inpaint.io.dicom.header import DicomHeader

        if not isinstance(image.header, DicomHeader):
            raise InputError(
                f"{image.path} is a volume without rows and columns; rectangles are for DICOM and pictures."
            )
    hole = np.zeros(image.voxels.shape, bool, order="F" if volume else "C")
    shown = hole.swapaxes(0, 1) if volume else hole
    rows, columns = len(shown), len(shown[0])
    for left, top, width, height in rectangles:
        if left >= columns or top >= rows:
            raise InputError(
                f"The rectangle {left},{top},{width},{height} lies outside of {image.path or 'the image'}, which has "
                f"{columns} columns and {rows} rows."
            )
        shown[top : top + height, left : left + width] = True
    return hole
