"""Displayed slice of an image, in which a nodule is placed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.axial import axial_slices
from monai_inpaint.imaging.display import display_axes
from monai_inpaint.imaging.hounsfield import check_hounsfield_units, looks_like_hounsfield
from monai_inpaint.imaging.image import Image

FILM, CT = "cxr", "ct"


def kind_of(image: Image) -> str:
    """Whether an image is a chest film ("cxr") or a CT in Hounsfield units ("ct").

    An image without modality is a film if it has a single slice, and a CT if its values are HU.

    Raises:
        InputError: it is neither.
    """
    name = image.path or "The image"
    single = image.voxels.ndim == 2 or 1 in image.voxels.shape
    if image.modality == CT or (image.modality is None and looks_like_hounsfield(image)):
        check_hounsfield_units(image)
        return CT
    if image.modality in (FILM, None) and single:
        return FILM
    raise InputError(f"{name} is neither a chest film nor a CT in Hounsfield units; nodules go into these two.")


@dataclass(frozen=True, eq=False)
class DisplayedSlice:
    """A slice, turned to rows and columns on the screen.

    Attributes:
        image: all of it.
        axis: across the slices; None for a 2D image, whose rows and columns stay as they are.
        number: of the slice.
    """

    image: Image
    axis: int | None
    number: int = 0

    @property
    def index(self) -> tuple[Any, ...]:
        """The slice in the image's array."""
        if self.axis is None:
            return (slice(None), slice(None))
        return tuple(self.number if axis == self.axis else slice(None) for axis in range(3))

    @property
    def spacing(self) -> tuple[float, float] | None:
        """mm between rows and between columns as displayed; None without geometry."""
        lengths = self.image.spacing
        if lengths is None:
            return None
        first, second = (length for axis, length in enumerate(lengths) if axis != self.axis)
        return (second, first) if self._turn[0] else (first, second)

    def view(self, values: np.ndarray) -> np.ndarray:
        """A view of the slice in an array of the image's shape, as displayed; writing to it writes to the array."""
        return self._turned(values[self.index])

    @cached_property
    def units(self) -> np.ndarray:
        """The slice in units as displayed, float32, dense bright."""
        units = self.image.units(self.index)
        return self._turned(-units if self.image.inverted else units)

    def shown(self, place: Sequence[int]) -> tuple[int, int]:
        """Row and column, as displayed, of a place in the image's array."""
        first, second = (int(at) for axis, at in enumerate(place) if axis != self.axis)
        transpose, flip_rows, flip_columns = self._turn
        row, column = (second, first) if transpose else (first, second)
        rows, columns = self.view(self.image.voxels).shape
        return (rows - 1 - row if flip_rows else row, columns - 1 - column if flip_columns else column)

    def place(self, row: int, column: int) -> tuple[int, ...]:
        """The place in the image's array of a row and column as displayed."""
        transpose, flip_rows, flip_columns = self._turn
        rows, columns = self.view(self.image.voxels).shape
        row, column = (rows - 1 - row if flip_rows else row, columns - 1 - column if flip_columns else column)
        first, second = (column, row) if transpose else (row, column)
        if self.axis is None:
            return first, second
        found = [first, second]
        found.insert(self.axis, self.number)
        return tuple(found)

    @cached_property
    def _turn(self) -> tuple[bool, bool, bool]:
        if self.axis is None or self.image.affine is None:
            return False, False, False
        order = [*(axis for axis in range(3) if axis != self.axis), self.axis, 3]
        return display_axes(self.image.affine[:, order])

    def _turned(self, values: np.ndarray) -> np.ndarray:
        transpose, flip_rows, flip_columns = self._turn
        shown = values.swapaxes(0, 1) if transpose else values
        return shown[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]


def planes_of(image: Image, kind: str) -> list[DisplayedSlice]:
    """All slices in which a nodule can be: the film, or the axial slices of a CT from one end to the other."""
    if image.voxels.ndim == 2:
        return [DisplayedSlice(image, None)]
    if kind == FILM:
        axis = image.voxels.shape.index(1)
        return [DisplayedSlice(image, axis)]
    axis = axial_slices(image).axis
    assert axis is not None  # of a volume
    return [DisplayedSlice(image, axis, number) for number in range(image.voxels.shape[axis])]
