"""A masked U-net that starts from a smooth continuation, gives its best estimate, and draws samples by a flow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from monai_inpaint.networks.far_context import FarContext
from monai_inpaint.networks.flow import PACE, clock, detail, from_flow, pace_of, to_flow
from monai_inpaint.networks.known import known_statistics, plane_continuation
from monai_inpaint.networks.lattice import folded, slab_continuation
from monai_inpaint.networks.slices import Neighbours, ThroughPlane


class ResidualBlock(nn.Module):
    """x + conv(relu(conv(relu(x)))), scaled and shifted between by the time.

    The second convolution starts at zero, so that depth needs no normalisation; so does what the time does.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.pace = nn.Linear(PACE, 2 * channels)
        _start_at_zero(self.conv2)
        _start_at_zero(self.pace)

    def forward(self, x: torch.Tensor, pace: torch.Tensor) -> torch.Tensor:
        scale, shift = self.pace(pace)[:, :, None, None].chunk(2, dim=1)
        return x + self.conv2(F.relu(self.conv1(F.relu(x)) * (1.0 + scale) + shift))


class InpaintUNet(nn.Module):
    """Fill the hole of 2D windows, in the image's own units.

    The input (B, 2, H, W) is the image with the hole zeroed, then the hole (1 = fill); the output (B, 1, H, W) is the
    composited image: known voxels as they came, the hole filled with the best estimate. H and W are multiples of 32.

    For samples the input is (B, 5, H, W): after the hole come standard normal noise, the state (an estimate of the
    image, in its units) and the time, 0 to 1, of each voxel; see `monai_inpaint.networks.flow`. Where time is 0 and
    noise is 0 nothing but the known voxels counts, and the output is the best estimate.

    Intensities are normalised inside, by the mean and standard deviation of the known voxels of each window, so that
    scaling and shifting an image scales and shifts its fill. With `limits=(low, high)` values outside are limited
    before they enter the convolutions and no fill leaves the limits; known voxels still come back untouched.

    With `volumes=True` it also takes slabs, (B, 2, D, H, W) or (B, 6, D, H, W): D neighbouring slices, and as last
    channel the spacing of slices over that of voxels within a slice (1 where it is not given). Slices then tell one
    another what they know; a slab of one slice is filled as that slice is by itself.

    Args:
        channels: features at 1/2, 1/4, 1/8, ... of the window's resolution.
        encoder_blocks, decoder_blocks: residual blocks a level; the decoder has one level fewer.
        limits: lowest and highest value that means something, in the image's units (CT: air, dense bone).
        volumes: with layers between slices.
        upsampling: "bilinear" between the levels of the decoder; "nearest", as in the weights of 0.3.0, leaves
            lines along rows and columns where a fill is uncertain.
    """

    def __init__(
        self,
        channels: Sequence[int] = (32, 64, 128, 192),
        encoder_blocks: Sequence[int] = (1, 2, 2, 3),
        decoder_blocks: Sequence[int] = (2, 2, 2),
        limits: Sequence[float] | None = None,
        volumes: bool = False,
        upsampling: Literal["nearest", "bilinear"] = "nearest",
    ) -> None:
        super().__init__()
        self.volumes = volumes
        self.upsampling = upsampling
        self.channels = 6 if volumes else 5
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
        if volumes:
            reaches = [2 ** (level + 1) for level in range(len(channels))]
            self.through_down = nn.ModuleList(map(ThroughPlane, channels, reaches))
            self.through_up = nn.ModuleList(map(ThroughPlane, channels[:-1], reaches[:-1]))
            self.through_stem = nn.Conv2d(7 * 4, channels[0], 3, padding=1, bias=False)
            self.through_head = nn.Conv2d(channels[0], 4 * 4, 3, padding=1)
            _start_at_zero(self.through_stem)
            _start_at_zero(self.through_head)
            with torch.no_grad():
                start = self.through_head.get_parameter("bias").view(4, 4)
                start[:3] = -3.0  # nearly nothing of what else could stand there,
                start[3] = 3.0  # nearly all of what is added to the continuation

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        image, hole = x[:, :1], x[:, 1:2]
        if x.shape[1] == 2:
            noise = state = time = torch.zeros_like(hole)
        else:
            noise, state, time = x[:, 2:3], x[:, 3:4], x[:, 4:5]
        inside = hole > 0.5
        known = torch.logical_not(inside).to(x.dtype)
        image = torch.where(inside, torch.zeros_like(image), image)  # NaN in the hole must not spread
        limited = image.clamp(*self.limits) if self.limits else image
        shift, scale = known_statistics(limited, known)
        normal = (limited - shift) / scale * known
        normal_state = (state - shift) / scale

        slab = None
        if x.ndim == 5:
            slab, smooth = _slab(normal, known, x)
            normal, known, normal_state, noise, time = map(folded, (normal, known, normal_state, noise, time))
        else:
            smooth, _ = plane_continuation(normal, known)
        flow = to_flow(normal_state - smooth, noise, time) * (1.0 - known)
        features = torch.cat((smooth, 1.0 - known, flow, detail(flow, time), clock(time)), dim=1)
        output = self._output(features, pace_of(time), slab).to(x.dtype)
        fill = (smooth + from_flow(output, flow, time)).reshape(image.shape) * scale + shift
        if self.limits and not self.training:
            fill = fill.clamp(*self.limits)
        return torch.where(inside, fill, image)

    def _output(self, x: torch.Tensor, pace: torch.Tensor, slab: Slab | None) -> torch.Tensor:
        x = self.stem(F.pixel_unshuffle(x, 2))
        if slab:
            x = x + self.through_stem(F.pixel_unshuffle(torch.cat((slab.others, slab.near), dim=1), 2))
        skips = []
        for level, blocks in enumerate(self.encoder):
            x = _through(blocks, x, pace)
            if slab:
                x = self.through_down[level](x, slab.neighbours)
            if level < len(self.down):
                skips.append(x)
                x = self.down[level](x)
        x = self.far(x)
        for level in reversed(range(len(self.up))):
            x = skips[level] + F.interpolate(self.up[level](x), scale_factor=2.0, mode=self.upsampling)
            x = _through(self.decoder[level], x, pace)
            if slab:
                x = self.through_up[level](x, slab.neighbours)
        x = F.relu(x)
        output = F.pixel_shuffle(self.head(x), 2)
        if slab:
            logits = F.pixel_shuffle(self.through_head(x), 2).float()
            shares = F.softmax(F.pad(logits[:, :3], (0, 0, 0, 0, 1, 0)), dim=1)[:, 1:]
            # Where no slice beside knows anything, all that the slice's own layers add is kept.
            kept = torch.where(slab.near.amax(dim=1, keepdim=True) > 0.0, logits[:, 3:].sigmoid(), 1.0)
            output = output * kept + (shares * slab.others).sum(dim=1, keepdim=True)
        return output


class Slab(NamedTuple):
    """What the slices of slabs know of one another, B * D of them.

    Attributes:
        neighbours: for features.
        others: (B * D, 3, H, W), what else could stand there, less the smooth continuation: that of the plane, and the
            nearest known values before and after.
        near: (B * D, 4, H, W), how near these two are, in slices and in voxels of the plane; larger is nearer.
    """

    neighbours: Neighbours
    others: torch.Tensor
    near: torch.Tensor


def _slab(image: torch.Tensor, known: torch.Tensor, x: torch.Tensor) -> tuple[Slab, torch.Tensor]:
    """The slab and its smooth continuation (B * D, 1, H, W)."""
    slices = x.shape[2]
    ratio = x[:, 5].amax(dim=(1, 2, 3)) if x.shape[1] == 6 else x.new_ones(x.shape[0])
    start = slab_continuation(image, known)
    others = [folded(values - start.smooth) for values in (start.plane, start.before, start.after)]
    near = torch.cat((folded(start.near_before), folded(start.near_after)), dim=1)
    in_voxels = near / ratio.view(-1, 1).expand(-1, slices).reshape(-1, 1, 1, 1)
    slab = Slab(Neighbours(slices, ratio, folded(known)), torch.cat(others, dim=1), torch.cat((near, in_voxels), dim=1))
    return slab, folded(start.smooth)


def _blocks(channels: int, count: int) -> nn.ModuleList:
    return nn.ModuleList(ResidualBlock(channels) for _ in range(count))


def _through(blocks: nn.Module, x: torch.Tensor, pace: torch.Tensor) -> torch.Tensor:
    for block in blocks.children():
        x = block(x, pace)
    return x


def _start_at_zero(layer: nn.Conv2d | nn.Linear) -> None:
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
