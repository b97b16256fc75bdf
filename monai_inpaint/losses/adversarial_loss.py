"""Adversarial losses of discriminator and generator, from logits of real and of filled images.

MONAI's PatchAdversarialLoss has the same criteria, but transforms the logits first: its binary cross entropy has no
gradient once the sigmoid is 0 or 1 and does not run in mixed precision, and its hinge uses hyperbolic tangents.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn


class AdversarialLoss(nn.Module):
    """Means over all logits, of any shape: those of a patch discriminator are averaged over its patches.

    Args:
        criterion: `bce`, binary cross entropy (Goodfellow et al. 2014, equation 1), where the generator maximises
            log D(filled) rather than minimise log(1 - D(filled)) (section 3); `hinge` (Lim & Ye 2017, Geometric GAN);
            `least_squares` (Mao et al. 2017, Least Squares GAN, equation 9).

    Raises:
        ValueError: another criterion.
    """

    def __init__(self, criterion: Literal["bce", "hinge", "least_squares"] = "bce") -> None:
        super().__init__()
        if criterion not in ("bce", "hinge", "least_squares"):
            raise ValueError(f"The criterion {criterion!r} must be bce, hinge or least_squares.")
        self.criterion = criterion

    def for_discriminator(self, real: torch.Tensor, filled: torch.Tensor) -> torch.Tensor:
        """With `bce` this is -V(G, D): log 4 if real and filled cannot be distinguished."""
        if self.criterion == "bce":
            return F.softplus(-real).mean() + F.softplus(filled).mean()
        if self.criterion == "hinge":
            return F.relu(1.0 - real).mean() + F.relu(1.0 + filled).mean()
        return 0.5 * ((real - 1.0) ** 2).mean() + 0.5 * (filled**2).mean()

    def for_generator(self, filled: torch.Tensor) -> torch.Tensor:
        """Small if the discriminator rates filled images as real."""
        if self.criterion == "bce":
            return F.softplus(-filled).mean()
        if self.criterion == "hinge":
            return -filled.mean()
        return 0.5 * ((filled - 1.0) ** 2).mean()
