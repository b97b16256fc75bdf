"""Boxes around made-up nodules, and what a made-up detector found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from monai_inpaint.datasets.finding_boxes import Box, BoxedImage

SIDE = 128
NODULE: Box = (40.0, 40.0, 20.0, 20.0)


def truth(*images: list[Box]) -> list[BoxedImage]:
    """Images of 128 pixels with these boxes, each of a patient of its own."""
    return [BoxedImage(f"{n}.png", SIDE, SIDE, tuple(boxes)) for n, boxes in enumerate(images)]


def found(*images: list[tuple[Box, float]]) -> list[BoxedImage]:
    """The same with a score for each box."""
    return [
        BoxedImage(f"{n}.png", SIDE, SIDE, tuple(box for box, _ in some), tuple(score for _, score in some))
        for n, some in enumerate(images)
    ]


def drawn(count: int = 60, seed: int = 0) -> tuple[list[BoxedImage], list[BoxedImage]]:
    """A truth with negatives, and detections of which most are near a nodule; many scores are equal."""
    rng = np.random.default_rng(seed)
    true, made = [], []
    for _ in range(count):
        boxes = [tuple(rng.uniform((0, 0, 8, 8), (80, 80, 30, 30))) for _ in range(rng.integers(0, 4))]
        near = [tuple(np.array(box) + rng.normal(0, 2, 4)) for box in boxes for _ in range(2) if rng.uniform() < 0.7]
        other = [tuple(rng.uniform((0, 0, 8, 8), (80, 80, 30, 30))) for _ in range(rng.integers(0, 5))]
        true.append([tuple(map(float, box)) for box in boxes])
        made.append([(tuple(map(float, box)), round(float(rng.uniform()), 1)) for box in (*near, *other)])
    return truth(*true), found(*made)


def write_pictures(images: list[BoxedImage], folder: Path) -> Path:
    """The images as grey noise with a bright patch in each box, in images/ of a folder."""
    (folder / "images").mkdir(parents=True)
    for number, image in enumerate(images):
        pixels = np.random.default_rng(number).integers(60, 90, (image.rows, image.columns), np.uint8)
        for x, y, width, height in image.boxes:
            pixels[round(y) : round(y + height), round(x) : round(x + width)] += 80
        Pillow.fromarray(pixels).save(folder / "images" / image.file)
    return folder
