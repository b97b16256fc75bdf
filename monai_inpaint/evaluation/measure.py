"""Measures of a filled case against its truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monai_inpaint import metrics
from monai_inpaint.evaluation.case import GREY_RANGE, EvaluationCase
from monai_inpaint.imaging.display import displayed

if TYPE_CHECKING:
    from monai_inpaint.metrics.lpips import Lpips

# name -> (heading, decimals)
MEASURES = {
    "psnr": ("PSNR dB", 2),
    "ssim": ("SSIM", 3),
    "uqi": ("UQI", 3),
    "lpips": ("LPIPS", 3),
    "sharpness": ("Sharpness", 2),
    "mse": ("MSE", 1),
    "mae": ("MAE", 2),
    "mae_units": ("MAE, own units", 2),
}


def measure(case: EvaluationCase, filled: np.ndarray, lpips: Lpips | None = None, window: int = 0) -> dict[str, float]:
    """Measure a fill inside the hole, on the window mapped to 0..255 and clipped.

    In a volume all are computed in 3D with voxels as steps whatever the spacing, except LPIPS: that of the slice along
    k, as displayed, through the middle of the hole.

    Args:
        case: with the truth.
        filled: float32 array of the truth's shape, in its units.
        lpips: if given, measures LPIPS on the composite in `window` pixels around the hole.
        window: see `lpips`.

    Returns:
        Keys of `MEASURES`, in their order; "mae_units" is the MAE in the image's own units (clipped to the window);
        no "lpips" without features.

    Raises:
        ValueError: the fill changed known pixels, or is not finite.
    """
    if filled.shape != case.truth.shape:
        raise ValueError(f"the fill has the shape {filled.shape}, the image {case.truth.shape}")
    if not np.array_equal(filled[~case.hole], case.truth[~case.hole]):
        raise ValueError("the fill changed pixels outside the hole")
    if not np.isfinite(filled).all():
        raise ValueError("the fill contains NaN or infinite values")
    truth, grey, hole = case.grey(case.truth), case.grey(filled), case.hole
    mae = metrics.mae(truth, grey, hole)
    perceived = {} if lpips is None else {"lpips": lpips.in_window(*seen_of(case, filled), GREY_RANGE, window)}
    return {
        "psnr": metrics.psnr(truth, grey, hole, GREY_RANGE),
        "ssim": metrics.ssim(truth, grey, hole, GREY_RANGE),
        "uqi": metrics.uqi(truth, grey, hole),
        **perceived,
        "sharpness": metrics.sharpness(truth, grey, hole),
        "mse": metrics.mse(truth, grey, hole),
        "mae": mae,
        "mae_units": mae * (case.high - case.low) / GREY_RANGE,
    }


def seen_of(case: EvaluationCase, filled: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, fill and hole as displayed, 0 to 255: a slice; of a volume that along k through the middle."""
    truth, grey, hole = (_slice_shown(case, values) for values in (case.grey(case.truth), case.grey(filled), case.hole))
    return truth, grey, hole


def _slice_shown(case: EvaluationCase, values: np.ndarray) -> np.ndarray:
    return values if case.affine is None else displayed(values[..., case.centre[2]], case.affine)
