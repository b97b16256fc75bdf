"""Energy distance between two batches: a generator that draws from noise alone learns by it without a discriminator.

Székely and Rizzo 2013, Energy statistics: A class of statistics based on distances, definition 1. Twice the mean
distance between drawn and real examples, less the mean distances within each of both; zero for equal distributions
only.
"""

from __future__ import annotations

import torch
from torch import nn

from monai_inpaint.losses.energy_score import laplacian_bands

_LEVELS = 4
_WHOLE = 8.0  # weight of whole images against each of their bands, which measure how rough outlines are
_SMOOTH = 1e-4  # under roots, whose slope would be infinite


class EnergyDistance(nn.Module):
    """The energy distance of whole images and of their frequency bands, over the distances between real ones."""

    def forward(self, drawn: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """The distance, a scalar, of two batches of at least two images each, (B, 1, H, W) with sides of at least 8."""
        bands = zip(laplacian_bands(drawn, _LEVELS), laplacian_bands(truth, _LEVELS), strict=True)
        distance = _WHOLE * _distance(drawn, truth)
        return distance + torch.stack([_distance(one, other) for one, other in bands]).sum()


def _distance(drawn: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    drawn, truth = drawn.flatten(1), truth.flatten(1)
    unit = _within(truth)
    return (2.0 * _between(drawn, truth).mean() - _within(drawn) - unit) / unit


def _within(images: torch.Tensor) -> torch.Tensor:
    """Mean distance between two different images of a batch."""
    count = len(images)
    return _between(images, images).sum() / (count * (count - 1))


def _between(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    squared = one.square().sum(dim=1)[:, None] + other.square().sum(dim=1) - 2.0 * one @ other.T
    return (squared.clamp(min=0.0) + _SMOOTH).sqrt()
