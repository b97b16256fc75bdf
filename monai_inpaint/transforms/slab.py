"""Cut slabs out of volumes: windows of neighbouring slices, at any slice thickness and spacing."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from monai.config import KeysCollection

from monai_inpaint.imaging.image import Image
from monai_inpaint.transforms.pyramid import make_pyramid
from monai_inpaint.transforms.read_volume import stack
from monai_inpaint.transforms.window import RandWindowd, cut_window

_NEARLY_ISOTROPIC = 1.5  # largest over smallest spacing
_FINEST = 2 / 3  # of the volume's slice spacing: more interpolation than that would teach blur
_LEVELS = 4


def reslice(stack: np.ndarray, places: np.ndarray, thickness: float) -> np.ndarray:
    """Slices of another spacing and thickness, float32; NaN where they reach out of the stack.

    Args:
        stack: (slices, rows, columns).
        places: the middles of the new slices, in slices of the stack.
        thickness: of the new slices, in slices of the stack. Each averages what it covers; 1 is linear interpolation
            between neighbours, and at whole numbers the stack's own slice.

    Returns:
        (len(places), rows, columns).
    """
    old = np.arange(len(stack))
    reach = thickness / 2
    overlap = np.minimum.outer(places + reach, old + 0.5) - np.maximum.outer(places - reach, old - 0.5)
    weights = (overlap.clip(min=0.0) / thickness).astype(np.float32)
    made = np.full((len(places), *stack.shape[1:]), np.nan, np.float32)
    for section, weight in zip(made, weights, strict=True):
        if weight.sum() > 0.999:
            used = slice(np.flatnonzero(weight)[0], np.flatnonzero(weight)[-1] + 1)
            section[:] = np.tensordot(weight[used], stack[used], 1)
    return made


class RandSlabd(RandWindowd):
    """Image (volume) -> a random slab (depth, side, side) float32, NaN outside the volume, and its "ratio".

    In the plane it is cut as by RandWindowd. Through the plane, slices are sampled at a random stride, each the average
    of one to `stride` neighbours, as in protocols with thin, thick and spaced slices; the slab may extend slightly
    beyond the volume's ends, and has fewer slices if the volume has. Slices are along the axis of the largest spacing,
    in nearly isotropic volumes along any axis.

    "ratio" (float) is the slab's slice spacing over the spacing of its voxels in the plane.

    Args:
        keys: key of the volume.
        side, depth: voxels of the slab.
        ratios: lowest and highest ratio, log-uniform in between as far as the volume has the slices for it.
        window: as for RandWindowd.
    """

    def __init__(
        self,
        keys: KeysCollection,
        side: int = 96,
        depth: int = 24,
        ratios: Sequence[float] = (0.5, 8.0),
        closest: float = 48.0,
        **window: Any,
    ) -> None:
        super().__init__(keys, side=side, closest=closest, **window)
        self.depth, self.ratios = depth, ratios

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        key = self.keys[0]
        slices, through, within = stack(data[key], self._axis(data[key]))
        cut = self._draw(slices.shape[1:])
        native = through / (within * cut["extent"] / self.side)
        stride, thickness = self._stride(len(slices), native)
        sections = reslice(slices, self._places(len(slices), stride, thickness), thickness)
        slab = np.stack([cut_window(make_pyramid(section, _LEVELS), self.side, **cut) for section in sections])
        return {**data, key: slab, "ratio": native * stride}

    def _axis(self, volume: Image) -> int:
        spacing = volume.spacing or (1.0, 1.0, 1.0)
        if max(spacing) < _NEARLY_ISOTROPIC * min(spacing):
            return int(self.R.randint(3))
        return max(range(3), key=lambda axis: (spacing[axis], axis))

    def _stride(self, count: int, native: float) -> tuple[float, int]:
        """Slice spacing and thickness in the volume's slices, of which there are `count` with the ratio `native`."""
        lowest = max(self.ratios[0] / native, _FINEST)
        # Most of the slab's slices shall lie in the volume.
        highest = max(min(self.ratios[1] / native, 1.5 * count / self.depth), lowest)
        stride = math.exp(self.R.uniform(math.log(lowest), math.log(highest)))
        if stride < 1:
            return stride, 1
        stride = round(stride)
        return stride, int(self.R.randint(1, stride + 1))

    def _places(self, count: int, stride: float, thickness: int) -> np.ndarray:
        room = count - (self.depth - 1) * stride - thickness
        over = self.depth // 8 * stride
        start = self.R.uniform(min(room, 0) - over, max(room, 0) + over)
        if stride >= 1:
            start = round(start)  # then slices are taken as they are, not interpolated
        places = start + (thickness - 1) / 2 + stride * np.arange(self.depth)
        return places[::-1] if self.R.uniform() < 0.5 else places
