"""Put a hole into a window: input and target of an inpainting network."""

from __future__ import annotations

import zlib
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform

from monai_inpaint.synthesis.holes import (
    centre_square,
    draw_hole,
    draw_square,
    random_hole,
    random_square,
    square_centres,
)


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


class RandSquareHoled(RandomizableTransform, MapTransform):
    """Window -> network input and target (see `holed`) with a square hole.

    Armanious et al. 2019 hide 64x64 pixels anywhere in 256x256; Belli et al. 2018 the middle 64x64 of 128x128, of
    which the code that they build on leaves a ring of 4 pixels visible (side 56).

    Args:
        keys: key of the window.
        side: pixels of the hole along each axis.
        centre: in the middle instead of anywhere.
        level: not anywhere, but with at least half of it in the body, which is brighter than this; anywhere where the
            window shows no body, or only an edge of it.
    """

    def __init__(
        self, keys: KeysCollection = "image", side: int = 64, centre: bool = False, level: float | None = None
    ) -> None:
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, 1.0)
        self.side, self.centre, self.level = side, centre, level

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[str, torch.Tensor]:
        window = data[self.keys[0]]
        if self.centre:
            place = centre_square(window.shape, side=self.side)
        else:
            # The makers take numpy's newer generator; MONAI seeds the older one.
            rng = np.random.default_rng(self.R.randint(2**31))
            place = random_square(window.shape, rng, side=self.side, inside=self._body(window))
        return holed(window, draw_square(window.shape, **place))

    def _body(self, window: np.ndarray) -> np.ndarray | None:
        """Region in which the hole must lie; None for anywhere."""
        if self.level is None:
            return None
        body = window > self.level
        return body if body[square_centres(window.shape, self.side)].any() else None


def seed_of(data: Mapping[Hashable, Any]) -> int:
    """Return the seed that belongs to an image, or to a slice of it."""
    return zlib.crc32(f"{data['name']}:{data.get('slice')}".encode())
