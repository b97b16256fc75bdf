"""False-positive rate of a detection network, as a MONAI metric."""

from __future__ import annotations

import torch
from monai.metrics import CumulativeIterationMetric

SPECK = 9  # pixels that may be marked in vain without an alarm


class FalseAlarms(CumulativeIterationMetric):
    """The share of images without a region in which more than a speck is marked.

    `y_pred` (B, 1, *spatial), 1 = marked; `y` of that shape, 1 = to be marked. Images with a region are left out.
    """

    def _compute_tensor(self, y_pred: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
        if y is None:
            raise ValueError("FalseAlarms needs the regions.")
        dims = tuple(range(1, y_pred.ndim))
        alarm = (y_pred.sum(dim=dims) > SPECK).to(y_pred.dtype)
        return torch.where(y.sum(dim=dims) > 0, torch.nan, alarm).unsqueeze(1)

    def aggregate(self) -> torch.Tensor:
        alarms = self.get_buffer()
        return alarms[torch.isfinite(alarms)].mean()
