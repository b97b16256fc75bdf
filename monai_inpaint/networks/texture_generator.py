"""The Texture Generator of Shen et al. 2022 for nodules, and its discriminator; with density, which is our addition.

Image Synthesis with Disentangled Attributes for Chest X-Ray Nodule Augmentation and Detection, section III.C. The paper
states no widths; layers and width (48) are those of Yu et al. 2019, its source for gated convolutions.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from monai_inpaint.networks.generator import WindowGenerator
from monai_inpaint.networks.known_voxels import push_pull_fill

DILATIONS = (2, 4, 8, 16)


class GatedConv2d(nn.Module):
    """Gated convolution (Yu et al. 2019, Free-Form Image Inpainting with Gated Convolution) as in Shen et al. 2022.

    IN(phi(F_f * sigmoid(F_g))), equation 3: features, the gates that choose among them, LeakyReLU, instance norm.

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


class TextureStage(nn.Module):
    """Encoder (two downsamplings), bottleneck with four dilations, decoder with two upsamplings.

    The last gated layer also receives the input and has no norm: an instance norm divides by the amplitude of a
    channel, which would cancel the density.

    Args:
        channels: of the input.
        features: of the first layer.
        upsampling: of the decoder, a mode of `nn.Upsample`.
    """

    def __init__(self, channels: int, features: int, upsampling: str = "nearest") -> None:
        super().__init__()
        n = features
        self.layers = nn.Sequential(
            GatedConv2d(channels, n, 5),
            GatedConv2d(n, 2 * n, 3, 2),
            GatedConv2d(2 * n, 4 * n, 3, 2),
            GatedConv2d(4 * n, 4 * n),
            *(GatedConv2d(4 * n, 4 * n, dilation=dilation) for dilation in DILATIONS),
            GatedConv2d(4 * n, 4 * n),
            nn.Upsample(scale_factor=2.0, mode=upsampling),
            GatedConv2d(4 * n, 2 * n),
            nn.Upsample(scale_factor=2.0, mode=upsampling),
        )
        self.head = nn.Sequential(GatedConv2d(2 * n + channels, n, norm=False), nn.Conv2d(n, 1, 3, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, channels, H, W), H and W multiples of 4, to (B, 1, H, W)."""
        return self.head(torch.cat((self.layers(x), x), dim=1))


class TextureGenerator(WindowGenerator):
    """Put a nodule into the mask of 2D windows, in the image's own units.

    The input (B, 3, H, W) is the image with the mask's region zeroed, the mask (1 = nodule), and the density inside it
    (0 ground-glass, 1 solid), 0 outside; H and W are multiples of 32. The output is composited. Inside, the image is
    `x (1 - M) + M`, as in the paper. The refinement network sees the coarse one's output in the image, as in Yu et al.

    Args:
        features: of the first layer of each stage.
        stages: 2, coarse and refinement; 1 is the coarse network alone (table II).
        starts: both stages add to the smooth continuation of what is known, and the first one sees it in place of
            ones: for films, whose nodules are faint shadows on what lies around them. Our addition.
        density: whether the input has the density; without it the networks are those of the paper.
        limits: see `WindowGenerator`.
        upsampling: of the decoders. "nearest" is published; it repeats each value of the bottleneck in squares of four
            pixels, whose edges show as a grid in faint nodules until a long training has learned to smooth them.
            "bilinear" has no such edges. Both have the same weights.
    """

    def __init__(
        self,
        features: int = 48,
        stages: int = 2,
        density: bool = True,
        limits: Sequence[float] | None = None,
        starts: bool = False,
        upsampling: str = "nearest",
    ) -> None:
        super().__init__(limits)
        self.starts = starts
        self.channels = 2 + density  # of the input
        self.stages = nn.ModuleList(TextureStage(2 + density, features, upsampling) for _ in range(stages))

    def predict(
        self, image: torch.Tensor, known: torch.Tensor, *density: torch.Tensor
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        mask = 1.0 - known
        condition = torch.cat((mask, *density), dim=1)
        start = push_pull_fill(image, known)[0] if self.starts else torch.zeros_like(image)
        shown, outputs = image + mask * (start if self.starts else 1.0), []
        for stage in self.stages:
            outputs.append(start + stage(torch.cat((shown, condition), dim=1).contiguous()))
            shown = image + mask * outputs[-1]
        return outputs[-1], tuple(outputs[:-1])


class TextureDiscriminator(nn.Sequential):
    """Six convolutions with spectral norm: (B, channels, H, W) to logits (B, 1, H / 32, W / 32) of patches.

    Args:
        channels: of the mask, the image, and the density.
        features: of the first convolution, then 2, 4, 8 and 8 times as many.
    """

    def __init__(self, channels: int = 3, features: int = 64) -> None:
        super().__init__()
        sizes = [channels, *(features * times for times in (1, 2, 4, 8, 8))]
        for before, after in zip(sizes[:-1], sizes[1:], strict=True):
            self.extend((spectral_norm(nn.Conv2d(before, after, 4, 2, 1)), nn.LeakyReLU(0.2)))
        self.append(spectral_norm(nn.Conv2d(sizes[-1], 1, 3, 1, 1)))
