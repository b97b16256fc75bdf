"""Put synthetic nodules into films and CT slices, to train a detector."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.synthesis.nodules.synthesize import synthesize_nodule

_SKIPPED = ("No lung was found", "no room for a nodule")


class RandNodulesd(RandomizableTransform, MapTransform):
    """Put nodules into frontal films or axial CT slices (1, rows, columns), and add their boxes and masks.

    Nodules do not overlap. An image in which no lung is found, or that has no room left, stays with those it has got.

    Args:
        keys: of the images.
        modality: "cxr", or "ct" in Hounsfield units.
        prob: share of the images that get nodules.
        count: fewest and most nodules an image.
        diameter: smallest and largest, all between equally likely; in mm if `spacing` is given, else pixels.
        density: see `synthesize_nodule`.
        where: see `synthesize_nodule`.
        spacing: mm between rows and columns.
        boxes: key of the boxes, (N, 4) float32 left, top, right, bottom; those that are there already stay.
        labels: key of their labels, (N,) int64, 0 for new ones.
        mask: key of the nodules' masks, (1, rows, columns) bool; None: no masks.
        bundle, shape_bundle, engine: see `synthesize_nodule`.
    """

    def __init__(
        self,
        keys: KeysCollection,
        modality: str = "cxr",
        prob: float = 0.5,
        count: Sequence[int] = (1, 1),
        diameter: Sequence[float] = (8.0, 30.0),
        density: str | float = "random",
        where: str = "lungs",
        spacing: Sequence[float] | None = None,
        boxes: str = "box",
        labels: str = "label",
        mask: str | None = None,
        bundle: str | Path | None = None,
        shape_bundle: str | Path = "nodule_shape",
        engine: str = "auto",
    ) -> None:
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, prob)
        self.modality, self.count, self.diameter, self.density = modality, count, diameter, density
        self.where, self.boxes, self.labels, self.mask = where, boxes, labels, mask
        self.affine = None if spacing is None else np.diag([*spacing, 1.0, 1.0])[[1, 0, 2, 3]]
        self.networks = {"bundle": bundle, "shape_bundle": shape_bundle, "engine": engine}

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        result = dict(data)
        self.randomize(None)
        for key in self.key_iterator(result):
            image = Image(np.asarray(result[key], np.float32)[0], self.affine, self.modality)
            taken, boxes = np.zeros(image.voxels.shape, bool), np.zeros((0, 4), np.float32)
            if self._do_transform:
                image, taken, boxes = self._with_nodules(image, taken)
            result[key] = torch.from_numpy(np.ascontiguousarray(image.voxels))[None]
            result[self.boxes] = _joined(result.get(self.boxes), torch.from_numpy(boxes))
            labels = torch.zeros(len(boxes), dtype=torch.int64)
            result[self.labels] = _joined(result.get(self.labels), labels)
            if self.mask:
                result[self.mask] = torch.from_numpy(taken)[None]
        return result

    def _with_nodules(self, image: Image, taken: np.ndarray) -> tuple[Image, np.ndarray, np.ndarray]:
        boxes = []
        for _ in range(self.R.randint(self.count[0], self.count[1] + 1)):
            try:
                made = synthesize_nodule(
                    image,
                    self.where,
                    float(self.R.uniform(*self.diameter)),
                    density=self.density,
                    seed=int(self.R.randint(2**31)),
                    taken=taken,
                    **self.networks,
                )
            except InputError as error:
                if not any(words in str(error) for words in _SKIPPED):
                    raise
                break
            (top, height), (left, width) = made.box
            boxes.append((left, top, left + width, top + height))
            image, taken = made.image, taken | made.mask
        return image, taken, np.array(boxes, np.float32).reshape(-1, 4)


def _joined(before: Any, new: torch.Tensor) -> torch.Tensor:
    return new if before is None else torch.cat((torch.as_tensor(before, dtype=new.dtype), new))
