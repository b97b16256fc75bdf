"""Convolutions modulated by a style (Karras et al. 2020, Analyzing and Improving the Image Quality of StyleGAN)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn


class StyledConv2d(nn.Module):
    """Scale channels by the style, convolve, undo the change in size, add noise; LeakyReLU (section 2.2).

    Scaling input and output instead of the weights is equivalent (equations 1 and 3), with one set of weights for the
    whole batch.

    Args:
        before, after: channels.
        style: length of the style.
        up: whether rows and columns are doubled before.
    """

    def __init__(self, before: int, after: int, style: int, *, up: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(after, before, 3, 3) / math.sqrt(9 * before))
        self.bias = nn.Parameter(torch.zeros(after))
        self.noise = nn.Parameter(torch.zeros(after))  # how much of it each channel takes
        self.scale = nn.Linear(style, before)
        nn.init.normal_(self.scale.weight, std=1.0 / math.sqrt(style))  # noise counts from the start
        nn.init.ones_(self.scale.bias)
        self.up = up

    def forward(self, x: torch.Tensor, style: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """(B, before, h, w), style (B, style) and noise (B, 1, H, W), H a multiple of the output's rows."""
        scale = self.scale(style).float()
        size = ((scale**2) @ (self.weight.float() ** 2).sum(dim=(2, 3)).T + 1e-8).rsqrt()
        x = x * scale[:, :, None, None].to(x.dtype)
        if self.up and self.training:
            x = doubled_conv(x, self.weight)
        else:  # exported like this: the graph keeps the weights themselves in half precision, not sums of them
            doubled = F.interpolate(x, scale_factor=2.0, mode="nearest") if self.up else x
            x = F.conv2d(doubled, self.weight, padding=1)
        grain = coarser_noise(noise, x.shape[-1]).to(x.dtype)
        size, strength, bias = (one.to(x.dtype)[..., None, None] for one in (size, self.noise, self.bias))
        return F.leaky_relu(torch.addcmul(torch.addcmul(bias, x, size), grain, strength), 0.2)


class Styled(nn.Sequential):
    """Styled convolutions one after another."""

    def forward(self, x: torch.Tensor, style: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        """See `StyledConv2d`."""
        for layer in self:
            x = layer(x, style, noise)
        return x


def doubled_conv(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Repeat rows and columns, then convolve by `weight` (after, before, 3, 3): one transposed convolution of stride 2.

    An output sees 2 x 2 different inputs, so 4 products replace 9: weights that meet the same input are added first.
    """
    padded = F.pad(weight.flip(2, 3).transpose(0, 1), (1, 1, 1, 1))
    rows = padded[:, :, 1:] + padded[:, :, :-1]
    return F.conv_transpose2d(x, rows[..., 1:] + rows[..., :-1], stride=2, padding=1)


def coarser_noise(noise: torch.Tensor, width: int) -> torch.Tensor:
    """White noise (B, 1, H, W) on a grid of so many columns: means over cells, of the same variance."""
    cell = noise.shape[-1] // width
    return F.avg_pool2d(noise, cell) * cell if cell > 1 else noise
