"""Continue a volume smoothly into its hole: the start of the network, close to the biharmonic fill but faster.

The exact biharmonic fill, to compare with, is `imaging.biharmonic`; `networks.known_voxels` has the start within a 2D
window.
"""

# scipy brings no types
# pyright: basic

from __future__ import annotations

import numpy as np

from monai_inpaint.imaging.biharmonic import biharmonic_change
from monai_inpaint.imaging.half_resolution import doubled, halved_sums

_COARSEST = 300  # voxels of a hole that is solved without a coarser grid first
_STEPS, _ALL_STEPS = 120, 200  # of conjugate gradients: from a coarser solution, and without one
_KNOWN = 1.5  # known voxels that make one of half the resolution known, at least: one alone reaches far into the hole
_PRECISION = 1e-3  # of the residual, relative


def continuation(values: np.ndarray, unknown: np.ndarray) -> np.ndarray:
    """Fill a hole towards the biharmonic equation: its solution on coarser grids, and steps of conjugate gradients.

    Close to `monai_inpaint.imaging.biharmonic`, in time that grows with the hole only. A voxel counts as one step along
    every axis, whatever the spacing: anatomy often runs along the axis of thick slices.

    Args:
        values: (i, j, k) float32, finite where known.
        unknown: bool of the same shape, not all True.

    Returns:
        `values` with the unknown voxels filled, limited to the range of the known ones; float32.
    """
    known = values[~unknown]
    return np.clip(_filled(np.where(unknown, 0.0, values).astype(np.float32), unknown), known.min(), known.max())


def interpolation(start: np.ndarray, unknown: np.ndarray, axis: int) -> np.ndarray:
    """Fill a hole along one axis alone: by monotone cubics between the known voxels of each line.

    They do not leave the range of the two voxels that they lie between, so the noise of these is not amplified (Fritsch
    and Butland 1984, SIAM Journal on Scientific and Statistical Computing 5, 300-304; scipy's `PchipInterpolator`).
    Beyond the last known voxel its value continues.

    Args:
        start: (i, j, k) float32; in the hole what lines with fewer than two known voxels keep.
        unknown: bool of the same shape.
        axis: of the lines.

    Returns:
        float32 of the same shape.
    """
    from scipy.interpolate import PchipInterpolator

    across, gaps = (np.moveaxis(values, axis, 0) for values in (start.copy(), unknown))
    rows, columns = np.nonzero(gaps.any(axis=0))
    forms, form = np.unique(gaps[:, rows, columns], axis=1, return_inverse=True)
    for number, gap in enumerate(forms.T):
        known = np.flatnonzero(~gap)
        if len(known) > 1:
            lines = rows[form == number], columns[form == number]
            places = np.clip(np.flatnonzero(gap), known[0], known[-1])
            curves = PchipInterpolator(known, across[known[:, None], *lines])
            across[np.flatnonzero(gap)[:, None], *lines] = curves(places)
    return np.moveaxis(across, 0, axis)


def nearness(unknown: np.ndarray, axis: int, ratio: float) -> np.ndarray:
    """One over the distance to the nearest known voxel along an axis, at most 1; 0 in known voxels and where none is.

    Args:
        unknown: bool, 3D.
        axis: perpendicular to the slices.
        ratio: spacing along the axis over that of voxels within a slice, in which the distance is measured.
    """
    across = np.moveaxis(unknown, axis, 0)
    near = np.zeros(across.shape, np.float32)
    for order in (slice(None), slice(None, None, -1)):
        steps = np.full(across.shape[1:], np.inf, np.float32)
        for inside, place in zip(across[order], near[order], strict=True):
            steps = np.where(inside, steps + 1.0, 0.0)
            np.maximum(place, np.where(inside, 1.0 / np.maximum(steps * ratio, 1.0), 0.0), out=place)
    return np.moveaxis(near, 0, axis)


def _filled(values: np.ndarray, unknown: np.ndarray) -> np.ndarray:
    inside = int(unknown.sum())
    if not inside:
        return values
    start = values.copy()
    start[unknown] = values[~unknown].mean() if inside < unknown.size else 0.0
    coarse = inside > _COARSEST
    if coarse:
        sums, counts = (halved_sums(part) for part in (values, (~unknown).astype(np.float32)))
        open_still = counts < _KNOWN
        if not open_still.all():
            means = _filled(sums / np.where(open_still, 1.0, counts), open_still)
            start[unknown] = doubled(means, values.shape)[unknown]
    start[unknown] += biharmonic_change(start, unknown, _PRECISION, _STEPS if coarse else _ALL_STEPS)[0]
    return start
