"""Put a hole into a slab."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from monai.config import KeysCollection

from monai_inpaint.synthesis.holes import DEVICES, SHARES, draw_hole, random_hole
from monai_inpaint.transforms.hole import RandHoled, holed

_AT_AN_END = 0.2  # share of the holes that may reach the first or last slice with an image
_CONTRAST = 0.1  # standard deviation in a hole with contrast, relative to the slab's
_TRIES = 4
_SIZES = (0.003, 0.4)  # of the slices that a shape in 3D may reach, as a fraction
_DEVICE_SIZES = (0.0, 0.4)  # a wire takes next to nothing of them


class RandHoledSlabd(RandHoled):
    """A random hole in a slab (D, H, W), somewhere in its slices that show an image.

    A share `solid` are shapes of every kind that `synthesis.holes` makes in 3D, round in millimetres; the others
    are holes that RandHoled draws in a slice, the same in one slice, a few, or nearly all.

    Args:
        keys: key of the slab; its "ratio" (slice spacing over spacing in the plane) is a further key.
        centre, square: as for RandHoled.
        solid: share of shapes in 3D.
    """

    def __init__(
        self, keys: KeysCollection = "image", centre: float = 0.05, square: float = 0.25, solid: float = 0.6
    ) -> None:
        super().__init__(keys, centre=centre, square=square)
        self.solid = solid

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[str, Any]:
        slab, ratio = data[self.keys[0]], data["ratio"]
        hole = np.zeros(slab.shape, bool)
        shown = np.flatnonzero(~np.isnan(slab).all(axis=(1, 2)))
        if len(shown):
            within = slice(shown[0], shown[-1] + 1)
            hole[within] = self._telling(slab[within], ratio)
        return {**holed(slab, hole), "ratio": ratio}

    def _telling(self, slab: np.ndarray, ratio: float) -> np.ndarray:
        """A hole that hides more than air, which teaches little, if one is found soon."""
        known = ~np.isnan(slab)
        enough = _CONTRAST * slab[known].std()
        for _ in range(_TRIES):
            hole = self._anywhere(slab.shape, ratio)
            hidden = slab[hole & known]
            if hidden.size and hidden.std() > enough:
                break
        return hole

    def _anywhere(self, shape: tuple[int, ...], ratio: float) -> np.ndarray:
        hole = np.zeros(shape, bool)
        solid = self.R.uniform() < self.solid
        span = hole[self._span(shape[0], solid)]
        span[:] = self._solid(span.shape, ratio) if solid else self._hole(span.shape[1:])
        return hole

    def _span(self, depth: int, solid: bool) -> slice:
        """The slices that the hole may reach; mostly at least one is left at either end."""
        length = self.R.uniform(0.15, 0.75) * depth if solid else depth ** self.R.uniform()
        length = min(max(int(length), 1), max(depth - 2, 1))
        last = depth - length
        at_an_end = last < 2 or self.R.uniform() < _AT_AN_END
        first = last * self.R.randint(2) if at_an_end else self.R.randint(1, last)
        return slice(first, first + length)

    def _solid(self, shape: tuple[int, ...], ratio: float) -> np.ndarray:
        """A hole drawn with as many slices as voxels of equal sides have, of which the slab's slices are taken.

        Metal appears in every slice that it touches, other holes in slices whose middles they contain.
        """
        isotropic = (max(round(shape[0] * ratio), 1), *shape[1:])
        rng = np.random.default_rng(self.R.randint(2**31))
        wanted = SHARES[int(rng.integers(len(SHARES)))]
        sizes = _DEVICE_SIZES if wanted in DEVICES else _SIZES
        kind, params = random_hole(isotropic, rng, kinds=(wanted,), fraction=sizes)
        hole = draw_hole(isotropic, kind, params)
        if kind in DEVICES:
            firsts = np.arange(shape[0]) * isotropic[0] // shape[0]
            return np.logical_or.reduceat(hole, firsts, axis=0)
        middles = (np.arange(shape[0]) + 0.5) * isotropic[0] / shape[0]
        return hole[middles.astype(int)]
