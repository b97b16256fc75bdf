"""Continue a volume smoothly into its hole: the start of the network, close to the biharmonic fill but faster.

The exact biharmonic fill, to compare with, is `imaging.biharmonic`; `networks.known_voxels` has the start within a 2D
window.
"""

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


def continuation_along(start: np.ndarray, unknown: np.ndarray, axis: int) -> np.ndarray:
    """Fill a hole by the biharmonic equation along one axis: with the cubic through two known voxels on each side.

    Args:
        start: (i, j, k) float32, with the unknown voxels filled by `continuation`; lines without a known voxel keep its
            mean.
        unknown: bool of the same shape, not all True.
        axis: of the lines.

    Returns:
        As `continuation`.
    """
    known, filled = start[~unknown], start.copy()
    filled[unknown] += biharmonic_change(start, unknown, _PRECISION, _ALL_STEPS, axes=[axis])[0]
    return np.clip(filled, known.min(), known.max())


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
