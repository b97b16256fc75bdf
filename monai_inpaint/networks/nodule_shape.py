"""The shape generator of Shen et al. 2022 (section III-A), a DCGAN, and its discriminator."""

from __future__ import annotations

import torch
from torch import nn

from monai_inpaint.networks.generator import start_normal

LATENT = 100  # numbers of z
_LEVELS = 5  # from 4x4 to 128x128


class NoduleShapeGenerator(nn.Module):
    """Draw outlines of nodules from noise: z (B, 100, 1, 1), standard normal, to fields (B, 1, 128, 128) in [-1, 1].

    A projection to 4x4 cells, then five transposed convolutions of 4x4 and stride 2, each but the last one followed by
    batch normalisation and ReLU (section III-A). The nodule is where the field is positive. In the paper the output is
    the mask itself; here it is the hyperbolic tangent of the signed distance (`normalised_field`), whose outlines are
    smooth.

    Args:
        features: channels at 4x4, halved by each of the first four; 512 in the paper.
    """

    channels, side = LATENT, 1  # of the input

    def __init__(self, features: int = 512) -> None:
        super().__init__()
        sizes = [features // 2**level for level in range(_LEVELS)]
        self.layers = nn.Sequential(
            nn.ConvTranspose2d(LATENT, features, 4, bias=False), nn.BatchNorm2d(features), nn.ReLU()
        )
        for before, after in zip(sizes[:-1], sizes[1:], strict=True):
            self.layers.append(nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False))
            self.layers.extend((nn.BatchNorm2d(after), nn.ReLU()))
        last = nn.ConvTranspose2d(sizes[-1], 1, 4, 2, 1)
        self.layers.extend((last, nn.Tanh()))
        self.apply(start_normal)
        if last.bias is not None:
            nn.init.constant_(last.bias, -1.0)  # most of a field is background

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Fields of the latent vectors, which the graph calls `image` as every engine does."""
        return self.layers(image)


class NoduleShapeDiscriminator(nn.Module):
    """Whether fields (B, 1, 128, 128) are of real outlines: (B, 1, 1, 1) logits.

    Five convolutions of 4x4 and stride 2, then one over all 4x4 cells: the mirrored generator (section III-A). Without
    batch normalisation, whose means depend on the whole batch and with which a gradient penalty is not defined for one
    image; instead the last layer receives the standard deviation within the batch (Karras et al. 2018, Progressive
    Growing of GANs, section 3), so that a generator that always draws the same shape is detected.

    Args:
        features: channels at 4x4, of the last layer; 512 in the paper.
        batch_spread: whether the last layer receives the standard deviation within the batch.
    """

    def __init__(self, features: int = 512, batch_spread: bool = True) -> None:
        super().__init__()
        sizes = [1, *(features // 2**level for level in reversed(range(_LEVELS)))]
        self.layers = nn.Sequential()
        for before, after in zip(sizes[:-1], sizes[1:], strict=True):
            self.layers.extend((nn.Conv2d(before, after, 4, 2, 1), nn.LeakyReLU(0.2)))
        self.batch_spread = batch_spread
        self.last = nn.Conv2d(features + batch_spread, 1, 4)
        self.apply(start_normal)

    def forward(self, field: torch.Tensor) -> torch.Tensor:
        """Logits, 1 for real and 0 for drawn outlines as least squares has it."""
        found = self.layers(field)
        if self.batch_spread:
            spread = (found.var(dim=0, unbiased=False) + 1e-8).sqrt().mean()
            found = torch.cat((found, spread.expand(len(found), 1, *found.shape[2:])), dim=1)
        return self.last(found)
