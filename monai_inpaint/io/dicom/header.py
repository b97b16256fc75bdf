"""Header that an image keeps of its DICOM data sets."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from monai_inpaint.imaging.image import Image
from monai_inpaint.imaging.modality import FROM_DICOM
from monai_inpaint.io.dicom.lossy import is_lossy
from monai_inpaint.io.dicom.scale import merged_padding, merged_range

_PIXELS = ("PixelData", "ExtendedOffsetTable", "ExtendedOffsetTableLengths")
# what pydicom and float() raise where an element holds what its type forbids
BAD_VALUES = (ValueError, TypeError, OverflowError, AttributeError, NotImplementedError, LookupError, struct.error)


@dataclass(frozen=True)
class DicomHeader:
    """Data sets without their pixels, in the order of the slices.

    Attributes:
        datasets: one a slice of a series; a single one for a 2D image or a multi-frame file.
        frames: for a multi-frame file the frame (from 0) of each slice; None for all others.
        words: for each slice the words of its file (rows, columns) if they contain more than its values, else None; ()
            if all are None.
        left_out: SOPInstanceUIDs of the series that are not slices of it: localizers.
    """

    datasets: tuple[Dataset, ...]
    frames: tuple[int, ...] | None = None
    words: tuple[np.ndarray | None, ...] = ()
    left_out: frozenset[str] = frozenset()

    def of_slice(self, k: int) -> Dataset:
        """Return the data set that a slice came from."""
        return self.datasets[min(k, len(self.datasets) - 1)]

    def words_of_slice(self, k: int) -> np.ndarray | None:
        """Return the words of a slice if they contain more than its values."""
        return self.words[k] if self.words else None


def without_pixels(dataset: Dataset) -> Dataset:
    """Remove the pixels of a data set, and return it."""
    for keyword in _PIXELS:
        if keyword in dataset:
            del dataset[keyword]
    return dataset


def image_of(
    voxels: np.ndarray,
    affine: np.ndarray | None,
    slope: float | np.ndarray,
    intercept: float | np.ndarray,
    path: Path,
    header: DicomHeader,
) -> Image:
    """Return an Image with modality, range and polarity of the first data set."""
    first = header.datasets[0]
    return Image(
        voxels,
        affine,
        FROM_DICOM.get(str(first.get("Modality", ""))),
        slope,
        intercept,
        merged_range(header.datasets),
        str(first.PhotometricInterpretation) == "MONOCHROME1",
        path,
        header,
        lossy=any(map(is_lossy, header.datasets)),
        padding=merged_padding(header.datasets),
    )
