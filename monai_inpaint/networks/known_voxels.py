"""Masked statistics of a window, and a smooth fill from its known voxels: the start that `InpaintUNet` refines."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def masked_statistics(image: torch.Tensor, known: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Compute mean and standard deviation of the known voxels of each window.

    Args:
        image: (B, 1, *spatial), any units, finite.
        known: (B, 1, *spatial), 1 where known, 0 in the hole.

    Returns:
        Two tensors (B, 1, 1, ...); mean 0 where nothing is known, a standard deviation of at least 1e-12.
    """
    dims = tuple(range(2, image.ndim))
    count = known.sum(dim=dims, keepdim=True).clamp(min=1.0)
    mean = (image * known).sum(dim=dims, keepdim=True) / count
    # Centred before squaring: a second moment minus a squared mean would cancel for 16-bit values.
    centred = (image - mean) * known
    variance = (centred * centred).sum(dim=dims, keepdim=True) / count
    return mean, variance.sqrt().clamp(min=1e-12)


def push_pull_fill(image: torch.Tensor, known: torch.Tensor, levels: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    """Fill the hole smoothly by push-pull (Gortler et al. 1996, The Lumigraph, section 3.4).

    Known voxels are averaged down a pyramid with their weights; on the way up each cell is completed from the coarser
    level, by the part of its weight that is missing.

    Args:
        image: (B, 1, H, W) with H and W multiples of 2 ** levels; 0 in the hole.
        known: (B, 1, H, W) weights in [0, 1].

    Returns:
        The filled image, and the approximate distance in voxels from each voxel to those it was filled from.
    """
    values, weights = [image], [known]
    for _ in range(levels):
        weighted = F.avg_pool2d(values[-1] * weights[-1], 2)
        weight = F.avg_pool2d(weights[-1], 2)
        values.append(weighted / weight.clamp(min=1e-6))
        weights.append((4.0 * weight).clamp(max=1.0))
    # Where even the coarsest cell knows nothing: the mean of all that is known.
    mean = (image * known).sum(dim=(2, 3), keepdim=True) / known.sum(dim=(2, 3), keepdim=True).clamp(min=1.0)
    smooth = weights[-1] * values[-1] + (1.0 - weights[-1]) * mean
    away = (2.0 - weights[-1]) * 2.0**levels
    for level in reversed(range(levels)):
        value, weight = values[level], weights[level]
        smooth, away = (
            F.interpolate(coarser, scale_factor=2.0, mode="bilinear", align_corners=False) for coarser in (smooth, away)
        )
        smooth = weight * value + (1.0 - weight) * smooth
        away = weight * 2.0**level + (1.0 - weight) * away
    return smooth, away
