"""Two plain U-nets on blocks of 2 x 2 pixels: artifact segmentation, and metal artifact reduction in CT slices."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO

import torch
import torch.nn.functional as F
from monai.networks.nets import BasicUNet
from torch import nn

from monai_inpaint.networks.known_voxels import masked_statistics

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
        self.unet = _plain_unet(4, 4, features)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        mean, deviation = robust_statistics(image)
        normal = torch.asinh((image - mean) / deviation)
        marks = F.pixel_shuffle(self.unet(F.pixel_unshuffle(normal, 2)), 2)
        return torch.sigmoid(marks.float())  # in bfloat16 0.998 and more would be 1, and wrong there without bound


class MetalUNet(nn.Module):
    """Correct CT slices with metal, in HU.

    The input (B, 3, H, W) is the slice as scanned with the metal zeroed, the metal (1 = metal), and the slice as `nmar`
    returns it with tissue in place of the metal, both in HU. The output (B, 1, H, W) is the slice without artifacts and
    without the metal, in HU. H and W are multiples of 32.

    It starts from `nmar` and adds what its U-net predicts; a network that predicts nothing is `nmar`. HU are absolute,
    so nothing is normalised but by fixed numbers.

    The U-net works on blocks of 2 x 2 pixels, which quarters the arithmetic; it returns four numbers for each block. At
    its coarsest level a step is 32 pixels, so that streaks across the whole slice are within its field of view.

    Args:
        features: at 1/2, 1/4, 1/8, 1/16 and 1/32 of the image's resolution, and of the last layer before the output.
    """

    channels = 3

    def __init__(self, features: Sequence[int] = (32, 48, 96, 160, 192, 32)) -> None:
        super().__init__()
        self.unet = _plain_unet(16, 4, features)
        nn.init.zeros_(self.unet.final_conv.weight)
        nn.init.zeros_(self.unet.final_conv.bias)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        scanned, metal, corrected = image[:, :1], image[:, 1:2], image[:, 2:3]
        moved = (1.0 - metal) * (corrected - scanned)
        inputs = torch.cat(
            (
                torch.clamp(scanned / 1000.0, -1.0, 2.0),
                torch.clamp(corrected / 1000.0, -1.0, 2.0),
                torch.asinh(moved / 100.0),
                metal,
            ),
            dim=1,
        )
        change = F.pixel_shuffle(self.unet(F.pixel_unshuffle(inputs, 2)), 2)
        return corrected + 100.0 * change


def _plain_unet(in_channels: int, out_channels: int, features: Sequence[int]) -> BasicUNet:
    """MONAI's `BasicUNet` in 2D with batch normalisation; its input's sides are multiples of 16.

    Args:
        features: at full, 1/2, 1/4, 1/8 and 1/16 of its input's resolution, and of the last layer before the output.
    """
    with redirect_stdout(StringIO()):  # it prints its features
        return BasicUNet(2, in_channels, out_channels, features, act="relu", norm="batch")
