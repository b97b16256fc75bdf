"""Metal artifact reduction: a U-net that removes from a CT slice the artifacts that `nmar` leaves."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from monai_inpaint.networks.plain_unet import plain_unet


class MetalUNet(nn.Module):
    """Correct CT slices with metal, in HU.

    The input (B, 3, H, W) is the slice as scanned with the metal zeroed, the metal (1 = metal), and the slice as `nmar`
    returns it with tissue in place of the metal, both in HU. The output (B, 1, H, W) is the slice without artifacts and
    without the metal, in HU. H and W are multiples of 32.

    It starts from `nmar` and adds what its U-net predicts; a network that predicts nothing is `nmar`. HU are absolute,
    so nothing is normalised but by fixed numbers.

    The U-net works on blocks of 2 x 2 pixels, which quarters the arithmetic; it returns four numbers for each block. At
    its coarsest level a step is 32 pixels, so that streaks across the whole slice are within its field of view.

    Args:
        features: at 1/2, 1/4, 1/8, 1/16 and 1/32 of the image's resolution, and of the last layer before the output.
    """

    channels = 3

    def __init__(self, features: Sequence[int] = (32, 48, 96, 160, 192, 32)) -> None:
        super().__init__()
        self.unet = plain_unet(16, 4, features)
        nn.init.zeros_(self.unet.final_conv.weight)
        nn.init.zeros_(self.unet.final_conv.bias)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        scanned, metal, corrected = image[:, :1], image[:, 1:2], image[:, 2:3]
        moved = (1.0 - metal) * (corrected - scanned)
        inputs = torch.cat(
            (
                torch.clamp(scanned / 1000.0, -1.0, 2.0),
                torch.clamp(corrected / 1000.0, -1.0, 2.0),
                torch.asinh(moved / 100.0),
                metal,
            ),
            dim=1,
        )
        change = F.pixel_shuffle(self.unet(F.pixel_unshuffle(inputs, 2)), 2)
        return corrected + 100.0 * change
