"""The loss of the network that corrects CT slices with metal."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

AIR = -900.0  # HU, below which a pixel is outside the patient, or gas


class MetalLoss(nn.Module):
    """Huber's loss in HU of the patient: squared below `corner`, linear above, so that a few streaks do not rule all.

    Air counts little, and so does tissue in place of the metal, of which nothing was measured.

    Args:
        corner: HU.
        air: weight of pixels of air.
        under: weight of pixels under metal.
    """

    def __init__(self, corner: float = 100.0, air: float = 0.1, under: float = 0.1) -> None:
        super().__init__()
        self.corner, self.air, self.under = corner, air, under

    def forward(self, corrected: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """`corrected` (B, 1, H, W) in HU; `truth` (B, 2, H, W), the slice without metal in HU, and the metal."""
        hu, metal = truth[:, :1], truth[:, 1:]
        weight = torch.where(hu > AIR, 1.0, self.air) * torch.where(metal > 0, self.under, 1.0)
        error = F.huber_loss(corrected / self.corner, hu / self.corner, reduction="none")
        return (weight * error).sum() / weight.sum()
