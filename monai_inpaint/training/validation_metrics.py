"""MONAI metrics for the validation handler: fills, metal correction, detection of artifacts, outlines of nodules."""

from __future__ import annotations

import torch
from monai.metrics import CumulativeIterationMetric

from monai_inpaint.losses.metal_correction import AIR
from monai_inpaint.synthesis.nodules.outline import ks_distance, measures, outline_of

SPECK = 9  # pixels that may be marked in vain without an alarm


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


class MetalRMSE(CumulativeIterationMetric):
    """Root mean square error in HU of the patient outside the metal; the mean over slices, turned negative.

    Negative, as MONAI treats the largest key metric as the best. `y_pred` (B, 1, H, W) in HU; `y` (B, 2, H, W), the
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


class ShapeDistance(CumulativeIterationMetric):
    """The largest Kolmogorov-Smirnov distance of area, elongation and solidity, turned negative.

    Negative, as MONAI treats the largest key metric as the best. `y_pred` and `y` (B, 1, H, W): fields, positive
    inside; their examples do not correspond. Fields without positive values count as an outline with measures of 0.
    """

    def _compute_tensor(self, y_pred: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
        if y is None:
            raise ValueError("ShapeDistance needs real outlines.")
        pairs = [[*_measured(drawn), *_measured(real)] for drawn, real in zip(y_pred, y, strict=True)]
        return torch.tensor(pairs, dtype=torch.float64)

    def aggregate(self) -> torch.Tensor:
        pairs = self.get_buffer().cpu().numpy()
        return torch.tensor(-max(ks_distance(pairs[:, n], pairs[:, n + 3]) for n in range(3)))


def _measured(field: torch.Tensor) -> tuple[float, float, float]:
    mask = outline_of(field[0].cpu().numpy())
    return measures(mask) if mask.any() else (0.0, 0.0, 0.0)
