"""An image: stored voxels, their position in the patient, and the header that its format needs for writing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Image:
    """Voxels as stored in the file, with geometry and the way to physical units.

    Attributes:
        voxels: stored values in the stored dtype (real numbers); 2D (rows, columns) or 3D (i, j, k) with slices
            along k. Never written to.
        affine: (4, 4) float64, from indices (axis 0, axis 1, axis 2 or 0, 1) to RAS+ millimetres; None for a picture
            without physical size, which is displayed as stored.
        modality: "cxr", "ct", "mr", or None if the file does not state it.
        slope, intercept: units = slope * stored + intercept; numbers, or arrays that broadcast over the voxels
            (DICOM slices with a rescale each). Units are Hounsfield for CT.
        stored_range: smallest and largest value that may be stored (DICOM BitsStored); None: all of the dtype.
        inverted: low values are shown bright (DICOM MONOCHROME1).
        path: where it was read from.
        header: what the writer of its format needs; opaque to all other code.
        placed: False if the position in `affine` is assumed: films without orientation, NIfTI files without a valid
            form, NRRD and MetaImage without a space.
        lossy: the voxels contain the noise of lossy compression (JPEG, WebP).
        padding: smallest and largest stored value that means "no image here" (DICOM PixelPaddingValue); None: every
            value belongs to the image.
        other_affine: a second position that the file states and that differs from `affine` (the qform of a NIfTI whose
            sform differs); else None.
        notes: sentences for the report about how the image was read, without names of files or patients.
    """

    voxels: np.ndarray
    affine: np.ndarray | None = None
    modality: str | None = None
    slope: float | np.ndarray = 1.0
    intercept: float | np.ndarray = 0.0
    stored_range: tuple[float, float] | None = None
    inverted: bool = False
    path: Path | None = None
    header: Any = field(default=None, repr=False)
    placed: bool = True
    lossy: bool = False
    padding: tuple[float, float] | None = None
    other_affine: np.ndarray | None = None
    notes: tuple[str, ...] = ()

    @property
    def spacing(self) -> tuple[float, ...] | None:
        """Millimetres between voxels along each axis of the array; None without geometry."""
        if self.affine is None:
            return None
        lengths = np.linalg.norm(self.affine[:3, :3], axis=0)
        return tuple(float(length) for length in lengths[: self.voxels.ndim])

    def units(self, index: Any = ...) -> np.ndarray:
        """Return the voxels at `index` in physical units, float32 (computed in float64)."""
        stored = self.voxels[index].astype(np.float64)
        return (stored * self._at(self.slope, index) + self._at(self.intercept, index)).astype(np.float32)

    def stored(self, units: np.ndarray, index: Any = ...) -> np.ndarray:
        """Return physical units as stored values for the voxels at `index`: rounded, and limited to the stored range.

        A value in the padding range becomes the nearest one outside it.
        """
        exact = (units.astype(np.float64) - self._at(self.intercept, index)) / self._at(self.slope, index)
        dtype = self.voxels.dtype
        if dtype.kind == "f":
            return exact.astype(dtype)
        info = np.iinfo(dtype)
        low, high = (int(end) for end in self.stored_range or (info.min, info.max))
        whole = np.rint(exact)
        if self.padding:
            whole = _beside(np.clip(whole, low, high), self.padding, low, high)
        # Limits of 64 bits are not floats: the next one above is none of the dtype, and would come back as 0.
        within = (whole > low) & (whole < high)
        limits = np.array([low, high], dtype)[(whole >= high).astype(np.intp)]
        return np.where(within, np.where(within, whole, 0).astype(dtype), limits)

    def with_voxels(self, voxels: np.ndarray) -> Image:
        """Return the same image with other stored voxels (same shape and dtype)."""
        if voxels.shape != self.voxels.shape or voxels.dtype != self.voxels.dtype:
            raise ValueError(f"{voxels.shape} {voxels.dtype} is not {self.voxels.shape} {self.voxels.dtype}")
        return replace(self, voxels=voxels)

    def map_of(self, values: np.ndarray, modality: str | None = None) -> Image:
        """Return an image of other values on the same grid, without rescaling.

        Args:
            values: of this image's shape; any dtype.
            modality: of the values; None for labels.
        """
        if values.shape != self.voxels.shape:
            raise ValueError(f"{values.shape} is not {self.voxels.shape}")
        place = self.header.place() if hasattr(self.header, "place") else None
        return Image(values, self.affine, modality, header=place, placed=self.placed, other_affine=self.other_affine)

    def _at(self, scale: float | np.ndarray, index: Any) -> Any:
        return np.broadcast_to(scale, self.voxels.shape)[index] if np.ndim(scale) else scale


def _beside(values: np.ndarray, padding: tuple[float, float], low: float, high: float) -> np.ndarray:
    """The values with those in the range of the padding moved out of it, to the nearer side that may be stored."""
    first, last = padding
    below, above = first - 1 >= low, last + 1 <= high
    padded = (values >= first) & (values <= last)
    if not padded.any() or not (below or above):
        return values
    up = (values > (first + last) / 2) if below and above else np.full(values.shape, above)
    return np.where(padded, np.where(up, last + 1, first - 1), values)
