"""Squared error weighted at the border of the hole (Belli et al. 2018)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from monai_inpaint.losses.hole_rmse import region_mean


class BorderWeightedL2(nn.Module):
    """Mean over the batch of each window's squared error inside its region (equation 1), weighted at the border.

    A voxel is in the border if a voxel outside the region is at most `border` rows and columns away; everything beyond
    the window is outside. The weighted sum is divided by the number of voxels, as in the code that the paper builds on,
    not by the sum of weights.

    Args:
        weight: of the border's voxels; 10 in the paper (section 3.4).
        border: width in voxels; 4 in the paper.
    """

    def __init__(self, weight: float = 10.0, border: int = 4) -> None:
        super().__init__()
        self.weight = weight
        self.border = border

    def forward(self, fill: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """`fill` (B, 1, H, W) in [-1, 1]; `target` (B, 2, H, W): the truth, then the region to count (1 = count)."""
        truth, region = target[:, :1], target[:, 1:]
        outside = F.pad(1.0 - region, (self.border,) * 4, value=1.0)
        near = F.max_pool2d(outside, 2 * self.border + 1, stride=1)
        weight = 1.0 + (self.weight - 1.0) * near
        return region_mean(weight * (fill - truth) ** 2, region).mean()
