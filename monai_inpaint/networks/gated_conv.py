"""Gated convolution (Yu et al. 2019, Free-Form Image Inpainting with Gated Convolution) as in Shen et al. 2022."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class GatedConv2d(nn.Module):
    """IN(phi(F_f * sigmoid(F_g))), equation 3: features, the gates that choose among them, LeakyReLU, instance norm.

    Both kernels are one convolution of twice the channels. Rows and columns keep their number at stride 1.

    Args:
        before, after: channels.
        size: of the kernel.
        stride, dilation: of the convolution.
        norm: whether the instance norm follows.
    """

    def __init__(
        self, before: int, after: int, size: int = 3, stride: int = 1, dilation: int = 1, *, norm: bool = True
    ) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(before, 2 * after, size, stride, dilation * (size // 2), dilation)
        self.norm = nn.InstanceNorm2d(after, affine=True) if norm else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(F.leaky_relu(F.glu(self.convolution(x), dim=1), 0.2))
