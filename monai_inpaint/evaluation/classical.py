"""Classical fills to compare with: the mean of the ring, two OpenCV methods, the biharmonic equation.

Each takes `image` (2D or 3D float32, any units; values inside the hole are not used) and `hole` (bool, of the same
shape) and returns a float32 array equal to the image outside the hole. A voxel counts as one step along every axis,
whatever the spacing.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from monai_inpaint.imaging.biharmonic import solve_biharmonic
from monai_inpaint.imaging.bounding_box import around

RING = 4  # voxels
RADIUS = 5  # pixels that OpenCV's methods look around a point
BIHARMONIC_REACH = 2  # pixels that the biharmonic stencil reaches

Method = Callable[[np.ndarray, np.ndarray], np.ndarray]


def fill_ring_mean(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Fill with the mean of the known voxels at most 4 voxels (along each axis) from the hole."""
    from scipy.ndimage import binary_dilation

    box = around(hole, RING)
    ring = binary_dilation(hole[box], np.ones((3,) * hole.ndim), iterations=RING) & ~hole[box]
    known = image[box][ring]
    return _composite(image, hole, np.full(image.shape, known.mean(dtype=np.float64)))


def fill_telea(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Fast marching (Telea, 2004) by OpenCV, radius 5; of a volume slice by slice along the last axis."""
    import cv2

    return _opencv(image, hole, cv2.INPAINT_TELEA)


def fill_navier_stokes(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Navier-Stokes (Bertalmio, Bertozzi and Sapiro, 2001) by OpenCV, radius 5; of a volume slice by slice."""
    import cv2

    return _opencv(image, hole, cv2.INPAINT_NS)


def fill_biharmonic(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Solve the biharmonic equation (Damelin and Hoang, 2018) by scikit-image on a crop around the hole.

    Of a volume it is the same equation in 3D, solved by conjugate gradients.

    The equation uses two pixels around the hole, so a crop that contains them (and more, so that its border is not
    treated as that of the image) has the same solution as the whole image. scikit-image limits the solution to the
    range of the known pixels: if the crop's range may have clipped it, the whole image is solved.
    """
    if image.ndim == 3:
        result = image.astype(np.float32)
        result[hole] = solve_biharmonic(image, hole)
        return result
    from skimage.restoration import inpaint_biharmonic

    exact = np.where(hole, image[~hole].mean(dtype=np.float64), image).astype(np.float64)
    box = around(hole, 2 * BIHARMONIC_REACH)
    solved = inpaint_biharmonic(exact[box], hole[box])
    known, inside = exact[box][~hole[box]], solved[hole[box]]
    if known.size < exact.size - hole.sum() and not known.min() < inside.min() <= inside.max() < known.max():
        return _composite(image, hole, inpaint_biharmonic(exact, hole))
    fill = np.zeros(image.shape)
    fill[box] = solved
    return _composite(image, hole, fill)


def _opencv(image: np.ndarray, hole: np.ndarray, flag: int) -> np.ndarray:
    import cv2

    if image.ndim == 3:
        result = image.astype(np.float32)
        for k in np.flatnonzero(hole.any(axis=(0, 1))):
            result[..., k] = _opencv(image[..., k], hole[..., k], flag)
        return result
    # OpenCV's code adds a gradient term of the order of one grey level whatever the range, and refuses signed
    # integers: it is given what it is made for, 0 to 255, in float32 to keep the fractions.
    known = image[~hole].astype(np.float64)
    low, high = float(known.min()), float(known.max())
    if high == low:
        return _composite(image, hole, np.full(image.shape, low))
    grey = np.where(hole, 0, (image.astype(np.float64) - low) * (255 / (high - low))).astype(np.float32)
    fill = cv2.inpaint(grey, hole.astype(np.uint8), RADIUS, flag).astype(np.float64)
    return _composite(image, hole, np.clip(fill, 0, 255) * ((high - low) / 255) + low)


def _composite(image: np.ndarray, hole: np.ndarray, fill: np.ndarray) -> np.ndarray:
    result = image.astype(np.float32)
    result[hole] = fill[hole].astype(np.float32)
    return result


METHODS: dict[str, Method] = {
    "ring": fill_ring_mean,
    "telea": fill_telea,
    "navier-stokes": fill_navier_stokes,
    "biharmonic": fill_biharmonic,
}
