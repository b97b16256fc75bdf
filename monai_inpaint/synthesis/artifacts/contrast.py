"""Find the intensity range of an image, and how bright an artifact must be to be visible in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

HOUNSFIELD = (-1000.0, 1000.0)
VISIBLE = 0.03  # of the contrast: what changes less is not seen
DENSEST = 3071.0  # HU, the largest value of 12 bits, at which most scanners limit metal


def contrast_of(image: np.ndarray, modality: str) -> tuple[float, float]:
    """Return the dark and the bright end of an image (rows, columns), in its units: of CT always those of `HOUNSFIELD`.

    Args:
        image: finite values in units.
        modality: "cxr", "ct" or "mr".
    """
    if modality == "ct":
        return HOUNSFIELD
    low, high = (float(value) for value in np.percentile(image, (1, 99)))
    return low, max(high, low + 1e-6 * max(1.0, abs(low)))


def any_level(rng: np.random.Generator, contrast: Sequence[float]) -> float:
    """An intensity of something that is not anatomy: dark, bright, brighter than all else, or any grey between."""
    dark, bright = contrast
    share = rng.choice((0.0, 1.0, rng.uniform(1.0, 1.6), rng.uniform(0.0, 1.0)), p=(0.25, 0.25, 0.25, 0.25))
    return round(float(dark + share * (bright - dark)), 3)


def least_change(contrast: Sequence[float]) -> float:
    """Return the smallest change that is seen, in units."""
    return VISIBLE * (contrast[1] - contrast[0])
