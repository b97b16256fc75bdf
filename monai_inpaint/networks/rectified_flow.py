"""A rectified flow restricted to the hole, as the network sees it.

Liu et al. 2023, Flow Straight and Fast, equation 1: x_t = (1 - t) noise + t data, here for r, what the data adds to
the smooth continuation of the known voxels (in their standard deviations). The network estimates r itself, not the
velocity: with the skip connection and scaling of Karras et al. 2022, Elucidating the Design Space, section 5, its
own output has about the same size at every time. At t = 0 the estimate is the conditional mean.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

PACE = 16  # numbers that tell the time to every block
NOISE = 0.5  # standard deviation of the noise, about that of r in large holes, in standard deviations of the known


def to_flow(residual: torch.Tensor, noise: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
    """x_t for an estimate of r, standard normal noise and a time in [0, 1); all (B, 1, *spatial)."""
    return (1.0 - time) * NOISE * noise + time * residual


def from_flow(output: torch.Tensor, flow: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
    """The estimate of r out of the network's output and x_t: all of the output at t = 0, nearly all x_t at t = 1."""
    norm = time**2 + (1.0 - time) ** 2
    return flow * time / norm + output * output_scale(time)


def output_scale(time: torch.Tensor) -> torch.Tensor:
    """How much of the network's output is in the estimate; the error to expect shrinks with it."""
    return (1.0 - time) / (time**2 + (1.0 - time) ** 2).sqrt()


def detail(flow: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
    """What of x_t is finer than five voxels, in standard deviations of the noise in it; 0 at t = 0.

    Late in the flow the noise to be taken away is a hundredth of x_t; here it has the size of all other features.
    """
    fine = flow - F.avg_pool2d(flow, 5, stride=1, padding=2)
    return torch.where(time > 0.0, (fine / (NOISE * (1.0 - time) + 1e-3)).clamp(-5.0, 5.0), torch.zeros_like(fine))


def clock(time: torch.Tensor) -> torch.Tensor:
    """Time on a scale on which every factor of the noise-to-data ratio counts alike; -1 at t = 0."""
    return (torch.log(time + 1e-3) - torch.log(1.0 - time + 1e-3)) / 6.9


def pace_of(time: torch.Tensor) -> torch.Tensor:
    """(B, PACE): each window's time, the latest of its voxels, as cosines of its clock."""
    phase = (clock(time.amax(dim=(2, 3))) + 1.0) * (math.pi / 2)
    return torch.cos(phase * torch.arange(1, PACE + 1, device=time.device))


def draw_times(count: int, at_start: float) -> torch.Tensor:
    """Times to train at, (count,): a share of zeros, the rest log-uniform in the ratio of noise to data."""
    ratio = torch.exp(torch.empty(count).uniform_(-3.5, 1.5))  # (1 - t) / t: 0.03 to 4.5
    return torch.where(torch.rand(count) < at_start, torch.zeros(count), 1.0 / (1.0 + ratio))
