"""Augment contrast and noise, so that a network sees intensities that its training images lack."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform


def smooth_field(knots: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Return a field of that shape, 2D or 3D, float32: cubic between the float32 values at its evenly spaced knots."""
    if knots.ndim == 2:
        return cv2.resize(knots, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    planes = np.stack([smooth_field(plane, shape[1:]) for plane in knots])
    lines = planes.reshape(len(planes), -1)
    return cv2.resize(lines, (lines.shape[1], shape[0]), interpolation=cv2.INTER_CUBIC).reshape(shape)


class RandContrastd(RandomizableTransform, MapTransform):
    """A random smooth curve applied to the intensities of 0..255 images, 2D or 3D; NaN stays NaN.

    A gamma for every image; with probability `invert`, a random non-monotonic curve through a few points, which
    exchanges dark and bright tissues as another MR sequence does; a smooth field that brightens and darkens, as a
    receive coil does (both as in SynthSeg, Billot et al. 2023).

    Args:
        gamma: largest |log gamma|.
        invert: probability of the non-monotonic curve.
        bias: standard deviation of the field's logarithm; in half of the images there is none.
    """

    def __init__(self, keys: KeysCollection, gamma: float = 0.4, invert: float = 0.0, bias: float = 0.0) -> None:
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, 1.0)
        self.gamma, self.invert, self.bias = gamma, invert, bias

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        out = dict(data)
        levels = np.linspace(0.0, 1.0, 65)
        curve = levels ** np.exp(self.R.uniform(-self.gamma, self.gamma))
        if self.R.uniform() < self.invert:
            points = np.concatenate(([0.0], self.R.uniform(0.0, 1.0, 5)))  # air stays dark, as in every sequence
            curve = np.interp(curve, np.linspace(0.0, 1.0, 6), points)
        knots = self._knots(data[self.keys[0]].ndim)
        for key in self.keys:
            values = 255.0 * np.interp(out[key] / 255.0, levels, curve).astype(np.float32)
            if knots is not None:
                values *= smooth_field(knots, values.shape)
            out[key] = values
        return out

    def _knots(self, ndim: int) -> np.ndarray | None:
        if self.bias == 0.0 or self.R.uniform() < 0.5:
            return None
        return np.exp(self.bias * self.R.normal(size=(4,) * ndim)).astype(np.float32)


class RandNoised(RandomizableTransform, MapTransform):
    """Noise of a random amplitude in half of the windows, as a magnitude image has it (Rice); NaN stays NaN.

    Args:
        noise: largest standard deviation of the noise in each of the two quadrature channels, in the image's units.
    """

    def __init__(self, keys: KeysCollection, noise: float = 12.0) -> None:
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, 1.0)
        self.noise = noise

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        out = dict(data)
        if self.R.uniform() < 0.5:
            return out
        amplitude = np.float32(self.R.uniform(0.0, self.noise))
        # The newer generator draws float32, several times faster; MONAI seeds the older one.
        rng = np.random.default_rng(self.R.randint(2**31))
        for key in self.keys:
            real, imaginary = amplitude * rng.standard_normal((2, *out[key].shape), np.float32)
            out[key] = np.hypot(out[key] + real, imaginary)
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
