"""The two networks of a bundle whose samples are drawn in one step, as one engine."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np

from monai_inpaint.engines.base import Engine

_TIME = 4  # channel of windows, which is 0 in those whose best estimate is wanted


class WithSampler:
    """Run the bundle's first network for best estimates, and its second one for what is drawn from them.

    Args:
        estimator: the first network.
        load_sampler: loads the second one, when the first sample is drawn; it takes the same windows.
    """

    def __init__(self, estimator: Engine, load_sampler: Callable[[], Engine]) -> None:
        self._estimator, self._load_sampler = estimator, load_sampler
        self.channels, self.side, self.voxels_at_once = estimator.channels, estimator.side, estimator.voxels_at_once

    def run(self, windows: np.ndarray) -> np.ndarray:
        """See `Engine.run`; all windows are of one time."""
        return (self._sampler if windows[:, _TIME : _TIME + 1].any() else self._estimator).run(windows)

    def describe(self) -> dict[str, str]:
        """See `Engine.describe`."""
        return self._estimator.describe()

    @cached_property
    def _sampler(self) -> Engine:
        return self._load_sampler()
