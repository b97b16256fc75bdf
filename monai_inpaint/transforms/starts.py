"""Slices of a slab with a hole, and the continuation of the slab from which their fill starts."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Randomizable

from monai_inpaint.fill.continuation import continuation, nearness
from monai_inpaint.fill.volume import AROUND
from monai_inpaint.imaging.bounding_box import around


class RandStartedSlicesd(Randomizable, MapTransform):
    """Output of `RandHoledSlabd` -> a few of the slices that contain its hole, a list of entries for a batch.

    "image" becomes (3, H, W): the slice with the start in the hole; the hole; the nearness of the start. "label" is (2,
    H, W). A slab whose hole contains no voxel returns one slice.

    Args:
        keys: key of the slab with its hole, (2, D, H, W); "label" and "ratio" are further keys.
        count: slices taken of a slab, at most.
    """

    def __init__(self, keys: KeysCollection = "image", count: int = 4) -> None:
        super().__init__(keys)
        self.count = count

    def __call__(self, data: Mapping[Hashable, Any]) -> list[dict[str, torch.Tensor]]:
        image, unknown = data[self.keys[0]].numpy().copy()
        truth, region = data["label"].numpy()
        hidden = unknown > 0.5
        near = np.zeros_like(image)
        if region.any() and not hidden.all():
            box = around(region > 0.5, AROUND)
            image[box] = np.where(region[box] > 0.5, continuation(image[box], hidden[box]), image[box])
            near[box] = nearness(hidden[box], 0, data["ratio"]) * region[box]
        marked = np.flatnonzero(region.any(axis=(1, 2)))
        chosen = self.R.choice(marked, min(self.count, len(marked)), replace=False) if len(marked) else [0]
        return [
            {
                "image": torch.from_numpy(np.stack((image[k], unknown[k], near[k])).astype(np.float32)),
                "label": torch.from_numpy(np.stack((truth[k], region[k]))),
            }
            for k in chosen
        ]


class Unstartedd(MapTransform):
    """Append a channel of zeros, (2, H, W) -> (3, H, W): without a start, the network computes its own.

    Gives a list of one entry, so that a batch may have entries of `RandStartedSlicesd` too.
    """

    def __call__(self, data: Mapping[Hashable, Any]) -> list[dict[Hashable, Any]]:
        return [{**data, **{key: torch.cat((data[key], torch.zeros_like(data[key][:1]))) for key in self.keys}}]
