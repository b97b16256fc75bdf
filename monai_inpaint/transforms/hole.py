"""Put a hole into a window: what the network sees, and what it is asked for."""

from __future__ import annotations

import zlib
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform

from monai_inpaint.holes import draw_hole, random_hole


def holed(window: np.ndarray, hole: np.ndarray) -> dict[str, torch.Tensor]:
    """Network input and target of a window.

    Args:
        window: (H, W) float32, NaN where there is no image.
        hole: (H, W) bool.

    Returns:
        image: (2, H, W): the window with the hole zeroed, then the hole; places without an image belong to the hole.
        label: (2, H, W): the truth, then the region to count (the hole, as far as there is an image).
    """
    missing = np.isnan(window)
    truth = np.where(missing, 0.0, window).astype(np.float32)
    unknown = hole | missing
    image = np.stack((np.where(unknown, 0.0, truth), unknown)).astype(np.float32)
    label = np.stack((truth, hole & ~missing)).astype(np.float32)
    return {"image": torch.from_numpy(image), "label": torch.from_numpy(label)}


class RandHoled(RandomizableTransform, MapTransform):
    """A random hole of every kind that `monai_inpaint.holes` makes.

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
        if choice < self.centre + self.square:
            centred = choice < self.centre
            corner = [n // 2 - half // 2 if centred else self.R.randint(0, n - half + 1) for n in shape]
            hole = np.zeros(tuple(shape), bool)
            hole[corner[0] : corner[0] + half, corner[1] : corner[1] + half] = True
            return hole
        # The makers take numpy's newer generator; MONAI seeds the older one.
        rng = np.random.default_rng(self.R.randint(2**31))
        return draw_hole(tuple(shape), *random_hole(tuple(shape), rng))


class SeededHoled(RandHoled):
    """The same holes at every epoch, seeded by the image's name: for validation."""

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[str, torch.Tensor]:
        self.R = np.random.RandomState(zlib.crc32(f"{data['name']}:{data.get('slice')}".encode()))
        return super().__call__(data)
