"""Li et al. 2022, MAT: Mask-Aware Transformer for Large Hole Image Inpainting; the network of LINOP (2023).

Implemented from the papers. Three things differ: all randomness comes from a noise channel, so that a seed produces the
same image on every engine; tokens may have a position embedding (`places`), our addition; and shifted windows go around
the edges of the map without a mask between its two sides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from monai_inpaint.networks.contextual_attention import ContextualAttention, maps_of, windows_of
from monai_inpaint.networks.generator import WindowGenerator
from monai_inpaint.networks.partial_conv import PartialConv2d
from monai_inpaint.networks.style_modulation import Styled, StyledConv2d, coarser_noise

LATENT = 16  # rows and columns of the latent numbers
_WAVES = (1, 2, 4)  # half periods of the places' waves over a window


class AdjustedBlock(nn.Module):
    """A transformer block without layer norm, with concatenation in place of addition (section 3.3, equations 1, 2).

    Args:
        features: of a token.
        heads: of the attention.
        window: side of the attention's windows, in tokens; smaller maps are one window.
        shifted: whether windows are shifted by half of their side, around the edges (Liu et al. 2021, Swin).
    """

    def __init__(self, features: int, heads: int, window: int, *, shifted: bool) -> None:
        super().__init__()
        self.window, self.shifted = window, shifted
        self.attention = ContextualAttention(features, heads)
        self.fusion = nn.Linear(2 * features, features)
        self.mlp = nn.Sequential(nn.Linear(features, 2 * features), nn.GELU(), nn.Linear(2 * features, features))

    def forward(
        self, x: torch.Tensor, valid: torch.Tensor | None, place: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Tokens (B, features, H, W), which are valid (B, 1, H, W), and an embedding of their places; the first two."""
        height, width = x.shape[2:]
        window = min(self.window, height, width)
        shift = window // 2 if self.shifted and window < max(height, width) else 0
        known = x if valid is None else x * valid.to(x.dtype)  # what is invalid says nothing, not even of itself
        there = known if place is None else known + place.to(x.dtype)
        tokens, mask = (None if maps is None else windows_of(_rolled(maps, -shift), window) for maps in (there, valid))
        assert tokens is not None
        found, after = self.attention(tokens, None if mask is None else mask[..., 0])
        fused = self.mlp(self.fusion(torch.cat((found, tokens), dim=-1)))
        x = _rolled(maps_of(fused, height, width), shift)
        return x, None if after is None else _rolled(maps_of(after[..., None], height, width), shift)


def _rolled(maps: torch.Tensor, shift: int) -> torch.Tensor:
    return torch.roll(maps, (shift, shift), (2, 3)) if shift else maps


class TransformerStage(nn.Module):
    """Blocks in turn shifted and not, a convolution, and the stage's input again."""

    def __init__(self, features: int, heads: int, window: int, depth: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            AdjustedBlock(features, heads, window, shifted=number % 2 == 1) for number in range(depth)
        )
        self.last = PartialConv2d(features, features, 3, 1, 1)

    def forward(
        self, x: torch.Tensor, valid: torch.Tensor | None, place: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """See `AdjustedBlock`."""
        before = x
        for block in self.blocks:
            x, valid = block(x, valid, place)
        if valid is None:
            return before + F.leaky_relu(nn.Conv2d.forward(self.last, x), 0.2), None
        x, grown = self.last(x, valid.to(x.dtype))
        return before + F.leaky_relu(x, 0.2), grown[:, :1]


class MAT(WindowGenerator):
    """Fill large holes in 2D windows: a transformer draws, a U-net of convolutions refines.

    The input (B, 3, H, W) is the image with the hole zeroed, the hole, and white noise (zeros: the output without
    noise). H and W are equal, and multiples of 32. If the window of the middle stage is as wide as its map, every token
    there attends to all others, and each generated pixel depends on all known ones.

    1. A head of partial convolutions makes tokens and their validity mask.
    2. Five transformer stages, at the tokens' grid, half and a quarter of it, and back.
    3. The style: that of the noise (an MLP of 256 numbers) and that of the image, pooled from the middle stage, in
       which the noise selects tokens (section 3.4).
    4. Styled convolutions return a first image; the U-net refines it, given the hole.

    Args:
        features: of a token; 180 in the paper.
        heads: of the attention; 6 in the paper.
        depths: blocks of the five stages.
        windows: sides of their attention's windows, in tokens.
        widths: channels of the first image's decoder, from the tokens' grid to the full one, each twice as fine as the
            one before; four times 180 in the paper: tokens of 8 x 8 pixels.
        refining: channels of the U-net, from the full grid on.
        style: length of both styles; 512 in the paper.
        places: add to each token waves of its row and column: films all show a chest. Our addition.
        side: of the windows of engines; training may use others.
        limits: see `WindowGenerator`.
    """

    channels = 3

    def __init__(
        self,
        features: int = 180,
        heads: int = 6,
        depths: Sequence[int] = (2, 3, 4, 3, 2),
        windows: Sequence[int] = (8, 16, 16, 16, 8),
        widths: Sequence[int] = (180, 180, 180, 180),
        refining: Sequence[int] = (64, 128, 256, 512, 512, 512),
        style: int = 512,
        places: bool = False,
        side: int = 512,
        limits: Sequence[float] | None = None,
    ) -> None:
        super().__init__(limits)
        self.side = side
        head = [*reversed(widths[1:]), features]
        self.head = nn.ModuleList([PartialConv2d(2, head[0], 5, 1, 2)])
        self.head.extend(PartialConv2d(a, b, 3, 2, 1) for a, b in zip(head[:-1], head[1:], strict=True))
        self.stages = nn.ModuleList(
            TransformerStage(features, heads, window, depth) for window, depth in zip(windows, depths, strict=True)
        )
        self.down = nn.ModuleList(PartialConv2d(features, features, 3, 2, 1) for _ in range(2))
        self.up = nn.ModuleList(nn.Conv2d(2 * features, features, 3, 1, 1) for _ in range(2))
        self.place = nn.Conv2d(4 * len(_WAVES), features, 1) if places else None
        self.noise_style = nn.Sequential(
            nn.Linear(LATENT**2, style), nn.LeakyReLU(0.2), nn.Linear(style, style), nn.LeakyReLU(0.2)
        )
        self.noise_tokens = nn.Linear(style, features)
        self.image_style = nn.Sequential(nn.Conv2d(features, style, 3, 2, 1), nn.LeakyReLU(0.2))
        self.first = nn.ModuleList([StyledConv2d(features, widths[0], 2 * style)])
        self.first.extend(
            Styled(StyledConv2d(a, b, 2 * style, up=True), StyledConv2d(b, b, 2 * style))
            for a, b in zip(widths[:-1], widths[1:], strict=True)
        )
        self.first_image = nn.Conv2d(widths[-1], 1, 1)
        self.refine = StyledUNet(refining, 2 * style)
        parts = self.head, self.stages, self.down, self.up, self.noise_style, self.noise_tokens, self.image_style
        for part in (*parts, self.refine.entry, self.refine.encoder):
            part.apply(_start_at_unit_variance)

    def predict(
        self, image: torch.Tensor, known: torch.Tensor, *noise: torch.Tensor
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        grain = noise[0]
        x, skips, middle = self._tokens(image, known)
        style = self._style(middle, grain)
        x = self._back(middle, skips)
        for layer in self.first:
            x = layer(x, style, grain)
        first = image + (1.0 - known) * self.first_image(x).to(image.dtype)
        return self.refine(first, known, style, grain), (first,)

    def _tokens(
        self, image: torch.Tensor, known: torch.Tensor
    ) -> tuple[torch.Tensor, list[torch.Tensor], torch.Tensor]:
        """The head and the first three stages: what came last, what the first two gave, and the third."""
        x = torch.cat((image, known), dim=1)
        mask: torch.Tensor | None = known
        for layer in self.head:
            x, mask = _partial(layer, x, mask)
        skips: list[torch.Tensor] = []
        for stage, down in zip(self.stages, (*self.down, None), strict=False):
            x, mask = stage(x, mask, self._place(x))
            if down is None:
                break
            skips.append(x)
            x, mask = _partial(down, x, mask)
        return x, skips, x

    def _back(self, x: torch.Tensor, skips: list[torch.Tensor]) -> torch.Tensor:
        """The last two stages, in which every token is valid."""
        for stage, up, skip in zip(self.stages[3:], self.up, reversed(skips), strict=True):
            x = F.interpolate(x, scale_factor=2.0, mode="nearest")
            x = F.leaky_relu(up(torch.cat((x, skip), dim=1)), 0.2)
            x = stage(x, None, self._place(x))[0]
        return x

    def _style(self, middle: torch.Tensor, grain: torch.Tensor) -> torch.Tensor:
        """(B, 2 style): the style of the noise, and that of the image as far as the noise admits it."""
        drawn = self.noise_style(coarser_noise(grain, LATENT).flatten(1))
        from_image = (coarser_noise(grain, middle.shape[-1]) >= 0.0).to(middle.dtype)
        mixed = from_image * middle + (1.0 - from_image) * self.noise_tokens(drawn)[:, :, None, None].to(middle.dtype)
        return torch.cat((drawn, self.image_style(mixed).mean(dim=(2, 3)).to(drawn.dtype)), dim=1)

    def _place(self, tokens: torch.Tensor) -> torch.Tensor | None:
        if self.place is None:
            return None
        waves = [
            wave(math.pi * times * (torch.arange(size, device=tokens.device) + 0.5) / size).view(shape)
            for size, shape in ((tokens.shape[2], (1, -1, 1)), (tokens.shape[3], (1, 1, -1)))
            for times in _WAVES
            for wave in (torch.sin, torch.cos)
        ]
        rows_columns = [wave.expand(1, *tokens.shape[2:]) for wave in waves]
        return self.place(torch.cat(rows_columns)[None])


def _start_at_unit_variance(module: nn.Module) -> None:
    """Of the sums; torch's own start is weaker, and without norms little of a signal would pass all layers."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _partial(layer: nn.Module, x: torch.Tensor, mask: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
    """A partial convolution with one mask for all channels, and LeakyReLU."""
    assert mask is not None
    convolved, after = layer(x, mask.to(x.dtype))
    return F.leaky_relu(convolved, 0.2), after[:, :1]


class StyledUNet(nn.Module):
    """Encoder of plain convolutions, decoder of styled ones, with skips (section 3.5).

    Args:
        widths: channels from the full grid on, each half as fine as the one before.
        style: length of the style.
    """

    def __init__(self, widths: Sequence[int], style: int) -> None:
        super().__init__()
        pairs = list(zip(widths[:-1], widths[1:], strict=True))
        self.entry = nn.Conv2d(2, widths[0], 3, 1, 1)
        self.encoder = nn.ModuleList(nn.Conv2d(fine, coarse, 3, 2, 1) for fine, coarse in pairs)
        self.decoder = nn.ModuleList(StyledConv2d(coarse, fine, style, up=True) for fine, coarse in reversed(pairs))
        self.joined = nn.ModuleList(StyledConv2d(2 * fine, fine, style) for fine, _ in reversed(pairs))
        self.exit = nn.Conv2d(widths[0], 1, 1)

    def forward(
        self, image: torch.Tensor, known: torch.Tensor, style: torch.Tensor, noise: torch.Tensor
    ) -> torch.Tensor:
        """(B, 1, H, W): the image, changed."""
        x = F.leaky_relu(self.entry(torch.cat((image, known), dim=1)), 0.2)
        skips: list[torch.Tensor] = []
        for layer in self.encoder:
            skips.append(x)
            x = F.leaky_relu(layer(x), 0.2)
        for up, join in zip(self.decoder, self.joined, strict=True):
            x = join(torch.cat((up(x, style, noise), skips.pop()), dim=1), style, noise)
        return image + self.exit(x).to(image.dtype)


class MaskedDiscriminator(nn.Module):
    """Discriminate real from filled images: (B, 2, H, W), hole and image, to (B, 1) logits.

    Convolutions of stride 2; the standard deviation within the batch; a layer over features pooled to 4 x 4 (Karras et
    al. 2018, Progressive Growing of GANs), so that any side of at least 32 is allowed.

    Args:
        features: of the first convolution, doubled by each of the following up to eight times as many.
        levels: convolutions of stride 2.
    """

    def __init__(self, features: int = 64, levels: int = 5) -> None:
        super().__init__()
        sizes = [features * min(2**level, 8) for level in range(levels + 1)]
        self.layers = nn.Sequential(nn.Conv2d(2, sizes[0], 3, 1, 1), nn.LeakyReLU(0.2))
        for before, after in zip(sizes[:-1], sizes[1:], strict=True):
            self.layers.extend((nn.Conv2d(before, after, 4, 2, 1), nn.LeakyReLU(0.2)))
        self.last = nn.Sequential(
            nn.Conv2d(sizes[-1] + 1, sizes[-1], 3, 1, 1),
            nn.LeakyReLU(0.2),
            nn.AdaptiveAvgPool2d(4),
            nn.Flatten(),
            nn.Linear(16 * sizes[-1], 1),
        )
        self.apply(_start_at_unit_variance)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """See the class."""
        found = self.layers(image)
        spread = (found.float().var(dim=0, unbiased=False) + 1e-8).sqrt().mean().to(found.dtype)
        return self.last(torch.cat((found, spread.expand(len(found), 1, *found.shape[2:])), dim=1))
