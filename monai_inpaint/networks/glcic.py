"""Iizuka et al. 2017, Globally and Locally Consistent Image Completion: completion network and discriminators."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from monai_inpaint.networks.generator import WindowGenerator


class GLCIC(WindowGenerator):
    """The completion network of 17 layers (table 1); its input is the image and the hole.

    Its output is a sigmoid over [0, 1] in the paper and a hyperbolic tangent over [-1, 1] here: the same curve.

    Args:
        features: of the first convolution, 64 in the paper; all others scale with them.
        limits: see `WindowGenerator`.
        side: of the windows, 256 in the paper.
    """

    side = 256

    def __init__(self, features: int = 64, limits: Sequence[float] | None = None, side: int = 256) -> None:
        super().__init__(limits)
        self.side = side
        n = features
        self.layers = nn.Sequential(
            *_layer(nn.Conv2d(2, n, 5, 1, 2)),
            *_layer(nn.Conv2d(n, 2 * n, 3, 2, 1)),
            *_layer(nn.Conv2d(2 * n, 2 * n, 3, 1, 1)),
            *_layer(nn.Conv2d(2 * n, 4 * n, 3, 2, 1)),
            *(part for d in (1, 1, 2, 4, 8, 16, 1, 1) for part in _layer(nn.Conv2d(4 * n, 4 * n, 3, 1, d, d))),
            *_layer(nn.ConvTranspose2d(4 * n, 2 * n, 4, 2, 1)),
            *_layer(nn.Conv2d(2 * n, 2 * n, 3, 1, 1)),
            *_layer(nn.ConvTranspose2d(2 * n, n, 4, 2, 1)),
            *_layer(nn.Conv2d(n, n // 2, 3, 1, 1)),
            nn.Conv2d(n // 2, 1, 3, 1, 1),
            nn.Tanh(),
        )

    def predict(self, image: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        return self.layers(torch.cat((image, 1.0 - known), dim=1))


class GLCICDiscriminator(nn.Module):
    """Whether an image is real, from all of it and from a patch around the hole (table 2): (B, 1) logits.

    Args:
        side: of the images, a multiple of 64; 256 in the paper. Patches have half of it.
        features: of the first convolutions, 64 in the paper; all others scale with them.
    """

    def __init__(self, side: int = 256, features: int = 64) -> None:
        super().__init__()
        self.whole = _described(side, 6, features)
        self.local = _described(side // 2, 5, features)
        self.head = nn.Linear(2 * 16 * features, 1)

    def forward(self, image: torch.Tensor, patch: torch.Tensor) -> torch.Tensor:
        """`image` (B, 1, side, side) and `patch` (B, 1, side / 2, side / 2), in [-1, 1]."""
        return self.head(torch.cat((self.local(patch), self.whole(image)), dim=1))


def _described(side: int, layers: int, features: int) -> nn.Sequential:
    """Halved by each layer, then one vector of 16 times the features, 1024 in the paper."""
    sizes = [1, *(features * min(2**level, 8) for level in range(layers))]
    halving = [
        part
        for before, after in zip(sizes[:-1], sizes[1:], strict=True)
        for part in _layer(nn.Conv2d(before, after, 5, 2, 2))
    ]
    cells = (side // 2**layers) ** 2
    return nn.Sequential(*halving, nn.Flatten(), nn.Linear(sizes[-1] * cells, 16 * features), nn.ReLU())


def _layer(convolution: nn.Conv2d | nn.ConvTranspose2d) -> tuple[nn.Module, ...]:
    return convolution, nn.BatchNorm2d(convolution.out_channels), nn.ReLU()
