"""Measures of a fill against the truth, inside the hole.

Every function takes `truth` and `filled` (arrays of one shape, 2D or 3D) and `hole` (boolean, True = filled), and, if
it depends on it, a `data_range` (largest minus smallest possible value) without a default: the range is part of the
figure. `monai_inpaint.metrics.lpips` needs torch and is imported by name.
"""

from __future__ import annotations

from monai_inpaint.metrics.psnr import mae, mse, psnr
from monai_inpaint.metrics.sharpness import sharpness
from monai_inpaint.metrics.ssim import ssim, ssim_map
from monai_inpaint.metrics.uqi import uqi, uqi_map

__all__ = ["mae", "mse", "psnr", "sharpness", "ssim", "ssim_map", "uqi", "uqi_map"]
