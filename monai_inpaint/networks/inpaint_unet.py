"""Inpainting U-net: refine a smooth fill to the best estimate, or to samples of a rectified flow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from monai_inpaint.networks.far_context import FarContext
from monai_inpaint.networks.known_voxels import masked_statistics, push_pull_fill
from monai_inpaint.networks.rectified_flow import (
    EMBEDDING_SIZE,
    detail,
    from_flow,
    log_snr_time,
    time_embedding,
    to_flow,
)

_SURE = 0.45  # how much of the hole's channel a start next to known voxels takes away


class ResidualBlock(nn.Module):
    """x + conv(relu(conv(relu(x)))), with features between scaled and shifted by the time embedding.

    The second convolution and the layer of the embedding start at zero, so that depth needs no normalisation.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        # `pace` is what the layer is called in the published weights
        self.pace = nn.Linear(EMBEDDING_SIZE, 2 * channels)
        _start_at_zero(self.conv2)
        _start_at_zero(self.pace)

    def forward(self, x: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        scale, shift = self.pace(embedding)[:, :, None, None].chunk(2, dim=1)
        return x + self.conv2(F.relu(self.conv1(F.relu(x)) * (1.0 + scale) + shift))


class InpaintUNet(nn.Module):
    """Fill the hole of 2D windows, in the image's own units.

    The input (B, 2, H, W) is the image with the hole zeroed, then the hole (1 = fill); the output (B, 1, H, W) is the
    composited image: known voxels unchanged, the hole filled with the best estimate. H and W are multiples of 32.

    For samples the input is (B, 5, H, W), with three further channels: standard normal noise, the state (an estimate of
    the image, in its units) and the time, 0 to 1, of each voxel; see `networks.rectified_flow`. If time and noise are
    0, the output depends only on the known voxels, and is the best estimate.

    Intensities are normalised inside the network, by the mean and standard deviation of the known voxels of each
    window, so that scaling and shifting an image scales and shifts its fill. With `limits=(low, high)` values outside
    are clipped before they enter the convolutions and fills stay within the limits; known voxels are unchanged in the
    output.

    With `starts=True` the input may be (B, 6, H, W): a slice of a volume. In the hole the image channel then contains
    the start, a continuation of the known voxels of the volume, and the last channel its nearness: one over the
    distance to the nearest known voxel across the slices, in voxels of the slice, at most 1; 0 where there is no start,
    where the network continues the slice itself.

    Args:
        channels: features at 1/2, 1/4, 1/8, ... of the window's resolution.
        encoder_blocks, decoder_blocks: residual blocks a level; the decoder has one level fewer.
        limits: lowest and highest value that means something, in the image's units (CT: air, dense bone).
        starts: whether the input has a channel for the nearness of a start.
        upsampling: "bilinear" between the levels of the decoder; "nearest", as in the weights of 0.3.0, leaves
            lines along rows and columns where a fill is uncertain.
    """

    def __init__(
        self,
        channels: Sequence[int] = (32, 64, 128, 192),
        encoder_blocks: Sequence[int] = (1, 2, 2, 3),
        decoder_blocks: Sequence[int] = (2, 2, 2),
        limits: Sequence[float] | None = None,
        starts: bool = False,
        upsampling: Literal["nearest", "bilinear"] = "nearest",
    ) -> None:
        super().__init__()
        self.upsampling = upsampling
        self.channels = 6 if starts else 5
        self.limits = tuple(limits) if limits else None
        self.stem = nn.Conv2d(5 * 4, channels[0], 3, padding=1)
        self.encoder = nn.ModuleList(_blocks(c, n) for c, n in zip(channels, encoder_blocks, strict=True))
        self.far = FarContext(channels[-1])
        pairs = list(zip(channels[:-1], channels[1:], strict=True))
        self.down = nn.ModuleList(nn.Conv2d(fine, coarse, 2, stride=2) for fine, coarse in pairs)
        self.up = nn.ModuleList(nn.Conv2d(coarse, fine, 1) for fine, coarse in pairs)
        self.decoder = nn.ModuleList(_blocks(c, n) for c, n in zip(channels[:-1], decoder_blocks, strict=True))
        self.head = nn.Conv2d(channels[0], 4, 3, padding=1)
        _start_at_zero(self.head)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        image, hole = x[:, :1], x[:, 1:2]
        if x.shape[1] == 2:
            noise = state = time = torch.zeros_like(hole)
        else:
            noise, state, time = x[:, 2:3], x[:, 3:4], x[:, 4:5]
        inside = hole > 0.5
        known = torch.logical_not(inside).to(x.dtype)
        image = torch.where(inside, torch.zeros_like(image), image)  # NaN in the hole must not spread
        near = x[:, 5:6] * (1.0 - known) if x.shape[1] == 6 else torch.zeros_like(hole)
        started = torch.where(near > 0.0, x[:, :1], image)
        started = started.clamp(*self.limits) if self.limits else started
        # A start counts as known: around it there may be nothing but air.
        shift, scale = masked_statistics(started, torch.where(near > 0.0, torch.ones_like(known), known))
        normal = (started - shift) / scale
        smooth, _ = push_pull_fill(normal * known, known)
        smooth = torch.where(near > 0.0, normal, smooth)
        normal_state = (state - shift) / scale
        flow = to_flow(normal_state - smooth, noise, time) * (1.0 - known)
        unsure = (1.0 - known) * (1.0 - _SURE * near)
        features = torch.cat((smooth, unsure, flow, detail(flow, time), log_snr_time(time)), dim=1)
        output = self._output(features, time_embedding(time)).to(x.dtype)
        fill = (smooth + from_flow(output, flow, time)) * scale + shift
        if self.limits and not self.training:
            fill = fill.clamp(*self.limits)
        return torch.where(inside, fill, image)

    def _output(self, x: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        x = self.stem(F.pixel_unshuffle(x, 2))
        skips = []
        for level, blocks in enumerate(self.encoder):
            x = _through(blocks, x, embedding)
            if level < len(self.down):
                skips.append(x)
                x = self.down[level](x)
        x = self.far(x)
        for level in reversed(range(len(self.up))):
            x = skips[level] + F.interpolate(self.up[level](x), scale_factor=2.0, mode=self.upsampling)
            x = _through(self.decoder[level], x, embedding)
        return F.pixel_shuffle(self.head(F.relu(x)), 2)


def _blocks(channels: int, count: int) -> nn.ModuleList:
    return nn.ModuleList(ResidualBlock(channels) for _ in range(count))


def _through(blocks: nn.Module, x: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
    for block in blocks.children():
        x = block(x, embedding)
    return x


def _start_at_zero(layer: nn.Conv2d | nn.Linear) -> None:
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
