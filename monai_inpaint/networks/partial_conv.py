"""Liu et al. 2018, Image Inpainting for Irregular Holes Using Partial Convolutions: the layer and the U-net."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import torch
import torch.nn.functional as F
from torch import nn

from monai_inpaint.networks.generator import WindowGenerator


class PartialConv2d(nn.Conv2d):
    """A convolution of the valid values, scaled up for the missing ones (equations 1 and 2).

    The inputs are features (B, C, H, W) and their mask of the same shape, 1 where valid. A position becomes valid if
    any in its window is; otherwise its value is 0. Padding is not valid.
    """

    def forward(self, input: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        # Averaged rather than convolved with ones: in mixed precision a convolution would count in half precision.
        size, stride, padding = (_pair(value) for value in (self.kernel_size, self.stride, self.padding))
        share = F.avg_pool2d(mask.mean(dim=1, keepdim=True), size, stride, padding)
        valid = share > 0.0
        output = F.conv2d(input * mask, self.weight, None, self.stride, self.padding) / share.clamp(min=1e-6)
        if self.bias is not None:
            output = output + self.bias[:, None, None]
        output = torch.where(valid, output, torch.zeros_like(output))
        return output, valid.to(mask.dtype).expand(-1, self.out_channels, -1, -1)


class PartialConvLayer(nn.Module):
    """A partial convolution, a norm, an activation."""

    def __init__(
        self, before: int, after: int, size: int, stride: int, *, slope: float | None, norm: bool = True
    ) -> None:
        super().__init__()
        self.convolution = PartialConv2d(before, after, size, stride, size // 2, bias=not norm)
        self.norm = nn.BatchNorm2d(after) if norm else nn.Identity()
        self.activation = nn.Identity() if slope is None else nn.LeakyReLU(slope)
        nn.init.kaiming_normal_(self.convolution.weight)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x, mask = self.convolution(x, mask)
        return self.activation(self.norm(x)), mask


class PartialConvUNet(WindowGenerator):
    """The U-net of 16 partial convolutions (table 1 of the supplement); the known pixels are its first mask.

    Args:
        features: of the first convolution, 64 in the paper; then 2, 4 and five times 8 of them.
        frozen_norm: keep the encoder's norms as they are in training, too: the paper's fine-tuning (section 4.2).
        limits: see `WindowGenerator`.
        levels: halvings; 8 in the paper, which leave one cell of 256 pixels. Sides are multiples of 2 to that number.
    """

    side = 256

    def __init__(
        self,
        features: int = 64,
        frozen_norm: bool = False,
        limits: Sequence[float] | None = None,
        levels: int = 8,
    ) -> None:
        super().__init__(limits)
        self.frozen_norm = frozen_norm
        self.side = 2**levels
        sizes = [1, *(features * times for times in (1, 2, 4, 8, 8, 8, 8, 8)[:levels])]
        pairs = list(zip(sizes[:-1], sizes[1:], strict=True))
        self.encoder = nn.ModuleList(
            PartialConvLayer(fine, coarse, kernel, 2, slope=0.0, norm=fine > 1)
            for (fine, coarse), kernel in zip(pairs, (7, 5, 5, 3, 3, 3, 3, 3)[:levels], strict=True)
        )
        self.decoder = nn.ModuleList(
            PartialConvLayer(coarse + fine, fine, 3, 1, slope=0.2 if fine > 1 else None, norm=fine > 1)
            for fine, coarse in pairs
        )

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        if self.frozen_norm:
            self.encoder.eval()
        return self

    def predict(self, image: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        x, mask = image, known
        skips = []
        for layer in self.encoder:
            skips.append((x, mask))
            x, mask = layer(x, mask)
        for layer in reversed(self.decoder):
            skip, skip_mask = skips.pop()
            x, mask = (F.interpolate(part, scale_factor=2.0, mode="nearest") for part in (x, mask))
            x, mask = layer(torch.cat((x, skip), dim=1), torch.cat((mask, skip_mask), dim=1))
        return x


def _pair(value: object) -> tuple[int, int]:
    assert isinstance(value, tuple)  # nn.Conv2d makes all three so
    return value
