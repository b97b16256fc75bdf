"""Artifact segmentation: a small U-net that marks metal, signal voids, bars and burned-in text."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from monai_inpaint.networks.known_voxels import masked_statistics
from monai_inpaint.networks.plain_unet import plain_unet

PASSES = 3  # of winsorising
CLIP_SIGMAS = 2.5  # standard deviations from the mean to which values are clipped in each pass


def robust_statistics(image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Compute winsorised mean and standard deviation of each image, insensitive to a few extremes (metal, white text).

    Both are measured, values far from the mean are clipped, and so on. Scaling and shifting the image scales and shifts
    them; medians and percentiles would do as well, but need a sort, which engines do slowly.

    Args:
        image: (B, 1, H, W), any units, finite.

    Returns:
        Two tensors (B, 1, 1, 1), the standard deviation at least 1e-12.
    """
    everywhere = torch.ones_like(image)
    mean, deviation = masked_statistics(image, everywhere)
    for _ in range(PASSES):
        low, high = mean - CLIP_SIGMAS * deviation, mean + CLIP_SIGMAS * deviation
        mean, deviation = masked_statistics(torch.minimum(torch.maximum(image, low), high), everywhere)
    return mean, deviation


class ArtifactUNet(nn.Module):
    """Mark artifacts in 2D images, in the image's own units.

    The input (B, 1, H, W) is the image, any units and range; the output (B, 1, H, W) is the probability of an artifact
    at each pixel, 0 to 1. H and W are multiples of 32.

    Intensities are normalised inside the network, robustly, so that scaling (by a positive factor) and shifting an
    image changes nothing. Large ones are then compressed (asinh), so that metal and bone remain distinguishable within
    the range.

    The U-net works on blocks of 2 x 2 pixels, which quarters the arithmetic; it returns four numbers for each block.

    Args:
        features: at 1/2, 1/4, 1/8, 1/16 and 1/32 of the image's resolution, and of the last layer before the output.
    """

    channels = 1

    def __init__(self, features: Sequence[int] = (16, 32, 64, 96, 128, 16)) -> None:
        super().__init__()
        self.unet = plain_unet(4, 4, features)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        mean, deviation = robust_statistics(image)
        normal = torch.asinh((image - mean) / deviation)
        marks = F.pixel_shuffle(self.unet(F.pixel_unshuffle(normal, 2)), 2)
        return torch.sigmoid(marks.float())  # in bfloat16 0.998 and more would be 1, and wrong there without bound
