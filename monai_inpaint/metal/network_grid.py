"""The grid of the network's input slices: pixels of about 1.4 mm, in multiples of 32."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from monai_inpaint.imaging.resize import enlarged, resized

PIXEL = 1.4  # mm; streaks are wider than that, and projections of a slice take a tenth of the time
AIR = -1000.0  # HU, of what is added around
_MULTIPLE = 32


@dataclass(frozen=True)
class Grid:
    """The position of a slice on the network's grid.

    Attributes:
        fine: (rows, columns) of the slice.
        shape: (rows, columns) that it is reduced to; never enlarged.
        spacing: mm between those.
    """

    fine: tuple[int, int]
    shape: tuple[int, int]
    spacing: tuple[float, float]

    def reduced(self, values: np.ndarray) -> np.ndarray:
        """Return a slice's values averaged over the pixels of the grid, float32."""
        return resized(values, self.shape)

    def padded(self, values: np.ndarray, value: float) -> np.ndarray:
        """Values on the grid, with more after the last row and column, in multiples of 32."""
        return np.pad(values, [(0, -size % _MULTIPLE) for size in values.shape], constant_values=value)

    def enlarged(self, values: np.ndarray) -> np.ndarray:
        """Values on the grid (padded or not) as a slice's, linear between pixels, float32."""
        return enlarged(values[: self.shape[0], : self.shape[1]], self.fine)


def grid_of(shape: Sequence[int], spacing: Sequence[float], pixel: float = PIXEL) -> Grid:
    """Return the grid of a slice.

    Args:
        shape: (rows, columns).
        spacing: mm between rows and between columns.
        pixel: mm between pixels of the grid; where those of the slice are larger, they stay.
    """
    fine = (int(shape[0]), int(shape[1]))
    rows, columns = (max(round(n * min(mm / pixel, 1.0)), 1) for n, mm in zip(fine, spacing, strict=True))
    return Grid(fine, (rows, columns), (spacing[0] * fine[0] / rows, spacing[1] * fine[1] / columns))
