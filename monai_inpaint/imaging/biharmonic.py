"""Solve the biharmonic equation without a matrix: the classical fill that bundles are compared with."""

# scipy brings no types
# pyright: basic

from __future__ import annotations

import numpy as np

from monai_inpaint.imaging.bounding_box import around
from monai_inpaint.imaging.conjugate_gradients import conjugate_gradients

REACH = 2  # voxels that the stencil reaches
PRECISION = 1e-8  # of the equation's residual, relative


def solve_biharmonic(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Solve the equation of `skimage.restoration.inpaint_biharmonic` by conjugate gradients.

    With L the Laplacian of the grid (voxels as steps, mirrored at the image's border) the rows of L L u = 0 for the
    hole's voxels are symmetric and positive definite in the unknowns: they minimise |L u|^2 (Damelin and Hoang, 2018).
    So no matrix is needed, and time grows with the hole's size to the power of about 5/3: a second for 20 000 voxels.

    Args:
        image: float array of any number of axes, finite outside the hole.
        hole: bool array of the same shape.

    Returns:
        float64 array (voxels of the hole,), limited to the range of the known voxels as scikit-image does.

    Raises:
        ArithmeticError: the iteration did not converge.
    """
    from scipy.ndimage import laplace

    known = image[~hole]
    box = around(hole, REACH)
    inside = hole[box]
    start = float(image[box][~inside].mean(dtype=np.float64))

    def rows(values: np.ndarray) -> np.ndarray:
        return laplace(laplace(values))[inside]

    def change(unknowns: np.ndarray) -> np.ndarray:
        values = np.zeros(inside.shape)
        values[inside] = unknowns
        return rows(values)

    residual = -rows(np.where(inside, start, image[box]).astype(np.float64))
    correction, solved = conjugate_gradients(change, residual, PRECISION, steps=10 * residual.size)
    if not solved:
        raise ArithmeticError(f"the biharmonic equation of {residual.size} voxels did not converge")
    return np.clip(start + correction, known.min(), known.max())
