"""Put a hole into a window: input and target of an inpainting network."""

from __future__ import annotations

import zlib
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform

from monai_inpaint.synthesis.holes import centre_square, draw_hole, draw_square, random_hole, random_square


def holed(window: np.ndarray, hole: np.ndarray) -> dict[str, torch.Tensor]:
    """Network input and target of a window.

    Args:
        window: (H, W) or (D, H, W) float32, NaN where there is no image.
        hole: bool, of the same shape.

    Returns:
        image: (2, *spatial): the window with the hole zeroed, then the hole, to which places without an image belong.
        label: (2, *spatial): the truth, then the region to count (the hole, as far as there is an image).
    """
    missing = np.isnan(window)
    truth = np.where(missing, 0.0, window).astype(np.float32)
    unknown = hole | missing
    image = np.stack((np.where(unknown, 0.0, truth), unknown)).astype(np.float32)
    label = np.stack((truth, hole & ~missing)).astype(np.float32)
    return {"image": torch.from_numpy(image), "label": torch.from_numpy(label)}


class RandHoled(RandomizableTransform, MapTransform):
    """A random hole of every kind that `monai_inpaint.synthesis.holes` makes.

    With probability `centre` it is a square of half the window in the middle (Belli et al. 2018), with probability
    `square` such a square anywhere (Armanious et al. 2019).
    """

    def __init__(self, keys: KeysCollection = "image", centre: float = 0.0, square: float = 0.0) -> None:
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, 1.0)
        self.centre, self.square = centre, square

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[str, torch.Tensor]:
        window = data[self.keys[0]]
        return holed(window, self._hole(window.shape))

    def _hole(self, shape: Sequence[int]) -> np.ndarray:
        choice, half = self.R.uniform(), min(shape) // 2
        # The makers take numpy's newer generator; MONAI seeds the older one.
        rng = np.random.default_rng(self.R.randint(2**31))
        if choice < self.centre:
            return draw_square(shape, **centre_square(shape, side=half))
        if choice < self.centre + self.square:
            return draw_square(shape, **random_square(shape, rng, side=half))
        return draw_hole(shape, *random_hole(shape, rng))


class FixedHoled(RandHoled):
    """The same holes at every epoch, seeded by the image's name: for validation."""

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[str, torch.Tensor]:
        self.R = np.random.RandomState(seed_of(data))
        return super().__call__(data)


def seed_of(data: Mapping[Hashable, Any]) -> int:
    """Return the seed that belongs to an image, or to a slice of it."""
    return zlib.crc32(f"{data['name']}:{data.get('slice')}".encode())
