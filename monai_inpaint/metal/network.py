"""Metal artifacts taken out of one CT slice by a network and the slice's projections."""

# scipy brings no types
# pyright: basic

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from monai_inpaint.metal.grid import AIR, grid_of
from monai_inpaint.metal.sinogram import Projected, nmar

BUNDLE = "ct_metal"
_BLURRED, _CLEAR = 2.0, 4.0  # pixels from the metal, up to where it is all blur, and from where there is none
_LOWEST, _HIGHEST = -1000.0, 3071.0  # HU that the network was trained on

Run = Callable[[np.ndarray], np.ndarray]  # (B, 3, H, W) float32, see `MetalUNet`, to (B, 1, H, W) in HU


def predicted(slice_hu: np.ndarray, metal: np.ndarray, spacing: Sequence[float], run: Run) -> np.ndarray:
    """What the network says the slice is without the metal and its artifacts.

    It sees the slice on pixels of 1.4 mm, beside the result of `nmar` on these; so finer detail is missing.

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
    seen = (np.where(marked, 0.0, scanned), marked, corrected)
    image = np.stack([grid.padded(part, fill) for part, fill in zip(seen, (AIR, 0.0, AIR), strict=True)])
    return grid.enlarged(run(image[None].astype(np.float32))[0, 0])


def with_prior(projected: Projected, prior: np.ndarray) -> np.ndarray:
    """The slice without the metal's artifacts: rays through the metal as `predicted` has them, all others as measured.

    So the network decides nothing but what the metal hid, and its errors cannot move what other rays tell (the prior of
    Zhang and Yu 2018, IEEE Transactions on Medical Imaging 37, 1370-1381). Only the metal and the pixels around it,
    over which a scanner blurs it, are as predicted.

    Args:
        projected: the slice.
        prior: (rows, columns) HU, of `predicted`.

    Returns:
        (rows, columns) float32, HU, with tissue in place of the metal.
    """
    from scipy.ndimage import distance_transform_edt

    corrected = projected.nmar(prior)
    away: Any = distance_transform_edt(~projected.metal)
    blurred = np.clip((_CLEAR - away) / (_CLEAR - _BLURRED), 0.0, 1.0).astype(np.float32)
    return corrected + blurred * (prior - corrected)
