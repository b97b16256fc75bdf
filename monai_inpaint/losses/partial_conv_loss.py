"""The loss of Liu et al. 2018, Image Inpainting for Irregular Holes Using Partial Convolutions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import nn

from monai_inpaint.losses.feature_losses import FeatureLoss, gram


class PartialConvLoss(nn.Module):
    """Equation 7: valid + 6 hole + 0.05 perceptual + 120 style + 0.1 total variation.

    Feature maps are divided by their mean on the truth, layer by layer: the weights are for VGG-16. Activations of
    SqueezeNet are 6 to 60 on average, and style, which squares them, would dominate the loss.

    Args:
        network: images to the feature maps of its layers, none of them negative; see `ImageFeatures`. The first three
            pools of VGG-16 in the paper.
    """

    def __init__(self, network: Callable[[torch.Tensor], Sequence[torch.Tensor]]) -> None:
        super().__init__()
        self.network = network
        self.mean_error = FeatureLoss()

    def forward(self, fill: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """`fill` (B, 1, H, W) in [-1, 1], not composited; `target` (B, 2, H, W): the truth, then the hole."""
        truth, hole = target[:, :1], target[:, 1:]
        composited = torch.where(hole > 0.5, fill, truth)
        error = (fill - truth).abs()
        loss = ((1.0 - hole) * error).mean() + 6.0 * (hole * error).mean()
        real = self.network(truth)
        means = [layer.mean() for layer in real]
        real = [layer / mean for layer, mean in zip(real, means, strict=True)]
        for image in (fill, composited):
            features = [layer / mean for layer, mean in zip(self.network(image), means, strict=True)]
            perceptual = self.mean_error(features, real)
            style = self.mean_error([gram(layer) for layer in features], [gram(layer) for layer in real])
            loss = loss + 0.05 * perceptual + 120.0 * style
        return loss + 0.1 * total_variation(composited, hole)


def total_variation(image: torch.Tensor, hole: torch.Tensor) -> torch.Tensor:
    """Equation 6: absolute differences between neighbours in the hole and one voxel around it, over all voxels."""
    region = F.max_pool2d(hole, 3, stride=1, padding=1)
    total = image.new_zeros(())
    for dim in (2, 3):
        both = region.narrow(dim, 1, region.shape[dim] - 1) * region.narrow(dim, 0, region.shape[dim] - 1)
        total = total + (image.diff(dim=dim).abs() * both).sum()
    return total / image.numel()
