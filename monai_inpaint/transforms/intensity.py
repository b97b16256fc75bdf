"""Random contrast, so that a network meets intensities that its training images do not show."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform


class RandContrastd(RandomizableTransform, MapTransform):
    """A random smooth curve applied to the intensities of 0..255 images; NaN stays NaN.

    A gamma for every image; with probability `invert`, a random non-monotonic curve through a few points, which
    exchanges dark and bright tissues as another MR sequence does (the idea of SynthSeg, Billot et al. 2023).

    Args:
        gamma: largest |log gamma|.
        invert: probability of the non-monotonic curve.
    """

    def __init__(self, keys: KeysCollection, gamma: float = 0.4, invert: float = 0.0) -> None:
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, 1.0)
        self.gamma, self.invert = gamma, invert

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        out = dict(data)
        levels = np.linspace(0.0, 1.0, 65)
        curve = levels ** np.exp(self.R.uniform(-self.gamma, self.gamma))
        if self.R.uniform() < self.invert:
            points = np.concatenate(([0.0], self.R.uniform(0.0, 1.0, 5)))  # air stays dark, as in every sequence
            curve = np.interp(curve, np.linspace(0.0, 1.0, 6), points)
        for key in self.keys:
            out[key] = 255.0 * np.interp(out[key] / 255.0, levels, curve).astype(np.float32)
        return out


class RandHounsfieldd(RandomizableTransform, MapTransform):
    """Hounsfield values stretched and moved a little, as tube voltage, kernel and contrast agent do; NaN stays NaN."""

    def __init__(self, keys: KeysCollection, stretch: float = 0.05, shift: float = 15.0) -> None:
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, 1.0)
        self.stretch, self.shift = stretch, shift

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        out = dict(data)
        stretch = 1.0 + self.R.uniform(-self.stretch, self.stretch)
        shift = self.R.uniform(-self.shift, self.shift)
        for key in self.keys:
            # Around air, which stays air.
            out[key] = ((out[key] + 1000.0) * stretch - 1000.0 + shift).clip(min=-1024.0).astype(np.float32)
        return out
