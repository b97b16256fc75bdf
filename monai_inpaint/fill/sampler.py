"""Draw samples: their noise, the times at which the network is evaluated, and the steps between them, in units.

x_t = (1 - t) noise + t state. A step from one time to a later one moves x on a straight line towards the network's
current estimate of the data (Euler's method; Liu et al. 2023, Flow Straight and Fast). The steps here are written for
the state instead of x, because then they need neither the scale of the noise nor the normalisation: both are inside the
network (`networks.rectified_flow`). `fill.blocks` calls the network at these times.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

import numpy as np

from monai_inpaint.imaging.bounding_box import extent
from monai_inpaint.imaging.morphology import enlarged

SAMPLE_TIME = 0.01  # of a network that draws samples in one step: its output hardly contains the input noise itself
_COARSEST = 4  # cells along the shorter side of the coarsest noise, at least
_WINDOW = 128  # voxels: side of the largest training windows, and so of the noise that the networks have learned
_GAIN = 1.5  # restores the standard deviation that white noise loses in bilinear interpolation


@dataclass(frozen=True)
class Sampler:
    """Settings of a network's sampler.

    Attributes:
        times: the times in (0, 1) at which the network is evaluated, ascending; the first state is the best estimate,
            from t = 0.
        noise: draws noise of unit variance, float32 of a shape (rows, columns).
        starts: whether the network also gets the state, without noise, in its start channel.
    """

    times: tuple[float, ...]
    noise: Callable[[Sequence[int], np.random.Generator], np.ndarray]
    starts: bool = False


class Draw(NamedTuple):
    """One sample: the numbers that seed it, and how it is drawn."""

    seed: tuple[int, ...]
    sampler: Sampler


def white_noise(shape: Sequence[int], random: np.random.Generator) -> np.ndarray:
    """Draw standard normal noise, float32 of a shape."""
    return random.standard_normal(shape, np.float32)


def multiscale_noise(shape: Sequence[int], random: np.random.Generator) -> np.ndarray:
    """Draw noise of about unit variance that varies at every scale, float32 (rows, columns).

    White noise at half, a quarter, ... of the resolution, enlarged bilinearly, is added to white noise at the full
    resolution: coarse anatomy is as uncertain as texture, and white noise alone averages out at the coarse levels of a
    network.
    """
    total = white_noise(shape, random)
    scales, factor = 1, 2
    while min(shape) // factor >= _COARSEST:
        coarse = white_noise([ceil(n / factor) for n in shape], random)
        total += _GAIN * enlarged(coarse, factor)[: shape[0], : shape[1]]
        scales, factor = scales + 1, 2 * factor
    return total / np.float32(np.sqrt(scales))


# By their names in the metadata of bundles.
SAMPLERS = {
    "flow": Sampler((0.15, 0.35, 0.65, 0.92), white_noise),
    "one-step": Sampler((SAMPLE_TIME,), multiscale_noise, starts=True),
}


def cut_noise(shape: Sequence[int], sampler: Sampler, random: np.random.Generator) -> np.ndarray:
    """Draw noise and cut it to a shape (rows, columns), at a random place.

    It is drawn with the sides of the largest training window, or of the shape where they are longer. Noise drawn for a
    small shape alone would lack the coarse scales and overweight the fine ones.
    """
    drawn = sampler.noise([max(side, _WINDOW) for side in shape], random)
    top, left = random.integers([whole - side + 1 for whole, side in zip(drawn.shape, shape, strict=True)]).tolist()
    return drawn[top : top + shape[0], left : left + shape[1]]


def drawn_noise(hole: np.ndarray, seeds: Sequence[Sequence[int]], sampler: Sampler) -> np.ndarray:
    """Draw noise in the bounding box of each slice's hole (`cut_noise`), 0 elsewhere; float32 of the hole's shape.

    Args:
        hole: (slices, rows, columns) bool.
        seeds: one for each slice, so that its noise does not depend on which other slices are filled.
        sampler: draws the noise.
    """
    noise = np.zeros(hole.shape, np.float32)
    for section, place, seed in zip(hole, noise, seeds, strict=True):
        box = extent(section)
        if box is not None:
            place[box] = cut_noise(place[box].shape, sampler, np.random.default_rng(seed))
    return noise


def euler_step(state: np.ndarray, estimate: np.ndarray, time: float, later: float) -> np.ndarray:
    """Advance the state to a later time by one Euler step, from the estimate at `time`; 0 < time < later <= 1."""
    return (state * time * (1.0 - later) + estimate * (later - time)) / (later * (1.0 - time))
