"""The error of a correction of metal artifacts, as a MONAI metric for the validation handler."""

from __future__ import annotations

import torch
from monai.metrics import CumulativeIterationMetric

from monai_inpaint.losses.metal_correction import AIR


class MetalRMSE(CumulativeIterationMetric):
    """Root mean square error in HU of the patient outside the metal; the mean over slices, turned negative.

    Negative, as MONAI takes the largest key metric for the best. `y_pred` (B, 1, H, W) in HU; `y` (B, 2, H, W), the
    slice without metal and the metal.
    """

    def _compute_tensor(self, y_pred: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
        if y is None:
            raise ValueError("MetalRMSE needs the truth.")
        region = ((y[:, :1] > AIR) & (y[:, 1:] == 0)).to(y_pred.dtype)
        dims = tuple(range(1, y_pred.ndim))
        mse = ((y_pred - y[:, :1]) ** 2 * region).sum(dim=dims) / region.sum(dim=dims)
        return -mse.sqrt().unsqueeze(1)

    def aggregate(self) -> torch.Tensor:
        return self.get_buffer().mean()
