"""Base of the published generators: the network contract around a network that works in [-1, 1]."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import nn

from monai_inpaint.networks.known_voxels import masked_statistics

DEVIATIONS = 3.0  # from the mean of the known voxels to +1: as much contrast as 8-bit pictures have in [-1, 1]


class WindowGenerator(nn.Module, ABC):
    """Fill the hole of 2D windows, in the image's own units.

    The input (B, 2, H, W) is the image with the hole zeroed, then the hole (1 = fill); further channels are passed to
    the network unchanged. The output (B, 1, H, W) is the composited image, with unchanged known voxels. H and W are the
    network's `side`, if it has one.

    The inner network works on intensities normalised to [-1, 1], zero in the hole: the mean of the known voxels of each
    window becomes 0, three of their standard deviations 1, so that scaling and shifting an image scales and shifts its
    fill. With `limits=(low, high)` these become -1 and 1 instead, known values outside are clipped before they enter
    the network, and fills stay within the limits.

    Args:
        limits: lowest and highest value that means something, in the image's units (CT: air, dense bone).
    """

    side: int  # of the windows that the paper trains on, and that the engines show

    def __init__(self, limits: Sequence[float] | None = None) -> None:
        super().__init__()
        self.limits = tuple(limits) if limits else None

    def forward(
        self, x: torch.Tensor, composited: bool = True
    ) -> torch.Tensor | tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """Return the filled window; with `composited=False` all that the network predicts, which losses look at.

        A network may return more than its prediction. Losses then get the prediction in the image's units, and the rest
        unchanged.
        """
        image, known = _parts(x)
        centre, reach = self.intensity_range(x)
        limited = image.clamp(*self.limits) if self.limits else image
        further = (x[:, 2:],) if x.shape[1] > 2 else ()
        given = self.predict((limited - centre) / reach * known, known, *further)
        normal, stages = given if isinstance(given, tuple) else (given, ())
        predicted = normal.to(x.dtype) * reach + centre
        if not composited:
            return (predicted, stages) if isinstance(given, tuple) else predicted
        if self.limits:
            predicted = predicted.clamp(*self.limits)
        return torch.where(known > 0.5, image, predicted)

    def intensity_range(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the value that becomes 0, and its distance to 1; to bring truth and fill to [-1, 1] for losses.

        Args:
            x: as for `forward`.

        Returns:
            Two tensors that broadcast with (B, 1, H, W), in the image's units.
        """
        if self.limits:
            low, high = self.limits
            return x.new_tensor((low + high) / 2), x.new_tensor((high - low) / 2)
        mean, deviation = masked_statistics(*_parts(x))
        return mean, DEVIATIONS * deviation

    @abstractmethod
    def predict(
        self, image: torch.Tensor, known: torch.Tensor, *further: torch.Tensor
    ) -> torch.Tensor | tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """Return the whole window, normalised; with it what else losses look at (earlier stages, edges), if anything.

        Args:
            image: (B, 1, H, W), normalised, 0 in the hole.
            known: (B, 1, H, W), 1 where known, 0 in the hole.
            further: the channels after these two, of networks that have more.
        """


def start_normal(module: nn.Module) -> None:
    """Weights of N(0, 0.02), scales of N(1, 0.02), no shift: DCGAN (Radford et al. 2016, section 4). For `apply`."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0 if isinstance(module, nn.BatchNorm2d) else 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _parts(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the image, and which of its voxels are known, 1 or 0."""
    inside = x[:, 1:2] > 0.5
    image = torch.where(inside, torch.zeros_like(x[:, :1]), x[:, :1])  # NaN in the hole must not spread
    return image, torch.logical_not(inside).to(x.dtype)
