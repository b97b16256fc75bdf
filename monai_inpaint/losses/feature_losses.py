"""Losses on the features of a network: style and perceptual (Armanious et al. 2019, equations 3 and 4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import nn


def gram(features: torch.Tensor) -> torch.Tensor:
    """Compute the Gram matrices of features (B, C, H, W): (B, C, C), over C H W (MedGAN; Johnson et al. 2016)."""
    flat = features.flatten(2)
    flat = flat / (flat.shape[1] * flat.shape[2]) ** 0.5  # before they are summed: half precision ends at 65504
    return flat @ flat.transpose(1, 2)


class StyleLoss(nn.Module):
    """Equation 3: the sum over layers of |Gram(fill) - Gram(truth)|^2 / (4 d^2), d features; mean over the batch.

    Args:
        network: images to the feature maps (B, d, H, W) of its layers; see `ImageFeatures`.
        weights: one for each layer; all 1 when None.
    """

    def __init__(
        self, network: Callable[[torch.Tensor], Sequence[torch.Tensor]], weights: Sequence[float] | None = None
    ) -> None:
        super().__init__()
        self.network = network
        self.weights = weights

    def forward(self, fill: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """Both (B, 1, H, W), in the range that the network takes."""
        return _summed(_style, self.network(fill), self.network(truth), self.weights)


class FeatureLoss(nn.Module):
    """Equation 4: the sum over layers of how far the features of fill and truth lie apart, mean over the batch.

    For ip-MedGAN's perceptual loss the layers are those of the global discriminator, and the raw images before them.

    Args:
        weights: one for each layer; all 1 when None.
        summed: take the L1 norm of the difference, as equation 4 is written, and as its weight of 0.0001 asks for; else
            the mean absolute error, as the text around it says.
    """

    def __init__(self, weights: Sequence[float] | None = None, summed: bool = False) -> None:
        super().__init__()
        self.weights = weights
        self.distance = _norm if summed else nn.functional.l1_loss

    def forward(self, fill: Sequence[torch.Tensor], truth: Sequence[torch.Tensor]) -> torch.Tensor:
        """Return the feature maps of each, layer by layer, of any shapes; [image, *discriminator(...)]."""
        return _summed(self.distance, fill, truth, self.weights)


def _norm(fill: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    return (fill.float() - truth.float()).abs().flatten(1).sum(dim=1).mean()


def _style(fill: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    return ((gram(fill) - gram(truth)) ** 2).sum(dim=(1, 2)).mean() / (4.0 * fill.shape[1] ** 2)


def _summed(
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    fill: Sequence[torch.Tensor],
    truth: Sequence[torch.Tensor],
    weights: Sequence[float] | None,
) -> torch.Tensor:
    layers = zip(weights or [1.0] * len(fill), fill, truth, strict=True)
    return torch.stack([weight * loss(one, other) for weight, one, other in layers]).sum()
