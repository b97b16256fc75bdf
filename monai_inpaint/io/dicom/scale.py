"""Convert stored DICOM values to units, and limit the values that may be stored."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from monai_inpaint.errors import InputError


def rescale_of(dataset: Dataset, path: Path) -> tuple[float, float]:
    """Rescale slope and intercept; the defaults are 1 and 0."""
    slope, intercept = dataset.get("RescaleSlope"), dataset.get("RescaleIntercept")
    slope = 1.0 if slope in (None, "") else float(slope)
    intercept = 0.0 if intercept in (None, "") else float(intercept)
    if slope == 0 or not math.isfinite(slope) or not math.isfinite(intercept):
        raise InputError(f"{path} has the rescale slope {slope} and intercept {intercept}; repair its header.")
    return slope, intercept


def together(values: Sequence[float]) -> float | np.ndarray:
    """Return one number if all slices agree, else (1, 1, slices)."""
    return values[0] if len(set(values)) == 1 else np.array(values)[None, None, :]


def merged_range(datasets: Sequence[Dataset]) -> tuple[float, float]:
    """Smallest and largest value every slice can store with its BitsStored."""
    ranges = []
    for dataset in datasets:
        bits = int(dataset.get("BitsStored") or dataset.BitsAllocated)
        signed = int(dataset.get("PixelRepresentation") or 0)
        ranges.append((-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1))
    return max(low for low, _ in ranges), min(high for _, high in ranges)


def merged_padding(datasets: Sequence[Dataset]) -> tuple[float, float] | None:
    """Smallest and largest stored value that means "no image" in any slice; None if there is no such value."""
    values = [value for dataset in datasets for value in _padding(dataset)]
    return (min(values), max(values)) if values else None


def _padding(dataset: Dataset) -> list[int]:
    """The ends of the range that PixelPaddingValue begins, signed as the pixels are."""
    bits, signed = int(dataset.BitsAllocated), int(dataset.get("PixelRepresentation") or 0)
    padding = [dataset.get(keyword) for keyword in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
    values = [int(value) % 2**bits for value in padding if value not in (None, "")]
    return [value - 2**bits if signed and value >= 2 ** (bits - 1) else value for value in values]
