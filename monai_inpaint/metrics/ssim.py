"""Structural similarity (Wang, Bovik, Sheikh and Simoncelli, 2004), averaged over the hole."""

from __future__ import annotations

import numpy as np

from monai_inpaint.imaging.bounding_box import around
from monai_inpaint.metrics.checked_arrays import checked

SIGMA = 1.5
RADIUS = 5  # 11 taps along each axis
K1, K2 = 0.01, 0.03


def ssim_map(truth: np.ndarray, filled: np.ndarray, data_range: float) -> np.ndarray:
    """SSIM at every voxel of two arrays of one shape (2D or 3D): Gaussian weights, population statistics.

    The window is 11 voxels wide along each axis with sigma 1.5; beyond the border the image is mirrored.

    Returns:
        float64 array of the same shape, at most 1.
    """
    from scipy.ndimage import gaussian_filter

    if data_range <= 0:
        raise ValueError(f"data_range must be positive, not {data_range}")

    def local_mean(values: np.ndarray) -> np.ndarray:
        return gaussian_filter(values, SIGMA, mode="reflect", radius=RADIUS)

    truth, filled = truth.astype(np.float64), filled.astype(np.float64)
    mean_t, mean_f = local_mean(truth), local_mean(filled)
    var_t = local_mean(truth * truth) - mean_t**2
    var_f = local_mean(filled * filled) - mean_f**2
    covariance = local_mean(truth * filled) - mean_t * mean_f
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    luminance = (2 * mean_t * mean_f + c1) / (mean_t**2 + mean_f**2 + c1)
    return luminance * (2 * covariance + c2) / (var_t + var_f + c2)


def ssim(truth: np.ndarray, filled: np.ndarray, hole: np.ndarray, data_range: float) -> float:
    """SSIM of the full image, averaged over the hole's voxels.

    Windows at the rim extend into the known voxels, as in the full image. Only the part of the image within these
    windows is computed; the value is that of the full map.
    """
    truth, filled, hole = checked(truth, filled, hole)
    box = around(hole, RADIUS)
    return float(ssim_map(truth[box], filled[box], data_range)[hole[box]].mean())
