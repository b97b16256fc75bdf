"""Universal quality index (Wang and Bovik, 2002), averaged over the hole."""

from __future__ import annotations

import numpy as np

from monai_inpaint.imaging.bounding_box import around
from monai_inpaint.metrics.checked_arrays import checked

BLOCK = 8


def uqi_map(truth: np.ndarray, filled: np.ndarray) -> np.ndarray:
    """Q of the 8-voxel block around every voxel p (from p - 4 to p + 3 along each axis).

    Q = 4 s_xy m_x m_y / ((s_x^2 + s_y^2) (m_x^2 + m_y^2)). Where both blocks are flat the first factor is 0/0 and only
    the comparison of the means is left, 2 m_x m_y / (m_x^2 + m_y^2); both flat and equal is 1. Beyond the border the
    image is mirrored. Values should be zero or positive (0 to 255): the index compares means by their ratio.

    Returns:
        float64 array of the same shape, from -1 to 1.
    """
    from scipy.ndimage import maximum_filter, minimum_filter, uniform_filter

    def block_mean(values: np.ndarray) -> np.ndarray:
        return uniform_filter(values, BLOCK, mode="reflect")

    def flat(values: np.ndarray) -> np.ndarray:
        # By the extremes, which are exact: a variance from running sums is a rounding error away from zero.
        return maximum_filter(values, BLOCK, mode="reflect") == minimum_filter(values, BLOCK, mode="reflect")

    x, y = truth.astype(np.float64), filled.astype(np.float64)
    mean_x, mean_y = block_mean(x), block_mean(y)
    variances = block_mean(x * x) - mean_x**2 + block_mean(y * y) - mean_y**2
    covariance = block_mean(x * y) - mean_x * mean_y
    flat_x, flat_y = flat(x), flat(y)

    structure = np.ones_like(x)
    rough = ~(flat_x & flat_y) & (variances > 0)
    structure[rough] = 2 * covariance[rough] / variances[rough]
    structure[flat_x ^ flat_y] = 0
    squares = mean_x**2 + mean_y**2
    luminance = np.ones_like(x)
    luminance[squares > 0] = 2 * (mean_x * mean_y)[squares > 0] / squares[squares > 0]
    return np.where(flat_x & flat_y & (x == y), 1.0, np.clip(structure * luminance, -1, 1))


def uqi(truth: np.ndarray, filled: np.ndarray, hole: np.ndarray) -> float:
    """UQI of the full image with sliding blocks, averaged over the blocks around the hole's voxels."""
    truth, filled, hole = checked(truth, filled, hole)
    box = around(hole, BLOCK)
    return float(uqi_map(truth[box], filled[box])[hole[box]].mean())
