"""Errors inside the hole: root mean square, absolute, and squared with a weight at its border."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


def region_mean(values: torch.Tensor, region: torch.Tensor) -> torch.Tensor:
    """Mean of each window's values inside its region: (B, 1, *spatial) and (B, 1, *spatial), 1 = count, to (B,).

    Dividing by the region's own size makes large and small holes count alike (a plain masked mean over all voxels would
    scale a loss with the hole). 0 where the region is empty.
    """
    dims = tuple(range(1, values.ndim))
    return (values * region).sum(dim=dims) / region.sum(dim=dims).clamp(min=1.0)


class HoleRMSE(nn.Module):
    """Mean over the batch of each window's root mean square error inside its region.

    The root, taken per window, keeps a few hard windows from ruling the batch; it is also closer to what a mean PSNR
    rewards than a mean of squares.

    Args:
        scale: divides the error; the units' typical contrast (255 for 8-bit films, 1000 for Hounsfield units).
        floor: added to the squared relative error under the root, so that its slope stays finite.
    """

    def __init__(self, scale: float = 1.0, floor: float = 1e-6) -> None:
        super().__init__()
        self.scale = scale
        self.floor = floor

    def forward(self, fill: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """`fill` (B, 1, *spatial); `target` (B, 2, *spatial): the truth, then the region to count (1 = count)."""
        truth, region = target[:, :1], target[:, 1:]
        return (region_mean(((fill - truth) / self.scale) ** 2, region) + self.floor).sqrt().mean()


class HoleL1(nn.Module):
    """Mean over the batch of each window's mean absolute error inside its region.

    Shen et al. 2022 use the mean over the patch (equations 4 and 5), of which the hole is a few per cent: in a short
    training its weight would be negligible against the other terms.
    """

    def forward(self, fill: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """`fill` (B, 1, *spatial); `target` (B, 2, *spatial): the truth, then the region to count (1 = count)."""
        return region_mean((fill - target[:, :1]).abs(), target[:, 1:]).mean()


class ValidHoleL1(nn.Module):
    """Mean absolute error over the window, weighted in the hole and outside of it (CTSDG, equation 17).

    Args:
        valid, hole: the weights; 10 and 60 in the paper.
    """

    def __init__(self, valid: float = 10.0, hole: float = 60.0) -> None:
        super().__init__()
        self.valid, self.hole = valid, hole

    def forward(self, fill: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """`fill` (B, 1, *spatial), not composited; `target` (B, 2, *spatial): the truth, then the hole."""
        truth, hole = target[:, :1], target[:, 1:]
        return ((self.valid + (self.hole - self.valid) * hole) * (fill - truth).abs()).mean()


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
