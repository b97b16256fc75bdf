"""The context encoder of Belli et al. 2018, Chest X-Rays Image Inpainting with Context Encoders, and its discriminator.

Layers as in the code that it rests on, since six convolutions of stride 2 do not end in one cell from 128: five, then
one of 4x4 cells without padding.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from monai_inpaint.networks.generator import WindowGenerator, start_normal
from monai_inpaint.networks.known_voxels import push_pull_fill


class ContextEncoder(WindowGenerator):
    """Predict the central half of a window from its surroundings (section 3.1).

    The hole must be in the central 64x64 of a window of 128x128. Whatever its shape, the encoder sees only the
    outermost `ring` of that square, as in training; smaller holes are filled as part of the square. A hole of 56x56
    with a ring of 4 is the other of the two hole sizes: all 64x64 are predicted, and compared in training. Holes
    outside the central square are filled with the smooth continuation of the known pixels.

    Args:
        features: of the first convolution, doubled by each of the following five; 128 in the paper.
        ring: width in voxels, at 128x128, of the border of the central square that the encoder sees.
        limits: see `WindowGenerator`.
    """

    side = 128
    context: torch.Tensor

    def __init__(self, features: int = 128, ring: int = 0, limits: Sequence[float] | None = None) -> None:
        super().__init__(limits)
        context = torch.ones(self.side, self.side)
        margin = self.side // 4 + ring
        context[margin:-margin, margin:-margin] = 0.0
        self.register_buffer("context", context, persistent=False)
        sizes = [features * 2**level for level in range(6)]
        self.encoder = nn.Sequential(nn.Conv2d(1, features, 4, 2, 1, bias=False), nn.LeakyReLU(0.2))
        for before, after in zip(sizes[:-1], sizes[1:], strict=True):
            stride, padding = (2, 1) if after < sizes[-1] else (1, 0)
            self.encoder.append(nn.Conv2d(before, after, 4, stride, padding, bias=False))
            self.encoder.extend((nn.BatchNorm2d(after), nn.LeakyReLU(0.2)))
        self.decoder = nn.Sequential()
        for before, after in zip(sizes[:1:-1], sizes[-2:0:-1], strict=True):
            stride, padding = (2, 1) if before < sizes[-1] else (1, 0)
            self.decoder.append(nn.ConvTranspose2d(before, after, 4, stride, padding, bias=False))
            self.decoder.extend((nn.BatchNorm2d(after), nn.ReLU()))
        self.decoder.extend((nn.ConvTranspose2d(sizes[1], 1, 4, 2, 1, bias=False), nn.Tanh()))
        self.apply(start_normal)

    def predict(self, image: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        smooth, _ = push_pull_fill(image, known)
        centre = self.decoder(self.encoder(smooth * self.context))
        around = (self.side // 4,) * 4
        outside = 1.0 - F.pad(torch.ones_like(centre), around)
        return F.pad(centre, around) + outside * smooth


class ContextEncoderDiscriminator(nn.Sequential):
    """Whether a patch (B, 1, 64, 64) in [-1, 1] is real: (B, 1, 1, 1) logits, for the sigmoid is part of the loss.

    Four convolutions of stride 2, then one over all 4x4 cells (section 3.2.2).

    Args:
        features: of the first convolution, doubled by each of the following three; 128 in the paper's best
            configuration (section 4.1), 64 in its first.
    """

    def __init__(self, features: int = 128) -> None:
        super().__init__(nn.Conv2d(1, features, 4, 2, 1, bias=False), nn.LeakyReLU(0.2))
        for size in (features, 2 * features, 4 * features):
            self.append(nn.Conv2d(size, 2 * size, 4, 2, 1, bias=False))
            self.extend((nn.BatchNorm2d(2 * size), nn.LeakyReLU(0.2)))
        self.append(nn.Conv2d(8 * features, 1, 4, bias=False))
        self.apply(start_normal)
