"""Images with boxes as input of detectors: square, standardised, shifted and flipped in training."""

# pyright: basic

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from monai_inpaint.datasets.boxed_images import read_pixels
from monai_inpaint.datasets.finding_boxes import BoxedImage

_SHIFT = 0.1  # of the side, at most
_ENDS = (0.5, 99.5)  # percentiles that grey values are cut at


def square_of(image: BoxedImage, side: int) -> tuple[torch.Tensor, torch.Tensor, float]:
    """An image on a square, its longer side resized to `side`, the rest filled with its mean.

    Returns:
        float32 (1, side, side) of mean 0 and deviation 1; boxes left, top, right, bottom, float32 (n, 4); and how many
        pixels of the square a pixel of the image is.

    Raises:
        InputError: the image cannot be read.
    """
    pixels = read_pixels(image)
    low, high = np.percentile(pixels, _ENDS)
    pixels = np.clip(pixels, low, high)
    pixels = (pixels - pixels.mean()) / max(float(pixels.std()), 1e-6)
    factor = side / max(pixels.shape)
    sizes = [max(round(size * factor), 1) for size in pixels.shape]
    given = torch.from_numpy(np.ascontiguousarray(pixels, np.float32))[None, None]
    if sizes != list(pixels.shape):
        given = torch.nn.functional.interpolate(given, sizes, mode="bilinear", antialias=True, align_corners=False)
    square = torch.zeros(1, side, side)
    square[:, : sizes[0], : sizes[1]] = given[0]
    return square, corners(image) * factor, factor


def corners(image: BoxedImage) -> torch.Tensor:
    """The boxes of an image as left, top, right, bottom: float32 (n, 4)."""
    boxes = torch.tensor(image.boxes, dtype=torch.float32).reshape(-1, 4)
    return torch.cat((boxes[:, :2], boxes[:, :2] + boxes[:, 2:]), dim=1)


def augmented(image: torch.Tensor, boxes: torch.Tensor, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Shift by up to a tenth of the side, and flip from left to right, both with a probability of one half.

    What a shift moves in is the edge, repeated; boxes are cut at the edge, and those with less than half of their area
    left are dropped.
    """
    side = image.shape[-1]
    if rng.random() < 0.5:
        down, right = (int(n) for n in rng.integers(-round(_SHIFT * side), round(_SHIFT * side) + 1, size=2))
        rows, columns = ((torch.arange(side) - by).clamp(0, side - 1) for by in (down, right))
        image = image[:, rows][:, :, columns]
        moved = boxes + torch.tensor([right, down, right, down])
        cut = moved.clamp(0, side)
        kept = _areas(cut) >= 0.5 * _areas(moved)
        boxes = cut[kept]
    if rng.random() < 0.5:
        image = image.flip(-1)
        boxes = torch.stack((side - boxes[:, 2], boxes[:, 1], side - boxes[:, 0], boxes[:, 3]), dim=1)
    return image, boxes


def batch_of(
    images: Sequence[BoxedImage], side: int, rng: np.random.Generator
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Images (B, 1, side, side) and their boxes, augmented."""
    pairs = [augmented(*square_of(image, side)[:2], rng) for image in images]
    return torch.stack([image for image, _ in pairs]), [boxes for _, boxes in pairs]


def _areas(boxes: torch.Tensor) -> torch.Tensor:
    return (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(dim=1)
