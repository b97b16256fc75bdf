"""What the slices of a slab tell one another, near in millimetres rather than in number."""

from __future__ import annotations

import torch
from torch import nn


class Neighbours:
    """Averages over neighbouring slices of features (B * slices, C, H, W), one slab's slices after another's.

    Args:
        slices: of each slab.
        ratio: (B,) spacing of slices over spacing of voxels within a slice.
    """

    def __init__(self, slices: int, ratio: torch.Tensor) -> None:
        self.slices = slices
        number = torch.arange(slices, device=ratio.device, dtype=ratio.dtype)
        self.apart = (number[:, None] - number[None, :]) * ratio[:, None, None]  # in voxels of a slice; + is after

    def within(self, reach: float, features: torch.Tensor) -> torch.Tensor:
        """The mean over all slices, each weighted by a Gaussian of its distance whose deviation is half the reach."""
        return self._averaged(self._nearness(reach), features)

    def before(self, reach: float, features: torch.Tensor) -> torch.Tensor:
        """The same over the slices before each; the first slice has itself."""
        return self._averaged(self._one_sided(self._nearness(reach), self.apart > 0), features)

    def after(self, reach: float, features: torch.Tensor) -> torch.Tensor:
        """The same over the slices after each; the last slice has itself."""
        return self._averaged(self._one_sided(self._nearness(reach), self.apart < 0), features)

    def _nearness(self, reach: float) -> torch.Tensor:
        # The floor keeps the nearest slice where even it lies far beyond the reach.
        return torch.exp(-0.5 * (self.apart / (0.5 * reach)) ** 2) + 1e-6 * torch.exp(-self.apart.abs() / reach)

    def _one_sided(self, nearness: torch.Tensor, side: torch.Tensor) -> torch.Tensor:
        nearness = nearness * side.to(nearness.dtype)
        alone = (nearness.sum(dim=2, keepdim=True) == 0).to(nearness.dtype)
        return nearness + alone * torch.eye(self.slices, device=nearness.device, dtype=nearness.dtype)

    def _averaged(self, nearness: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        weights = (nearness / nearness.sum(dim=2, keepdim=True)).to(features.dtype)
        slabs = features.reshape(weights.shape[0], self.slices, -1)
        return torch.bmm(weights, slabs).reshape(features.shape)


class ThroughPlane(nn.Module):
    """x + what the slices before and after it differ from x, each through a 1x1 convolution; starts as the identity.

    A slab of one slice passes unchanged, whatever was learned: volumes and single slices share a network.

    Args:
        channels: features.
        reach: how far it looks, in voxels of the window.
    """

    def __init__(self, channels: int, reach: float) -> None:
        super().__init__()
        self.reach = reach
        self.before = nn.Conv2d(channels, channels, 1, bias=False)
        self.after = nn.Conv2d(channels, channels, 1, bias=False)
        nn.init.zeros_(self.before.weight)
        nn.init.zeros_(self.after.weight)

    def forward(self, x: torch.Tensor, neighbours: Neighbours) -> torch.Tensor:
        told_before = self.before(neighbours.before(self.reach, x) - x)
        return x + told_before + self.after(neighbours.after(self.reach, x) - x)
