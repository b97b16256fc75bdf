"""Cut square windows out of a slice pyramid: any size, turn and mirror, at one resolution."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform


def cut_window(
    pyramid: Sequence[np.ndarray], side: int, centre: tuple[float, float], extent: float, angle: float, mirror: bool
) -> np.ndarray:
    """Cut a (side, side) float32 window of a pyramid's first level; NaN outside the slice.

    Args:
        pyramid: 2D arrays, each half the size of the one before.
        side: voxels of the window along each axis.
        centre: (row, column) of the window's centre in voxels of the first level.
        extent: the window's side in voxels of the first level.
        angle: turn in radians.
        mirror: swap left and right.
    """
    level = min(max(int(math.log2(max(extent / side, 1.0)) + 0.35), 0), len(pyramid) - 1)
    rows, columns = (pyramid[level].shape[axis] / pyramid[0].shape[axis] for axis in (0, 1))
    step = extent / side
    cos, sin = math.cos(angle) * step, math.sin(angle) * step
    flip = -1.0 if mirror else 1.0
    middle = (side - 1) / 2
    # Window (x, y) -> slice (x, y) of the chosen level, voxel centres at whole numbers.
    turn = np.array([[cos * flip, -sin], [sin * flip, cos]])
    origin = np.array([centre[1], centre[0]]) - turn @ np.array([middle, middle])
    matrix = np.empty((2, 3))
    matrix[:, :2] = turn * np.array([[columns], [rows]])
    matrix[:, 2] = (origin + 0.5) * np.array([columns, rows]) - 0.5
    return cv2.warpAffine(
        pyramid[level].astype(np.float32, copy=False),
        matrix,
        (side, side),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=float("nan"),
    )


class RandWindowd(RandomizableTransform, MapTransform):
    """A random window: extent log-uniform from `closest` slice voxels to `widest` times the slice, centre within it.

    Args:
        keys: keys of the pyramids; all are cut in the same way.
        side: voxels of the window along each axis.
        closest: smallest extent in slice voxels.
        widest: largest extent, relative to the slice's longer side.
        whole: share of the windows that show the whole slice, slightly moved and turned.
        angle: largest turn in degrees.
        mirror: probability of swapping left and right.
        quarter: probability of a further turn by 90, 180 or 270 degrees (orientations of other scanners).
    """

    def __init__(
        self,
        keys: KeysCollection,
        side: int = 128,
        closest: float = 96.0,
        widest: float = 1.1,
        whole: float = 0.3,
        angle: float = 10.0,
        mirror: float = 0.5,
        quarter: float = 0.0,
    ) -> None:
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, 1.0)
        self.side, self.closest, self.widest, self.whole = side, closest, widest, whole
        self.angle, self.mirror, self.quarter = math.radians(angle), mirror, quarter

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        out = dict(data)
        cut: dict[str, Any] | None = None
        for key in self.keys:
            cut = cut or self._draw(out[key][0].shape)
            out[key] = cut_window(out[key], self.side, **cut)
        return out

    def _draw(self, shape: tuple[int, ...]) -> dict[str, Any]:
        rows, columns = shape
        random, longest = self.R, max(shape)
        if random.uniform() < self.whole:
            extent = longest * random.uniform(0.9, 1.1)
            centre = (
                rows / 2 - 0.5 + 0.05 * rows * random.normal(),
                columns / 2 - 0.5 + 0.05 * columns * random.normal(),
            )
        else:
            extent = math.exp(random.uniform(math.log(min(self.closest, longest)), math.log(self.widest * longest)))
            reach = [max(length - 0.7 * extent, 0.3 * length) for length in shape]
            centre = tuple(
                length / 2 - 0.5 + (random.uniform() - 0.5) * r for length, r in zip(shape, reach, strict=True)
            )
        angle = random.uniform(-self.angle, self.angle)
        if random.uniform() < self.quarter:
            angle += random.randint(1, 4) * math.pi / 2
        return {"centre": centre, "extent": extent, "angle": angle, "mirror": random.uniform() < self.mirror}


class CentreWindowd(MapTransform):
    """The whole slice as one window, for validation."""

    def __init__(self, keys: KeysCollection, side: int = 128) -> None:
        super().__init__(keys)
        self.side = side

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        out = dict(data)
        for key in self.keys:
            rows, columns = out[key][0].shape
            centre = (rows / 2 - 0.5, columns / 2 - 0.5)
            out[key] = cut_window(out[key], self.side, centre, float(max(rows, columns)), 0.0, mirror=False)
        return out
