"""EdgeConnect (Nazeri et al. 2019): edges first, then the image; to compare with, for nodules.

Generative Image Inpainting with Adversarial Edge Learning. Both generators are in one network: the second one receives
the edges of the first, without passing gradients to it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from monai_inpaint.networks.edges import known_edges
from monai_inpaint.networks.generator import WindowGenerator


class DilatedResidual(nn.Module):
    """Two 3x3 convolutions with instance norm, the first dilated by 2, added to what came."""

    def __init__(self, features: int, *, spectral: bool) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_layer(nn.Conv2d(features, features, 3, 1, 2, 2), spectral=spectral),
            *_layer(nn.Conv2d(features, features, 3, 1, 1), spectral=spectral)[:-1],
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.layers(x)


class EdgeConnectGenerator(nn.Sequential):
    """7x7, two convolutions of stride 2, eight dilated residual blocks, two transposed ones, 7x7: appendix A.

    Args:
        channels: of the input.
        features: of the first layer, 64 in the paper.
        spectral: spectral norm, of the one for edges.
    """

    def __init__(self, channels: int, features: int, *, spectral: bool) -> None:
        n = features
        super().__init__(
            *_layer(nn.Conv2d(channels, n, 7, 1, 3, padding_mode="reflect"), spectral=spectral),
            *_layer(nn.Conv2d(n, 2 * n, 4, 2, 1), spectral=spectral),
            *_layer(nn.Conv2d(2 * n, 4 * n, 4, 2, 1), spectral=spectral),
            *(DilatedResidual(4 * n, spectral=spectral) for _ in range(8)),
            *_layer(nn.ConvTranspose2d(4 * n, 2 * n, 4, 2, 1), spectral=spectral),
            *_layer(nn.ConvTranspose2d(2 * n, n, 4, 2, 1), spectral=spectral),
            nn.Conv2d(n, 1, 7, 1, 3, padding_mode="reflect"),
        )


class EdgeConnect(WindowGenerator):
    """Fill windows whose sides are multiples of 4; see `WindowGenerator`. Losses also get the logits of the edges.

    Args:
        features: of the first layers, 64 in the paper.
        limits: see `WindowGenerator`.
    """

    channels = 2

    def __init__(self, features: int = 64, limits: Sequence[float] | None = None) -> None:
        super().__init__(limits)
        self.edges = EdgeConnectGenerator(3, features, spectral=True)
        self.image = EdgeConnectGenerator(2, features, spectral=False)

    def predict(self, image: torch.Tensor, known: torch.Tensor) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """Edges from the image with 1 in the hole, the known edges, and the hole; then the image from both."""
        hole = 1.0 - known
        seen = known_edges(image, known)
        logits = self.edges(torch.cat((image + hole, seen, hole), dim=1))
        edges = seen + hole * logits.detach().sigmoid()
        return torch.tanh(self.image(torch.cat((image + hole, edges), dim=1))), (logits,)


class SpectralPatchDiscriminator(nn.Module):
    """The 70x70 discriminator with spectral norm: (B, channels, H, W) to the features of its layers, the logits last.

    Args:
        channels: of the input.
        features: of the first convolution, 64 in the paper.
    """

    def __init__(self, channels: int, features: int = 64) -> None:
        super().__init__()
        sizes = [channels, *(features * times for times in (1, 2, 4, 8)), 1]
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv2d(before, after, 4, 2 if level < 3 else 1, 1))
            for level, (before, after) in enumerate(zip(sizes[:-1], sizes[1:], strict=True))
        )

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        features = []
        for layer in self.layers:
            x = layer(x if not features else nn.functional.leaky_relu(features[-1], 0.2))
            features.append(x)
        return features


def _layer(convolution: nn.Conv2d | nn.ConvTranspose2d, *, spectral: bool) -> tuple[nn.Module, ...]:
    after = convolution.out_channels
    return spectral_norm(convolution) if spectral else convolution, nn.InstanceNorm2d(after), nn.ReLU()
