"""Losses on the features of a network: style and perceptual (Armanious et al. 2019, Shen et al. 2022)."""

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
        """Both (B, 1, H, W), in the range that the network expects."""
        return _summed(_style, self.network(fill), self.network(truth), self.weights)


class FeatureLoss(nn.Module):
    """Equation 4: the distance between the features of fill and truth, summed over layers, mean over the batch.

    For ip-MedGAN's perceptual loss the layers are those of the global discriminator, and the raw images before them.

    Args:
        weights: one for each layer; all 1 when None.
        summed: use the L1 norm of the difference, as equation 4 is written and as its weight of 0.0001 requires; else
            the mean absolute error, as in the text around it.
    """

    def __init__(self, weights: Sequence[float] | None = None, summed: bool = False) -> None:
        super().__init__()
        self.weights = weights
        self.distance = _norm if summed else nn.functional.l1_loss

    def forward(self, fill: Sequence[torch.Tensor], truth: Sequence[torch.Tensor]) -> torch.Tensor:
        """Return the feature maps of each, layer by layer, of any shapes; [image, *discriminator(...)]."""
        return _summed(self.distance, fill, truth, self.weights)


class PerceptualLoss(nn.Module):
    """Shen et al. 2022, equation 6: the sum over layers of the mean absolute difference of fill and truth.

    Feature maps are divided by their mean on the truth, layer by layer, so that networks other than the paper's VGG-16
    have the same weight.

    Args:
        network: images to the feature maps of its layers, none of them negative; see `load_pools`.
        style: weight of the mean absolute difference of their Gram matrices, which EdgeConnect and CTSDG add.
    """

    def __init__(self, network: Callable[[torch.Tensor], Sequence[torch.Tensor]], style: float = 0.0) -> None:
        super().__init__()
        self.network, self.style = network, style
        self.mean_error = FeatureLoss()

    def forward(self, fill: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """Both (B, 1, H, W), in the range that the network expects."""
        with torch.no_grad():
            real = self.network(truth)
            means = [layer.mean().clamp(min=1e-6) for layer in real]
        features = self.network(fill)
        features, real = ([layer / mean for layer, mean in zip(maps, means, strict=True)] for maps in (features, real))
        loss = self.mean_error(features, real)
        if self.style:
            loss = loss + self.style * self.mean_error([gram(one) for one in features], [gram(one) for one in real])
        return loss


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
