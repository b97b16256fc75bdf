"""One slice or volume with a hole whose content is known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from monai_inpaint.imaging.bounding_box import around

GREY_RANGE = 255.0  # every figure is measured on the window mapped to 0..255


@dataclass(frozen=True, eq=False)
class EvaluationCase:
    """A slice or part of a volume, its hole and how it is measured.

    Attributes:
        name: file, slice and place: one name a case of a variant.
        patient: identifier from the data list; the file's path where the list has none.
        truth: float32 in its own units (Hounsfield for CT): (rows, columns) as displayed, or (i, j, k) with slices
            along k.
        hole: bool array of the truth's shape, True = to be filled.
        low, high: intensity window, in units of `truth`; measures and pictures map it to 0..255 and clip.
        modality: "cxr", "ct" or "mr".
        variant: which variant of the protocol.
        spacing: millimetres along each axis of the truth; None if unknown.
        affine: (4, 4), indices of a volume to RAS+ millimetres; None for a slice.
        film: the film that a patch was cut from, float32 in units; None where the truth is all there is.
        corner: row and column in it of the patch's first pixel.
        eight_bit: grey values of a picture.
    """

    name: str
    patient: str
    truth: np.ndarray
    hole: np.ndarray
    low: float
    high: float
    modality: str
    variant: str
    spacing: tuple[float, ...] | None = None
    affine: np.ndarray | None = None
    film: np.ndarray | None = None
    corner: tuple[int, int] = (0, 0)
    eight_bit: bool = False

    @cached_property
    def voided(self) -> np.ndarray:
        """A method's input: the truth with the mean of the known pixels in the hole."""
        return np.where(self.hole, self.truth[~self.hole].mean(dtype=np.float64), self.truth).astype(np.float32)

    @property
    def centre(self) -> tuple[int, ...]:
        """The voxel in the middle of the hole's bounding box."""
        return tuple((side.start + side.stop) // 2 for side in around(self.hole, 0))

    def grey(self, image: np.ndarray) -> np.ndarray:
        """`image` (units of the truth) with the window mapped to 0..255 and clipped, float64."""
        scaled = (image.astype(np.float64) - self.low) * (GREY_RANGE / (self.high - self.low))
        return np.clip(scaled, 0, GREY_RANGE)


def intensity_window(truth: np.ndarray, hole: np.ndarray, modality: str, eight_bit: bool) -> tuple[float, float]:
    """Compute the intensity window that a case is measured in.

    CT in Hounsfield units: -1000 to 1000. 8-bit films: 0 to 255. MR, and films with more bits: the 0.5 and 99.5
    percentiles of the known pixels.
    """
    if eight_bit and modality == "cxr":
        return 0.0, 255.0
    if modality == "ct":
        return -1000.0, 1000.0
    low, high = np.percentile(truth[~hole], (0.5, 99.5))
    return float(low), float(high) if high > low else float(low) + 1.0
