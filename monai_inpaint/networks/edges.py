"""Edges of images in a network: Canny's detector without its hysteresis, so that it is one graph."""

from __future__ import annotations

import torch
import torch.nn.functional as F

SIGMA = 2.0  # pixels, of EdgeConnect
THRESHOLD = 0.1  # of the gradient, where the network's range is 2


def edges_of(image: torch.Tensor, sigma: float = SIGMA, threshold: float = THRESHOLD) -> torch.Tensor:
    """Thin edges (Canny 1986): smoothed, gradient, its maxima across the edge, above a threshold.

    Args:
        image: (B, 1, H, W), about -1 to 1.
        sigma: of the Gaussian, pixels.
        threshold: of the gradient's length, for each pixel.

    Returns:
        (B, 1, H, W), 1 on an edge, else 0.
    """
    radius = int(3 * sigma)
    places = torch.arange(-radius, radius + 1, dtype=image.dtype, device=image.device)
    weights = torch.exp(-0.5 * (places / sigma) ** 2)
    weights = (weights / weights.sum()).view(1, 1, 1, -1)
    padded = F.pad(image, (radius,) * 4, mode="replicate")
    smooth = F.conv2d(F.conv2d(padded, weights), weights.transpose(2, 3))
    around = F.pad(smooth, (1, 1, 1, 1), mode="replicate")
    across = (around[..., 1:-1, 2:] - around[..., 1:-1, :-2]) / 2
    down = (around[..., 2:, 1:-1] - around[..., :-2, 1:-1]) / 2
    length = (across**2 + down**2).sqrt()
    near = F.pad(length, (1, 1, 1, 1))
    rows, columns = image.shape[2:]

    def beside(dy: int, dx: int) -> torch.Tensor:
        return near[..., 1 + dy : 1 + dy + rows, 1 + dx : 1 + dx + columns]

    steep, flat = down.abs() > 2.4142 * across.abs(), across.abs() > 2.4142 * down.abs()
    falling = across * down > 0
    first = torch.where(
        steep, beside(1, 0), torch.where(flat, beside(0, 1), torch.where(falling, beside(1, 1), beside(1, -1)))
    )
    second = torch.where(
        steep, beside(-1, 0), torch.where(flat, beside(0, -1), torch.where(falling, beside(-1, -1), beside(-1, 1)))
    )
    # One of two equal neighbours is an edge, not both.
    return ((length > threshold) & (length >= first) & (length > second)).to(image.dtype)


def known_edges(image: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Edges of the known part, but those that the rim of the hole itself makes.

    Args:
        image: (B, 1, H, W), 0 in the hole.
        known: (B, 1, H, W), 1 where known.
    """
    reach = int(2 * SIGMA)
    near = F.max_pool2d(1.0 - known, 2 * reach + 1, 1, reach)
    return edges_of(image) * (1.0 - near)
