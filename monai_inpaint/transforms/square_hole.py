"""One square hole of a given side, as the papers hide it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform

from monai_inpaint.synthesis.holes import centre_square, draw_square, random_square, square_centres
from monai_inpaint.transforms.hole import holed


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
        """Where the hole is wanted; None for anywhere."""
        if self.level is None:
            return None
        body = window > self.level
        return body if body[square_centres(window.shape, self.side)].any() else None
