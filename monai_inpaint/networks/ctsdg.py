"""CTSDG (Guo et al. 2021): texture and structure made by two coupled streams; to compare with, for nodules.

Image Inpainting via Conditional Texture and Structure Dual Generation, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from monai_inpaint.networks.edges import known_edges
from monai_inpaint.networks.generator import WindowGenerator
from monai_inpaint.networks.partial_conv import PartialConvLayer


class CTSDG(WindowGenerator):
    """Fill windows whose sides are multiples of 2 to the number of levels; see `WindowGenerator`.

    The decoder of texture starts from the encoder of structure, and that of structure from the encoder of texture.
    Losses get also what each stream alone makes of the other's: the image from the structure stream's features, the
    logits of the edges from the texture stream's (intermediate loss).

    Args:
        features: of the first layer, 64 in the paper.
        levels: halvings of each U-net, 7 in the paper, for 256 pixels.
        limits: see `WindowGenerator`.
    """

    channels = 2

    def __init__(self, features: int = 64, levels: int = 7, limits: Sequence[float] | None = None) -> None:
        super().__init__(limits)
        n = features
        self.texture, self.structure = PartialConvStream(1, n, levels), PartialConvStream(2, n, levels)
        self.to_image, self.to_edges = nn.Conv2d(n, 1, 1), nn.Conv2d(n, 1, 1)
        self.fusion = GatedFusion(n)
        self.aggregation = ContextualAggregation(n)
        self.last = nn.Sequential(nn.Conv2d(2 * n, n, 3, 1, 1), nn.LeakyReLU(0.2), nn.Conv2d(n, 1, 1), nn.Tanh())

    def predict(self, image: torch.Tensor, known: torch.Tensor) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        structure = torch.cat((known_edges(image, known), image), dim=1)
        ways = self.texture.encode(image, known), self.structure.encode(structure, known)
        textures = self.texture.decode(ways[0], start=ways[1][-1])
        structures = self.structure.decode(ways[1], start=ways[0][-1])
        fused = self.fusion(textures, structures)
        filled = self.last(torch.cat((fused, self.aggregation(fused)), dim=1))
        return filled, (torch.tanh(self.to_image(structures)), self.to_edges(textures))


class PartialConvStream(nn.Module):
    """A U-net of partial convolutions whose decoder may start from another's deepest features."""

    def __init__(self, channels: int, features: int, levels: int) -> None:
        super().__init__()
        sizes = [channels, *(features * min(2**level, 8) for level in range(levels))]
        pairs = list(zip(sizes[:-1], sizes[1:], strict=True))
        kernels = (7, 5, 5, *(3 for _ in range(levels - 3)))
        self.encoder = nn.ModuleList(
            PartialConvLayer(before, after, kernel, 2, slope=0.0, norm=before > channels)
            for (before, after), kernel in zip(pairs, kernels, strict=True)
        )
        ends = [features, *sizes[1:-1]]
        self.decoder = nn.ModuleList(
            PartialConvLayer(after + before, end, 3, 1, slope=0.2)
            for (before, after), end in zip(pairs, ends, strict=True)
        )

    def encode(self, x: torch.Tensor, known: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """The input and the features of each level, with their masks."""
        way = [(x, known.expand_as(x))]
        for layer in self.encoder:
            way.append(layer(*way[-1]))
        return way

    def decode(
        self, way: list[tuple[torch.Tensor, torch.Tensor]], start: tuple[torch.Tensor, torch.Tensor]
    ) -> torch.Tensor:
        """Features at full resolution."""
        x, mask = start
        for layer, (skip, skip_mask) in zip(reversed(self.decoder), reversed(way[:-1]), strict=True):
            x, mask = (F.interpolate(part, scale_factor=2.0, mode="nearest") for part in (x, mask))
            x, mask = layer(torch.cat((x, skip), dim=1), torch.cat((mask, skip_mask), dim=1))
        return x


class GatedFusion(nn.Module):
    """Bidirectional gated feature fusion, equations 5 to 9."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.gates = nn.ModuleList(
            nn.Sequential(nn.Conv2d(2 * features, features, 3, 1, 1), SqueezeExcite(features), nn.Sigmoid())
            for _ in "ts"
        )
        self.shares = nn.Parameter(torch.zeros(2))
        self.merge = nn.Conv2d(2 * features, features, 1)

    def forward(self, texture: torch.Tensor, structure: torch.Tensor) -> torch.Tensor:
        both = torch.cat((texture, structure), dim=1)
        into_structure, into_texture = (gate(both) for gate in self.gates)
        informed = structure + self.shares[0] * into_structure * texture
        textured = texture + self.shares[1] * into_texture * structure
        return self.merge(torch.cat((textured, informed), dim=1))


class SqueezeExcite(nn.Module):
    """Weigh channels by their means (Hu et al. 2018)."""

    def __init__(self, features: int) -> None:
        super().__init__()
        inner = max(features // 4, 1)
        self.layers = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(features, inner, 1),
            nn.ReLU(),
            nn.Conv2d(inner, features, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.layers(x)


class ContextualAggregation(nn.Module):
    """Contextual feature aggregation, equations 10 to 13: attention among patches, at a quarter of the resolution, then
    four dilated convolutions that each place weighs for itself."""

    def __init__(self, features: int) -> None:
        super().__init__()
        n = features
        self.dilated = nn.ModuleList(nn.Conv2d(n, n, 3, 1, d, d) for d in (1, 2, 4, 8))
        self.weights = nn.Sequential(nn.Conv2d(n, n, 3, 1, 1), nn.ReLU(), nn.Conv2d(n, 4, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        small = F.avg_pool2d(x, 4)
        batch, n, rows, columns = small.shape
        patches = F.unfold(small, 3, padding=1)  # (B, 9 n, places)
        unit = F.normalize(patches, dim=1)
        share = (10.0 * unit.transpose(1, 2) @ unit).softmax(dim=2)  # cosines, as sharp as the paper's softmax scale
        mixed = F.fold(patches @ share.transpose(1, 2), (rows, columns), 3, padding=1) / 9.0
        weights = self.weights(mixed).softmax(dim=1)
        gathered = torch.stack([F.relu(layer(mixed)) for layer in self.dilated], dim=1)
        summed = (gathered * weights[:, :, None]).sum(dim=1).view(batch, n, rows, columns)
        return F.interpolate(summed, scale_factor=4.0, mode="nearest")


class TwoStreamDiscriminator(nn.Module):
    """Two-branch discriminator of texture and structure: image and (edges, image) to logits (B, 1, h, w), equation 14.

    Args:
        features: of the first convolutions, 64 in the paper.
    """

    def __init__(self, features: int = 64) -> None:
        super().__init__()
        self.texture, self.structure = _encoder(1, features), _encoder(2, features)
        self.head = spectral_norm(nn.Conv2d(16 * features, 1, 4, 1, 1))

    def forward(self, image: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
        both = self.texture(image), self.structure(torch.cat((edges, image), dim=1))
        return self.head(torch.cat(both, dim=1))


def _encoder(channels: int, features: int) -> nn.Sequential:
    sizes, layers = [channels, *(features * times for times in (1, 2, 4, 8))], []
    for level, (before, after) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
        layers += [spectral_norm(nn.Conv2d(before, after, 4, 2 if level < 3 else 1, 1)), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers)
