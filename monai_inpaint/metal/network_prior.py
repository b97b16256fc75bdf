"""Correct one CT slice by NMAR, with the output of a network, on a grid of its own, as prior."""

# scipy brings no types
# pyright: basic

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from monai_inpaint.imaging.resize import enlarged, resized
from monai_inpaint.metal.sinogram_correction import SinogramCorrector, nmar

PIXEL = 1.4  # mm; streaks are wider than that, and projections of a slice take a tenth of the time
AIR = -1000.0  # HU, of what is added around
_MULTIPLE = 32
BUNDLE = "ct_metal"
_BLURRED, _CLEAR = 2.0, 4.0  # pixels from the metal, up to where it is all blur, and from where there is none
_AROUND = 4.0  # mm, standard deviation, over which an artifact's strength is taken
_FAINT, _STRONG = 50.0, 150.0  # HU of that strength, up to which rays are trusted, and from which they are not
_LOWEST, _HIGHEST = -1000.0, 3071.0  # HU that the network was trained on
Run = Callable[[np.ndarray], np.ndarray]  # (B, 3, H, W) float32, see `MetalUNet`, to (B, 1, H, W) in HU


@dataclass(frozen=True)
class Grid:
    """The position of a slice on the network's grid.

    Attributes:
        fine: (rows, columns) of the slice.
        shape: (rows, columns) that it is reduced to; never enlarged.
        spacing: mm between those.
    """

    fine: tuple[int, int]
    shape: tuple[int, int]
    spacing: tuple[float, float]

    def reduced(self, values: np.ndarray) -> np.ndarray:
        """Return a slice's values averaged over the pixels of the grid, float32."""
        return resized(values, self.shape)

    def padded(self, values: np.ndarray, value: float) -> np.ndarray:
        """Values on the grid, with more after the last row and column, in multiples of 32."""
        return np.pad(values, [(0, -size % _MULTIPLE) for size in values.shape], constant_values=value)

    def enlarged(self, values: np.ndarray) -> np.ndarray:
        """Values on the grid (padded or not) as a slice's, linear between pixels, float32."""
        return enlarged(values[: self.shape[0], : self.shape[1]], self.fine)


def grid_of(shape: Sequence[int], spacing: Sequence[float], pixel: float = PIXEL) -> Grid:
    """Return the grid of a slice.

    Args:
        shape: (rows, columns).
        spacing: mm between rows and between columns.
        pixel: mm between pixels of the grid; where those of the slice are larger, they stay.
    """
    fine = (int(shape[0]), int(shape[1]))
    rows, columns = (max(round(n * min(mm / pixel, 1.0)), 1) for n, mm in zip(fine, spacing, strict=True))
    return Grid(fine, (rows, columns), (spacing[0] * fine[0] / rows, spacing[1] * fine[1] / columns))


def predicted(slice_hu: np.ndarray, metal: np.ndarray, spacing: Sequence[float], run: Run) -> np.ndarray:
    """Predict the slice without the metal and its artifacts by the network.

    Its input is the slice and the result of `nmar`, both resampled to 1.4 mm; finer detail is missing.

    Args:
        slice_hu: (rows, columns), HU, finite.
        metal: (rows, columns), nonzero where metal is.
        spacing: mm between rows and between columns.
        run: the network.

    Returns:
        (rows, columns) float32, HU.

    Raises:
        InputError: as `nmar`.
    """
    grid = grid_of(slice_hu.shape, spacing)
    pixel = sum(grid.spacing) / 2  # they differ by rounding to whole pixels; projections want squares
    scanned = grid.reduced(np.clip(slice_hu, _LOWEST, _HIGHEST))
    marked = grid.reduced((np.asarray(metal) != 0).astype(np.float32)) > 0
    corrected = nmar(scanned, marked, (pixel, pixel), keep_metal=False)
    inputs = (np.where(marked, 0.0, scanned), marked, corrected)
    image = np.stack([grid.padded(part, fill) for part, fill in zip(inputs, (AIR, 0.0, AIR), strict=True)])
    return grid.enlarged(run(image[None].astype(np.float32))[0, 0])


def with_prior(projected: SinogramCorrector, slice_hu: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """The slice without the metal's artifacts: rays through the metal as `predicted` has them, all others as measured.

    If artifacts are faint, the network only determines what the metal hid, and its errors do not affect what other rays
    measured (the prior of Zhang and Yu 2018, IEEE Transactions on Medical Imaging 37, 1370-1381). If they are strong,
    other rays are wrong as well (scatter, limits of the scale, slices before and after): there all but the finest
    detail is as predicted. So are the metal and the pixels around it, into which a scanner blurs it.

    Args:
        projected: the slice.
        slice_hu: (rows, columns) HU, the same.
        prior: (rows, columns) HU, of `predicted`.

    Returns:
        (rows, columns) float32, HU, with tissue in place of the metal.
    """
    from scipy.ndimage import distance_transform_edt

    corrected = projected.nmar(prior)
    away: Any = distance_transform_edt(~projected.metal)
    blurred = np.clip((_CLEAR - away) / (_CLEAR - _BLURRED), 0.0, 1.0).astype(np.float32)
    corrected += blurred * (prior - corrected)
    grid = grid_of(prior.shape, projected.spacing)
    coarse = grid.reduced(prior)
    scanned = grid.reduced(np.where(projected.metal, prior, np.clip(slice_hu, _LOWEST, _HIGHEST)))
    unreliability = _unreliability(np.abs(scanned - coarse), grid.spacing)
    return corrected + grid.enlarged(unreliability * (coarse - grid.reduced(corrected)))


def _unreliability(artifact: np.ndarray, spacing: Sequence[float]) -> np.ndarray:
    """Unreliability of rays beside the metal, 0 to 1, by the strength of the artifact in HU around it."""
    from scipy.ndimage import gaussian_filter

    strength: Any = gaussian_filter(artifact, [_AROUND / mm for mm in spacing])
    return np.clip((strength - _FAINT) / (_STRONG - _FAINT), 0.0, 1.0).astype(np.float32)
