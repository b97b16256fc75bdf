"""Rectified flow restricted to the hole: interpolation, preconditioning and time embedding.

Liu et al. 2023, Flow Straight and Fast, equation 1: x_t = (1 - t) noise + t data, here for r, what the data adds to
the smooth continuation of the known voxels (in their standard deviations). The network estimates r itself, not the
velocity: with the skip connection and scaling of Karras et al. 2022, Elucidating the Design Space, section 5, its
own output has about the same size at every time. At t = 0 the estimate is the conditional mean.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

EMBEDDING_SIZE = 16  # features of the time embedding
NOISE = 0.5  # standard deviation of the noise, about that of r in large holes, in standard deviations of the known


def to_flow(residual: torch.Tensor, noise: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
    """Interpolate to x_t, for an estimate of r, standard normal noise and a time in [0, 1); all (B, 1, *spatial)."""
    return (1.0 - time) * NOISE * noise + time * residual


def from_flow(output: torch.Tensor, flow: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
    """Combine the network's output with x_t to the estimate of r: output alone at t = 0, almost x_t at t = 1."""
    norm = time**2 + (1.0 - time) ** 2
    return flow * time / norm + output * output_scale(time)


def output_scale(time: torch.Tensor) -> torch.Tensor:
    """Weight of the network's output in the estimate; the expected error shrinks with it."""
    return (1.0 - time) / (time**2 + (1.0 - time) ** 2).sqrt()


def detail(flow: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
    """Compute the high-pass part of x_t (finer than five voxels), in standard deviations of its noise; 0 at t = 0.

    Late in the flow the noise to remove is a hundredth of x_t; scaled like this it has the size of all other features.
    """
    fine = flow - F.avg_pool2d(flow, 5, stride=1, padding=2)
    return torch.where(time > 0.0, (fine / (NOISE * (1.0 - time) + 1e-3)).clamp(-5.0, 5.0), torch.zeros_like(fine))


def log_snr_time(time: torch.Tensor) -> torch.Tensor:
    """Map time to the logarithm of the signal-to-noise ratio t / (1 - t), scaled to -1 (t = 0) to 1 (t = 1)."""
    return (torch.log(time + 1e-3) - torch.log(1.0 - time + 1e-3)) / 6.9


def time_embedding(time: torch.Tensor) -> torch.Tensor:
    """Embed the time of each window, the latest of its voxels, as cosines of its log-SNR time: (B, EMBEDDING_SIZE)."""
    phase = (log_snr_time(time.amax(dim=(2, 3))) + 1.0) * (math.pi / 2)
    return torch.cos(phase * torch.arange(1, EMBEDDING_SIZE + 1, device=time.device))


def draw_time(at_start: float, generator: torch.Generator) -> float:
    """Draw a training time: 0 with probability `at_start`, else log-uniform in the noise-to-data ratio."""
    exponent, start = torch.rand(2, generator=generator).tolist()
    ratio = math.exp(5.0 * exponent - 3.5)  # (1 - t) / t: 0.03 to 4.5
    return 0.0 if start < at_start else 1.0 / (1.0 + ratio)
