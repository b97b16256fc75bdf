"""Input of the texture network for nodules: the image without the content of the mask, the mask, the density."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

import cv2
import numpy as np
import torch
from monai.transforms import RandomizableTransform, Transform

from monai_inpaint.datasets.lidc_crops import read_lidc_crop
from monai_inpaint.imaging.bounding_box import extent
from monai_inpaint.transforms.hole import holed

_MARGIN = 4  # pixels between a nodule and the edge of its window
RIM = 1  # pixels around an outline over which a CT blurs the nodule


class ReadNoduleCropd(Transform):
    """{"image": path} -> {"image": HU, float32 (rows, columns); "masks": bool (n, rows, columns)}, as `LidcCrop`.

    Args:
        agreement: the masks are one, where at least half of the readers agree; else those of the readers.
    """

    def __init__(self, agreement: bool = False) -> None:
        self.agreement = agreement

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        crop = read_lidc_crop(data["image"])
        both = self.agreement and crop.agreement.any()
        return {**data, "image": crop.hounsfield, "masks": crop.agreement[None] if both else crop.readers}


class RandNoduleWindowd(RandomizableTransform):
    """Cut a square around a nodule out of an image and its masks, turned, mirrored, enlarged, a little off in scale.

    Args:
        side: of the square in pixels, at most those of the image.
        zoom: largest enlargement; half of the windows keep their size, and with it the noise of the image. What is too
            large for the square is made smaller.
        scale, shift: largest relative change and offset of the intensities: how uncertain their units are.
        turn: whether it is turned by right angles; films stay upright.
    """

    def __init__(
        self, side: int = 128, zoom: float = 1.4, scale: float = 0.05, shift: float = 20.0, turn: bool = True
    ) -> None:
        super().__init__(1.0)
        self.side, self.zoom, self.scale, self.shift, self.turn = side, zoom, scale, shift, turn

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        image, masks = self._cut(np.asarray(data["image"]), np.asarray(data["masks"]))  # tensors from a cache on disk
        turns, mirrored = self.R.randint(4) if self.turn else 0, self.R.uniform() < 0.5
        image, masks = (np.rot90(one, turns, (-2, -1)) for one in (image, masks))
        if mirrored:
            image, masks = image[..., ::-1], masks[..., ::-1]
        gain = 1.0 + self.R.uniform(-self.scale, self.scale)
        image = gain * image + self.R.uniform(-self.shift, self.shift)
        return {**data, "image": image.astype(np.float32), "masks": np.ascontiguousarray(masks)}

    def _cut(self, image: np.ndarray, masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        keep, place = self.R.uniform() < 0.5, self.R.uniform(size=2)
        zoom = 1.0 if keep else math.exp(self.R.uniform(0.0, math.log(self.zoom)))
        box = extent(masks.any(axis=0))
        assert box is not None  # a reader saw a nodule
        largest = max(part.stop - part.start for part in box)
        step = min(max(1.0 / zoom, (largest + 2 * _MARGIN) / self.side), min(image.shape) / self.side)
        length = step * self.side
        corner = []
        for part, size, share in zip(box, image.shape, place, strict=True):
            free = length - (part.stop - part.start)
            margin = min(_MARGIN, free / 2)
            corner.append(float(np.clip(part.start - margin - share * (free - 2 * margin), 0, size - length)))
        if step == 1.0:
            top, left = (round(start) for start in corner)
            place = ..., slice(top, top + self.side), slice(left, left + self.side)
            return image[place], masks[place]
        # Pixel centres lie half a pixel inside; so they stay where they are when pixels change their size.
        affine = np.array([[step, 0.0, corner[1] + step / 2 - 0.5], [0.0, step, corner[0] + step / 2 - 0.5]])
        return _warped(image, affine, self.side, cv2.INTER_CUBIC), np.stack(
            [_warped(mask.astype(np.float32), affine, self.side, cv2.INTER_LINEAR) >= 0.5 for mask in masks]
        )


def _warped(image: np.ndarray, affine: np.ndarray, side: int, flags: int) -> np.ndarray:
    return cv2.warpAffine(
        image, affine, (side, side), flags=flags | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REFLECT
    )


class NoduleHoled(RandomizableTransform):
    """Network input and target: one of the masks, at random, with a rim, is the hole, and carries the density.

    Args:
        rim: pixels by which the mask is dilated. A CT blurs a nodule over a pixel around its outline, which would
            reveal the nodule to the network in training; healthy lung has no such blur.
        box: the hole is the mask's bounding box: table II, and what others do.
        density: whether the input has the density.

    Returns (of a call):
        {"image": (3, rows, columns): image with the hole zeroed, hole, density in it (2 without); "label": (2, rows,
        columns): the truth, and the region to count, which is the hole}.
    """

    def __init__(self, rim: int = RIM, box: bool = False, density: bool = True) -> None:
        super().__init__(1.0)
        self.rim, self.box, self.density = rim, box, density

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[str, torch.Tensor]:
        masks = [mask for mask in data["masks"] if mask.any()]
        hole = with_rim(masks[self.R.randint(len(masks))], self.rim)
        if self.box:
            hole = boxed(hole)
        both = holed(data["image"], hole)
        if not self.density:
            return both
        density = float(data["density"]) * both["image"][1:2]
        return {"image": torch.cat((both["image"], density)), "label": both["label"]}


def boxed(mask: np.ndarray) -> np.ndarray:
    """The mask's bounding box."""
    filled = np.zeros_like(mask)
    filled[extent(mask)] = True
    return filled


def with_rim(mask: np.ndarray, rim: int = RIM) -> np.ndarray:
    """The mask and all pixels that touch it, by an edge or a corner, `rim` times."""
    return cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=rim) > 0 if rim else mask
