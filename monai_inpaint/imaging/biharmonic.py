"""Solve the biharmonic equation in a hole: the classical fill that bundles are compared with, and steps towards it."""

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

    Time grows with the hole's size to the power of about 5/3.

    Args:
        image: float array of any number of axes, finite outside the hole.
        hole: bool array of the same shape.

    Returns:
        float64 array (voxels of the hole,), limited to the range of the known voxels as scikit-image does.

    Raises:
        ArithmeticError: the iteration did not converge.
    """
    known = image[~hole]
    box = around(hole, REACH)
    inside = hole[box]
    start = float(image[box][~inside].mean(dtype=np.float64))
    values = np.where(inside, start, image[box]).astype(np.float64)
    change, solved = biharmonic_change(values, inside, PRECISION, steps=10 * int(inside.sum()))
    if not solved:
        raise ArithmeticError(f"the biharmonic equation of {change.size} voxels did not converge")
    return np.clip(start + change, known.min(), known.max())


def biharmonic_change(values: np.ndarray, hole: np.ndarray, precision: float, steps: int) -> tuple[np.ndarray, bool]:
    """Compute what must be added to the values in the hole so that they solve the biharmonic equation.

    With L the Laplacian of the grid (voxels as steps, repeated at the array's border) the rows of L L u = 0 for the
    hole's voxels are symmetric and positive definite in the unknowns: they minimise |L u|^2 (Damelin and Hoang, 2018).
    They are the normal equations of the columns of L for the hole's voxels, a sparse matrix.

    Args:
        values: float array of any number of axes; the change has its type.
        hole: bool array of the same shape.
        precision, steps: of `conjugate_gradients`.

    Returns:
        (voxels of the hole,), and whether the precision was reached.
    """
    from scipy.ndimage import laplace

    columns, reached = _laplacian_columns(hole)
    columns = columns.astype(values.dtype)
    rows = columns.T.tocsr()
    residual = -(rows @ laplace(values)[reached])
    return conjugate_gradients(lambda change: rows @ (columns @ change), residual, precision, steps)


def _laplacian_columns(hole: np.ndarray):  # noqa: ANN202
    """Return the Laplacian of values that are 0 outside the hole, and the voxels where it may not be 0.

    The matrix is sparse, (those voxels, voxels of the hole); the voxels are a bool array.
    """
    from scipy.sparse import coo_array

    inside, present = (np.pad(part, 1) for part in (np.ascontiguousarray(hole), np.ones(hole.shape, bool)))
    strides = np.array(inside.strides)  # a bool is a byte
    voxels = np.flatnonzero(inside)[:, None]
    beside = voxels + np.concatenate((strides, -strides))
    real = present.ravel()[beside]
    reached = inside.copy()
    reached.ravel()[beside[real]] = True
    row = np.cumsum(reached, dtype=np.int32) - 1
    column = np.broadcast_to(np.arange(len(voxels), dtype=np.int32)[:, None], beside.shape)
    entries = np.concatenate((-real.sum(axis=1), np.ones(np.count_nonzero(real))))
    places = row[np.concatenate((voxels.ravel(), beside[real]))], np.concatenate((column[:, 0], column[real]))
    matrix = coo_array((entries, places), shape=(int(row[-1]) + 1, len(voxels))).tocsr()
    return matrix, reached[tuple(slice(1, -1) for _ in hole.shape)]
