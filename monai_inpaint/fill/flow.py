"""Draw a sample in a few steps: the rectified flow of `monai_inpaint.networks.flow`, in the image's own units.

x_t = (1 - t) noise + t state, and from one time to a later one x moves straight towards what the network then takes
for the data (Euler's method; Liu et al. 2023, Flow Straight and Fast). Written for the state instead of for x, this
needs neither the noise's scale nor the normalisation, both of which are the network's own affair.
"""

from __future__ import annotations

import numpy as np

TIMES = (0.3, 0.6, 0.85, 0.96)  # after t = 0, whose best estimate is the first state


class Drawn:
    """The noise of a slab: standard normal in the bounding box of its hole, 0 elsewhere.

    Attributes:
        noise: float32, of the hole's shape.
    """

    def __init__(self, rng: np.random.Generator, hole: np.ndarray) -> None:
        self.noise = np.zeros(hole.shape, np.float32)
        if hole.any():
            box = tuple(slice(places.min(), places.max() + 1) for places in np.nonzero(hole))
            self.noise[box] = rng.standard_normal(self.noise[box].shape, np.float32)


def advanced(state: np.ndarray, estimate: np.ndarray, time: float, later: float) -> np.ndarray:
    """The state at a later time, for the network's estimate at `time`; 0 < time < later <= 1."""
    return (state * time * (1.0 - later) + estimate * (later - time)) / (later * (1.0 - time))
