"""A masked U-net regressor that starts from a smooth continuation and learns what is missing from it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from monai_inpaint.networks.known import known_statistics, smooth_continuation

# What the ends of the Hounsfield window become: then tissue spreads about as much as in a window normalised by its
# known voxels, and the weights of one modality are a good start for another.
_REACH = 2.5


class ResidualBlock(nn.Module):
    """x + conv(relu(conv(relu(x)))), the second convolution starting at zero so that depth needs no normalisation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        _start_at_zero(self.conv2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv2(F.relu(self.conv1(F.relu(x))))


class InpaintUNet(nn.Module):
    """Fill the hole of 2D windows, in the image's own units.

    The input (B, 2, H, W) is the image with the hole zeroed, then the hole (1 = fill); the output (B, 1, H, W) is
    the composited image: known voxels as they came, the hole filled. H and W are multiples of 32.

    Intensities are normalised inside: by the mean and standard deviation of the known voxels of each window, so that
    scaling and shifting an image scales and shifts its fill; or, with `hounsfield=(low, high)`, by that fixed window
    (values outside are limited before they enter the convolutions, the known voxels still come back untouched).

    Args:
        channels: features at 1/2, 1/4, 1/8, ... of the window's resolution.
        encoder_blocks, decoder_blocks: residual blocks a level; the decoder has one level fewer.
        hounsfield: fixed window in Hounsfield units for CT; None normalises by the known voxels.
    """

    multiple = 32

    def __init__(
        self,
        channels: Sequence[int] = (32, 64, 128, 192),
        encoder_blocks: Sequence[int] = (1, 2, 2, 3),
        decoder_blocks: Sequence[int] = (2, 2, 2),
        hounsfield: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        self.hounsfield = tuple(hounsfield) if hounsfield else None
        self.stem = nn.Conv2d(8, channels[0], 3, padding=1)
        self.encoder = nn.ModuleList(_blocks(c, n) for c, n in zip(channels, encoder_blocks, strict=True))
        pairs = list(zip(channels[:-1], channels[1:], strict=True))
        self.down = nn.ModuleList(nn.Conv2d(fine, coarse, 2, stride=2) for fine, coarse in pairs)
        self.up = nn.ModuleList(nn.Conv2d(coarse, fine, 1) for fine, coarse in pairs)
        self.decoder = nn.ModuleList(_blocks(c, n) for c, n in zip(channels[:-1], decoder_blocks, strict=True))
        self.head = nn.Conv2d(channels[0], 4, 3, padding=1)
        _start_at_zero(self.head)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inside = x[:, 1:2] > 0.5
        known = torch.logical_not(inside).to(x.dtype)
        image = torch.where(inside, torch.zeros_like(x[:, :1]), x[:, :1])  # NaN in the hole must not spread
        shift, scale = self._normalisation(image, known)
        normal = (image - shift) / scale * known
        if self.hounsfield:
            normal = normal.clamp(-_REACH, _REACH)
        smooth = smooth_continuation(normal, known)
        fill = smooth + self._residual(torch.cat((smooth, 1.0 - known), dim=1)).to(x.dtype)
        if self.hounsfield and not self.training:
            fill = fill.clamp(min=-_REACH)  # nothing is thinner than air
        return torch.where(inside, fill * scale + shift, image)

    def _normalisation(
        self, image: torch.Tensor, known: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor] | tuple[float, float]:
        if self.hounsfield is None:
            return known_statistics(image, known)
        low, high = self.hounsfield
        return (low + high) / 2, (high - low) / (2 * _REACH)

    def _residual(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(F.pixel_unshuffle(x, 2))
        skips = []
        for level, blocks in enumerate(self.encoder):
            x = blocks(x)
            if level < len(self.down):
                skips.append(x)
                x = self.down[level](x)
        for level in reversed(range(len(self.up))):
            x = skips[level] + F.interpolate(self.up[level](x), scale_factor=2.0, mode="nearest")
            x = self.decoder[level](x)
        return F.pixel_shuffle(self.head(F.relu(x)), 2)


def _blocks(channels: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(channels) for _ in range(count)))


def _start_at_zero(layer: nn.Conv2d) -> None:
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
