"""What the slices of a slab tell one another, near in millimetres rather than in number."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

_FADING = 1.5  # a known cell's weight falls by e to this power with every slice: of several the nearest counts most


class Neighbours:
    """Averages over neighbouring slices of features (B * slices, C, H, W), one slab's slices after another's.

    Args:
        slices: of each slab.
        ratio: (B,) spacing of slices over spacing of voxels within a slice.
        known: (B * slices, 1, rows, columns), 1 where the image is known, at its own resolution.
    """

    def __init__(self, slices: int, ratio: torch.Tensor, known: torch.Tensor) -> None:
        self.slices, self.ratio, self.known = slices, ratio, known
        number = torch.arange(slices, device=ratio.device, dtype=ratio.dtype)
        self.steps = number[:, None] - number[None, :]  # + where the other slice lies before
        self.apart = self.steps * ratio[:, None, None]  # in voxels of a slice

    def before(self, reach: float, features: torch.Tensor) -> torch.Tensor:
        """The mean over the slices before each, weighted by a Gaussian of distance whose deviation is half the reach.

        The first slice has itself.
        """
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

    def between(self, cell: int, features: torch.Tensor) -> torch.Tensor:
        """Interpolated between the nearest known cells before and after; where there are none, the features' own.

        Args:
            cell: side in voxels of what one of the features stands for; it is known where all of it is.
            features: at the resolution of cells.
        """
        known = (F.avg_pool2d(self.known, cell) > 0.99).to(features.dtype)
        told, trust = torch.zeros_like(features), torch.zeros_like(known)
        for steps in (self.steps, -self.steps):
            fading = torch.exp(-_FADING * steps.clamp(min=0.0)) * (steps > 0)
            weight = self._summed(fading, known)
            distance = self._summed(fading * steps, known) / weight.clamp(min=1e-30)
            near = torch.where(weight > 1e-30, 1.0 / distance.clamp(min=1.0), torch.zeros_like(weight))
            told = told + near * self._summed(fading, features * known) / weight.clamp(min=1e-30)
            trust = trust + near
        return torch.where(trust > 0.0, told / trust.clamp(min=1e-6), features)

    def _averaged(self, nearness: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        return self._summed(nearness / nearness.sum(dim=2, keepdim=True), features)

    def _summed(self, weights: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """Over slices, with weights ([B,] slices, slices)."""
        batch = self.ratio.shape[0]
        slabs = features.reshape(batch, self.slices, -1)
        weights = weights.to(features.dtype).expand(batch, self.slices, self.slices)
        return torch.bmm(weights, slabs).reshape(features.shape)


class ThroughPlane(nn.Module):
    """x + how the slices around differ from x, each kind of difference through a 1x1 convolution.

    Told are the means before and after, which make neighbours agree, and what lies between the known cells on either
    side, which carries detail across the hole at once. Starts as the identity; a slab of one slice passes unchanged,
    whatever was learned: volumes and single slices share a network.

    Args:
        channels: features.
        cell: side in voxels of what one of the features stands for; the means reach about as far.
    """

    def __init__(self, channels: int, cell: int) -> None:
        super().__init__()
        self.cell = cell
        self.before = nn.Conv2d(channels, channels, 1, bias=False)
        self.after = nn.Conv2d(channels, channels, 1, bias=False)
        self.between = nn.Conv2d(channels, channels, 1, bias=False)
        for told in (self.before, self.after, self.between):
            nn.init.zeros_(told.weight)

    def forward(self, x: torch.Tensor, neighbours: Neighbours) -> torch.Tensor:
        return (
            x
            + self.before(neighbours.before(self.cell, x) - x)
            + self.after(neighbours.after(self.cell, x) - x)
            + self.between(neighbours.between(self.cell, x) - x)
        )
