"""Draw a sample in a few Euler steps of a rectified flow, in the image's own units (see `networks.rectified_flow`).

x_t = (1 - t) noise + t state, and from one time to a later one x moves straight towards what the network then takes
for the data (Euler's method; Liu et al. 2023, Flow Straight and Fast). Written for the state instead of for x, this
needs neither the noise's scale nor the normalisation, both of which are the network's own affair.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monai_inpaint.imaging.bounding_box import extent

TIMES = (0.15, 0.35, 0.65, 0.92)  # after t = 0, whose best estimate is the first state


def drawn_noise(hole: np.ndarray, seeds: Sequence[Sequence[int]]) -> np.ndarray:
    """Draw standard normal noise in the bounding box of each slice's hole, 0 elsewhere; float32 of the hole's shape.

    Args:
        hole: (slices, rows, columns) bool.
        seeds: one for each slice, so that it has the same noise whatever slices it is filled with.
    """
    noise = np.zeros(hole.shape, np.float32)
    for section, place, seed in zip(hole, noise, seeds, strict=True):
        box = extent(section)
        if box is not None:
            place[box] = np.random.default_rng(seed).standard_normal(place[box].shape, np.float32)
    return noise


def euler_step(state: np.ndarray, estimate: np.ndarray, time: float, later: float) -> np.ndarray:
    """Advance the state to a later time by one Euler step, from the estimate at `time`; 0 < time < later <= 1."""
    return (state * time * (1.0 - later) + estimate * (later - time)) / (later * (1.0 - time))
