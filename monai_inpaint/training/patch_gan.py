"""PatchGAN loss to add to another one: fills must look like real patches."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from monai_inpaint.losses import AdversarialLoss


class PatchGANLoss:
    """PatchGAN loss (Isola et al. 2017, section 3.2.2) with least squares.

    An `extra_loss` of `flow_iteration` and `sample_iteration`.

    A call takes one optimiser step of the discriminator, then returns the generator's share of the loss. Only patches
    that overlap the hole count.

    Args:
        discriminator: (B, 2, H, W), image and hole, to (B, 1, h, w), one logit a patch, or to a list that ends in it
            (MONAI's PatchDiscriminator).
        optimizer: of the discriminator.
        weight: of the generator's loss.
    """

    def __init__(self, discriminator: nn.Module, optimizer: torch.optim.Optimizer, weight: float) -> None:
        self.discriminator, self.optimizer, self.weight = discriminator, optimizer, weight
        self.loss = AdversarialLoss("least_squares")

    def __call__(self, fill: torch.Tensor, truth: torch.Tensor, region: torch.Tensor) -> torch.Tensor:
        """Generator's loss of fills (B, 1, H, W) of a region (1 = counts); images of zero mean and unit deviation."""
        self.discriminator.train()
        self.optimizer.zero_grad(set_to_none=True)
        self.loss.for_discriminator(self._logits(truth, region), self._logits(fill.detach(), region)).backward()
        self.optimizer.step()
        return self.weight * self.loss.for_generator(self._logits(fill, region))

    def _logits(self, image: torch.Tensor, region: torch.Tensor) -> torch.Tensor:
        found = self.discriminator(torch.cat((image, region), dim=1))
        logits = (found[-1] if isinstance(found, list | tuple) else found).float()
        return logits[F.adaptive_max_pool2d(region, logits.shape[2:]) > 0.0]


PatchAdversary = PatchGANLoss  # its former name, in configs of earlier versions
