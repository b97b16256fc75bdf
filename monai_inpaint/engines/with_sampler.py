"""Combine the two networks of a bundle, one for best estimates and one for samples, into one engine."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np

from monai_inpaint.engines.base import Engine

_TIME = 4  # the time channel of windows: 0 asks for the best estimate


class WithSampler:
    """Run the bundle's first network for best estimates, and its second network for samples, which start from these.

    Args:
        estimator: the first network.
        load_sampler: loads the second network, called when the first sample is drawn; it has the same input.
    """

    def __init__(self, estimator: Engine, load_sampler: Callable[[], Engine]) -> None:
        self._estimator, self._load_sampler = estimator, load_sampler
        self.channels, self.side, self.voxels_at_once = estimator.channels, estimator.side, estimator.voxels_at_once

    def run(self, windows: np.ndarray) -> np.ndarray:
        """See `Engine.run`; all windows must have the same time."""
        return (self._sampler if windows[:, _TIME : _TIME + 1].any() else self._estimator).run(windows)

    def describe(self) -> dict[str, str]:
        """See `Engine.describe`."""
        return self._estimator.describe()

    @cached_property
    def _sampler(self) -> Engine:
        return self._load_sampler()
