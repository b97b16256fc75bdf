"""Small windows and generators for the tests of the published networks."""

from __future__ import annotations

import numpy as np
import torch
from cli_samples import smooth
from torch import nn

from monai_inpaint.networks import GLCIC, CasNet, ContextEncoder, PartialConvUNet
from monai_inpaint.networks.generator import WindowGenerator

SLIM = {
    ContextEncoder: {"features": 2},
    CasNet: {"blocks": 2, "features": 2},
    GLCIC: {"features": 4},
    PartialConvUNet: {"features": 2},
}  # channels scaled down, nothing else


def windows(side: int = 64, low: float = 0.0, high: float = 1000.0) -> torch.Tensor:
    """Two windows with holes of two sizes: the image with the hole zeroed, then the hole."""
    image = np.stack([low + (high - low) * smooth((side, side), seed) for seed in (1, 2)])
    hole = np.zeros_like(image)
    hole[0, side // 4 : 3 * side // 4, side // 4 : 3 * side // 4] = 1
    hole[1, 3:9, -12:] = 1
    return torch.from_numpy(np.stack((np.where(hole > 0, 0.0, image), hole), axis=1)).float()


def network(kind: type[WindowGenerator], **arguments: object) -> WindowGenerator:
    """A slim generator whose norms have seen a batch, as if it had been trained."""
    torch.manual_seed(0)
    made = kind(**SLIM[kind] | arguments)
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # the mean of all batches: here, of one
    with torch.no_grad():
        made.train()(windows(kind.side))
    return made.eval()


@torch.no_grad()
def fill(net: WindowGenerator, x: torch.Tensor, **arguments: bool) -> torch.Tensor:
    return net(x, **arguments)


def parameters(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())
