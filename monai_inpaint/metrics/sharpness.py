"""Sharpness: how much of the true gradient energy a fill has."""

from __future__ import annotations

import numpy as np

from monai_inpaint.imaging.bounding_box import around
from monai_inpaint.metrics.checked_arrays import checked


def sharpness(truth: np.ndarray, filled: np.ndarray, hole: np.ndarray) -> float:
    """Gradient energy inside the hole, filled divided by true: 1 is right, below 1 is blur, above 1 is noise or seams.

    The energy is the sum of squared central differences over the voxels whose neighbours are also in the hole, so that
    the step at the rim does not count; over all voxels of a hole too thin to have such ones. The result is 1 for two
    flat images, and infinite for detail in place of a flat truth.
    """
    from scipy.ndimage import binary_erosion

    truth, filled, hole = checked(truth, filled, hole)
    box = around(hole, 2)
    truth, filled, hole = truth[box], filled[box], hole[box]
    inside = binary_erosion(hole)
    if not inside.any():
        inside = hole
    energy_true, energy_filled = _energy(truth, inside), _energy(filled, inside)
    if energy_true == 0:
        return 1.0 if energy_filled == 0 else float("inf")
    return energy_filled / energy_true


def _energy(image: np.ndarray, inside: np.ndarray) -> float:
    gradients = [np.gradient(image, axis=axis) for axis in range(image.ndim) if image.shape[axis] > 1]
    return float(sum(np.sum(gradient[inside] ** 2) for gradient in gradients))
