"""Dice and binary cross-entropy loss, for networks that mark regions."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from monai.losses import DiceLoss
from torch import nn


class DiceBCE(nn.Module):
    """MONAI's Dice loss over the whole batch, and the binary cross-entropy of every pixel.

    Over the batch, because the Dice of a single image without a region does not measure false positives.
    """

    def __init__(self) -> None:
        super().__init__()
        self.dice = DiceLoss(batch=True)

    def forward(self, probability: torch.Tensor, region: torch.Tensor) -> torch.Tensor:
        """`probability` (B, 1, *spatial) from 0 to 1; `region` of that shape, 1 = to be marked."""
        return self.dice(probability, region) + F.binary_cross_entropy(probability, region)
