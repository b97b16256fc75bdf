"""Whole films or mammograms with the place of a finding as the hole: a network learns to draw findings from them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform

from monai_inpaint.imaging.resize import resized
from monai_inpaint.transforms.hole import holed, seed_of

Box = tuple[float, float, float, float]  # left, top, width, height in pixels of the film
_WHITE = 255.0
_MARGIN = 1.15  # sides of the hole over those of the box, in validation


def lesion_window(
    pyramid: Sequence[np.ndarray], side: int, boxes: Sequence[Box], crop: Box, sides: tuple[float, float], oval: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Squeeze a part of a film into a square, and mark the boxes in it as a hole.

    Args:
        pyramid: the film, 0 to 255, at several resolutions.
        side: pixels of the square.
        boxes: around findings.
        crop: the part of the film.
        sides: width and height of the hole over those of a box, around the same middle.
        oval: mark ellipses, not rectangles.

    Returns:
        float32 (side, side), 0 to 255; bool (side, side), at least a pixel of which is True for each box in the crop.
    """
    rows, columns = pyramid[0].shape
    left, top, width, height = crop
    level = next((one for one in reversed(pyramid) if min(one.shape) >= side), pyramid[0])
    down, across = level.shape[0] / rows, level.shape[1] / columns
    first, last = round(top * down), max(round((top + height) * down), round(top * down) + 1)
    start, stop = round(left * across), max(round((left + width) * across), round(left * across) + 1)
    window = np.clip(resized(level[first:last, start:stop], (side, side)), 0.0, _WHITE)
    y, x = np.ogrid[:side, :side]
    hole = np.zeros((side, side), bool)
    for box_left, box_top, box_width, box_height in boxes:
        middle = (box_left + box_width / 2 - left) * side / width, (box_top + box_height / 2 - top) * side / height
        reach = max(box_width * sides[0] * side / width, 1.0) / 2, max(box_height * sides[1] * side / height, 1.0) / 2
        u, v = np.abs(x + 0.5 - middle[0]) / reach[0], np.abs(y + 0.5 - middle[1]) / reach[1]
        hole |= (u**2 + v**2 <= 1) if oval else (np.maximum(u, v) <= 1)
        across_middle, down_middle = (min(max(int(place), 0), side - 1) for place in middle)
        hole[down_middle, across_middle] = True  # a small ellipse may reach the middle of no pixel
    return window, hole


class RandLesionFilmd(RandomizableTransform, MapTransform):
    """{"image": pyramid, "boxes": [(left, top, width, height)]} -> network input and target (see `holed`).

    The hole is the place of one of the findings, drawn at random, and of all boxes that overlap it, as several readers
    may have marked one finding. So a network sees in training what it has to draw: a finding in each hole (LINOP 2023,
    section 3.1). The film is squeezed into a square, as `monai_inpaint.synthesis.painting` does.

    Args:
        keys: key of the pyramid, 0 to 255.
        side: pixels of the square.
        smallest: smallest visible part of the film's sides; the finding is never cut off.
        largest: sides of the hole over those of the box are drawn between 1 and this.
        mirror: probability of swapping left and right.
    """

    def __init__(
        self,
        keys: KeysCollection = "image",
        side: int = 64,
        smallest: float = 0.9,
        largest: float = 1.3,
        mirror: float = 0.0,
    ) -> None:
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, 1.0)
        self.side, self.smallest, self.largest, self.mirror = side, smallest, largest, mirror

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[str, torch.Tensor]:
        pyramid = data[self.keys[0]]
        boxes = _together(data["boxes"], self.R.randint(len(data["boxes"])))
        ends = [
            self._part(length, boxes, axis) for axis, length in ((0, pyramid[0].shape[1]), (1, pyramid[0].shape[0]))
        ]
        (left, width), (top, height) = ends
        sides = self.R.uniform(1.0, self.largest), self.R.uniform(1.0, self.largest)
        oval, turned = self.R.uniform() < 0.5, self.R.uniform() < self.mirror
        window, hole = lesion_window(pyramid, self.side, boxes, (left, top, width, height), sides, oval)
        return holed(window[:, ::-1], hole[:, ::-1]) if turned else holed(window, hole)

    def _part(self, length: int, boxes: Sequence[Box], axis: int) -> tuple[float, float]:
        """Start and length of the part of an axis that is shown, with the boxes in it."""
        shown = self.R.uniform(self.smallest, 1.0) * length
        first, last = min(box[axis] for box in boxes), max(box[axis] + box[axis + 2] for box in boxes)
        low, high = max(last - shown, 0.0), min(first, length - shown)
        return (self.R.uniform(low, high), shown) if low < high else (0.0, float(length))


class FixedLesionFilmd(RandLesionFilmd):
    """The whole film, and the same finding of it at every epoch, seeded by the image's name: for validation."""

    def __init__(self, keys: KeysCollection = "image", side: int = 64) -> None:
        super().__init__(keys, side)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[str, torch.Tensor]:
        pyramid = data[self.keys[0]]
        rows, columns = pyramid[0].shape
        chosen = np.random.RandomState(seed_of(data)).randint(len(data["boxes"]))
        boxes = _together(data["boxes"], chosen)
        whole = (0.0, 0.0, float(columns), float(rows))
        made = holed(*lesion_window(pyramid, self.side, boxes, whole, (_MARGIN, _MARGIN), oval=False))
        return {**made, "name": data["name"]}  # type: ignore[dict-item]


def _together(boxes: Sequence[Box], number: int) -> list[Box]:
    """The box of that number, and those that overlap it."""
    left, top, width, height = boxes[number]
    return [
        box
        for box in boxes
        if box[0] < left + width and left < box[0] + box[2] and box[1] < top + height and top < box[1] + box[3]
    ]
