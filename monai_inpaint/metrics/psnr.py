"""Voxel errors inside the hole: MSE, MAE, PSNR."""

from __future__ import annotations

import numpy as np

from monai_inpaint.metrics.checked_arrays import checked


def mse(truth: np.ndarray, filled: np.ndarray, hole: np.ndarray) -> float:
    """Mean squared error over the hole's voxels, in squared units of the arrays."""
    truth, filled, hole = checked(truth, filled, hole)
    return float(np.mean((filled[hole] - truth[hole]) ** 2))


def mae(truth: np.ndarray, filled: np.ndarray, hole: np.ndarray) -> float:
    """Mean absolute error over the hole's voxels, in units of the arrays."""
    truth, filled, hole = checked(truth, filled, hole)
    return float(np.mean(np.abs(filled[hole] - truth[hole])))


def psnr(truth: np.ndarray, filled: np.ndarray, hole: np.ndarray, data_range: float) -> float:
    """Peak signal-to-noise ratio in dB: 10 log10(data_range^2 / MSE), the MSE over the hole's voxels.

    Infinite for an exact fill.
    """
    if data_range <= 0:
        raise ValueError(f"data_range must be positive, not {data_range}")
    error = mse(truth, filled, hole)
    return float(10 * np.log10(data_range**2 / error)) if error > 0 else float("inf")
