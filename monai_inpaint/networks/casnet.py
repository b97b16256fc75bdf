"""CasNet, the generator of MedGAN and ip-MedGAN: U-nets in cascade.

Armanious et al. 2020, MedGAN: Medical Image Translation using GANs; each block is the U-net for 256x256 of Isola et al.
2017, Image-to-Image Translation with Conditional Adversarial Networks, without its dropout.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from monai_inpaint.networks.generator import WindowGenerator, start_normal


class UBlock(nn.Module):
    """An image (B, 1, H, W) to one in [-1, 1]; H and W are multiples of 256, for eight halvings.

    Args:
        features: of the first convolution; 64 in the paper. Then 2, 4 and five times 8 of them.
    """

    def __init__(self, features: int = 64) -> None:
        super().__init__()
        sizes = [features * times for times in (1, 2, 4, 8, 8, 8, 8, 8)]
        self.down = nn.ModuleList([nn.Conv2d(1, features, 4, 2, 1, bias=False)])
        self.up = nn.ModuleList([nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(2 * features, 1, 4, 2, 1), nn.Tanh())])
        for fine, coarse in zip(sizes[:-1], sizes[1:], strict=True):
            last = len(self.down) == len(sizes) - 1
            # One cell is left at 256x256: a norm over a batch of one would leave nothing of it.
            norm = nn.Identity() if last else nn.BatchNorm2d(coarse)
            self.down.append(nn.Sequential(nn.LeakyReLU(0.2), nn.Conv2d(fine, coarse, 4, 2, 1, bias=False), norm))
            up = nn.ConvTranspose2d(coarse if last else 2 * coarse, fine, 4, 2, 1, bias=False)
            self.up.append(nn.Sequential(nn.ReLU(), up, nn.BatchNorm2d(fine)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skips = []
        for down in self.down:
            x = down(x)
            skips.append(x)
        x = self.up[-1](skips.pop())
        for up in reversed(self.up[:-1]):
            x = up(torch.cat((skips.pop(), x), dim=1))
        return x


class CasNet(WindowGenerator):
    """Fill windows of 256x256.

    The network does not see the hole, only the image with the mean of the known voxels in it.

    Args:
        blocks: U-nets in cascade; 6 in MedGAN.
        features: of the first convolution of each block; 64 in the paper.
        limits: see `WindowGenerator`.
    """

    side = 256

    def __init__(self, blocks: int = 6, features: int = 64, limits: Sequence[float] | None = None) -> None:
        super().__init__(limits)
        self.blocks = nn.Sequential(*(UBlock(features) for _ in range(blocks)))
        self.apply(start_normal)

    def predict(self, image: torch.Tensor, known: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
        return self.blocks(image)
