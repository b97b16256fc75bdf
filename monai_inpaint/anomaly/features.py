"""Compute the two features that compare a slice with its fills."""

# scipy brings no types
# pyright: basic

from __future__ import annotations

import numpy as np

NEAR = 1 / 32  # standard deviation of the Gaussian that tells coarse from fine, in parts of the slice's longer side
LEAST = 1e-3  # of the contrast, squared: detail weaker than that counts as none


def features_of(residual: np.ndarray, pixels: np.ndarray, region: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Difference in brightness to the expected image, and detail that the fill does not predict, at each place.

    Both are relative to the contrast of the region (its standard deviation), so that units do not matter.

    Args:
        residual: (rows, columns) source - filled.
        pixels: (rows, columns), the source, of some contrast in the region.
        region: (rows, columns) bool; nothing outside it is used.

    Returns:
        Two float64 arrays of that shape: the residual averaged nearby; the logarithm of the standard deviation of the
        residual around that average.
    """
    contrast = pixels[region].std(dtype=np.float64)
    coarse = nearby(residual / contrast, region)
    fine = nearby((residual / contrast - coarse) ** 2, region)
    return coarse, 0.5 * np.log(fine + LEAST)


def nearby(values: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Averages with a Gaussian over the pixels of the region; of use inside of it."""
    from scipy.ndimage import gaussian_filter

    sigma = NEAR * max(region.shape)
    weight = gaussian_filter(region.astype(np.float64), sigma)
    return gaussian_filter(np.where(region, values, 0.0), sigma) / np.maximum(weight, 1e-6)
