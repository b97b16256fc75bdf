"""PSNR inside the hole, as a MONAI metric for the validation handler."""

from __future__ import annotations

import torch
from monai.metrics import CumulativeIterationMetric


class HolePSNR(CumulativeIterationMetric):
    """Mean over windows of 10 log10(data_range^2 / MSE inside the region), in dB.

    `y_pred` (B, 1, *spatial); `y` (B, 2, *spatial): the truth, then the region to count. Windows whose region is
    empty are left out.
    """

    def __init__(self, data_range: float) -> None:
        super().__init__()
        self.data_range = data_range

    def _compute_tensor(self, y_pred: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
        if y is None:
            raise ValueError("HolePSNR needs the truth and its region.")
        dims = tuple(range(1, y_pred.ndim))
        region = y[:, 1:]
        mse = ((y_pred - y[:, :1]) ** 2 * region).sum(dim=dims) / region.sum(dim=dims)
        return 10.0 * torch.log10(self.data_range**2 / mse.clamp(min=1e-10)).unsqueeze(1)

    def aggregate(self) -> torch.Tensor:
        psnr = self.get_buffer()
        return psnr[torch.isfinite(psnr)].mean()
