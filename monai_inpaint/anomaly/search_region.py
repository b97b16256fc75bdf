"""Region of a slice that is searched for anomalies."""

from __future__ import annotations

import numpy as np

from monai_inpaint.evaluation.image_region import body_of
from monai_inpaint.imaging.bounding_box import Box
from monai_inpaint.imaging.lungs import lung_boxes

GROWN = 0.06  # of the height and width of the lungs, at either end


def lungs_of(film: np.ndarray) -> Box:
    """Return the box around both lungs of a film and the region between them, with a margin: two slices.

    Args:
        film: (rows, columns), air dark, upright.
    """
    (start, _), (_, stop) = lung_boxes(film)
    grown = [GROWN * (high - low) for low, high in zip(start, stop, strict=True)]
    return tuple(
        slice(max(int(low - more), 0), min(int(high + more), size))
        for low, high, more, size in zip(start, stop, grown, film.shape, strict=True)
    )


def region_of(pixels: np.ndarray, modality: str, level: float | None = None) -> np.ndarray:
    """Return the part of a slice to search: of a film the box of `lungs_of`, else the body; bool array.

    Args:
        pixels: (rows, columns) in units, as displayed.
        modality: "cxr", "ct" or "mr".
        level: the value above which is body; that of the slice's own range when None.
    """
    if modality != "cxr":
        return body_of(pixels, modality, level)
    region = np.zeros(pixels.shape, bool)
    region[lungs_of(pixels)] = True
    return region
