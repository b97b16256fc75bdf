"""Whole films with one large hole around small kept parts, and the noise that fills are drawn from."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform

from monai_inpaint.synthesis.holes import draw_blobs, draw_boxes, draw_hole, random_blobs, random_boxes, random_hole
from monai_inpaint.transforms.hole import holed, seed_of
from monai_inpaint.transforms.window import RandWindowd


class RandFilmd(RandWindowd):
    """Nearly all of a film, squeezed into a square: a little of its edges is cut off, and it is turned by 3 degrees.

    Args:
        keys: keys of the pyramids.
        side: pixels of the window along each axis.
        smallest: smallest visible part of the film's sides.
    """

    def __init__(self, keys: KeysCollection, side: int = 128, smallest: float = 0.9) -> None:
        super().__init__(keys, side, angle=3.0, mirror=0.0)
        self.smallest = smallest

    def _draw(self, shape: tuple[int, ...]) -> dict[str, Any]:
        share = self.R.uniform(self.smallest, 1.0)
        extent = share * min(shape)  # of films that are nearly square
        centre = tuple(length / 2 - 0.5 + (self.R.uniform() - 0.5) * (length - extent) for length in shape)
        return {"centre": centre, "extent": extent, "angle": self.R.uniform(-self.angle, self.angle), "mirror": False}


class RandOutpaintd(RandomizableTransform, MapTransform):
    """Window -> network input and target (see `holed`) with one to three kept boxes or blobs; the rest is hole.

    What is kept covers 2 to 20 % of the window as a rule, as boxes around findings do.

    Args:
        keys: key of the window.
        holes: share of the windows with a hole as `random_hole` draws it instead.
    """

    def __init__(self, keys: KeysCollection = "image", holes: float = 0.2) -> None:
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, 1.0)
        self.holes = holes

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[str, torch.Tensor]:
        window = data[self.keys[0]]
        return holed(window, self._hole(window.shape))

    def _hole(self, shape: Sequence[int]) -> np.ndarray:
        # The makers take numpy's newer generator; MONAI seeds the older one.
        rng = np.random.default_rng(self.R.randint(2**31))
        if rng.uniform() < self.holes:
            return draw_hole(shape, *random_hole(shape, rng))
        size = {"count": (1, 3), "size": (0.02, 0.12)}
        if rng.uniform() < 0.5:
            return ~draw_boxes(shape, **random_boxes(shape, rng, **size))
        return ~draw_blobs(shape, **random_blobs(shape, rng, **size))


class FixedOutpaintd(RandOutpaintd):
    """The same places kept at every epoch, seeded by the image's name, in all windows: for validation."""

    def __init__(self, keys: KeysCollection = "image") -> None:
        super().__init__(keys, 0.0)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[str, torch.Tensor]:
        self.R = np.random.RandomState(seed_of(data))
        return {**super().__call__(data), "name": data["name"]}  # type: ignore[dict-item]


class RandLatentd(RandomizableTransform):
    """Add white noise as the last channel of a network's input: what `MAT` draws from.

    Args:
        zeros: share of the windows without noise, which then is 0.
    """

    def __init__(self, zeros: float = 0.1) -> None:
        super().__init__(1.0)
        self.zeros = zeros

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        image = data["image"]
        noise = self.R.standard_normal((1, *image.shape[1:])).astype(np.float32) * (self.R.uniform() >= self.zeros)
        return {**data, "image": torch.cat((image, torch.from_numpy(noise).float()))}


class FixedLatentd(RandLatentd):
    """The same noise at every epoch, seeded by the image's name, in all windows: for validation."""

    def __init__(self) -> None:
        super().__init__(0.0)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        self.R = np.random.RandomState(seed_of(data) ^ 1)
        return super().__call__(data)
