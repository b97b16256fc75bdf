"""Outlines of nodules as wide for their height as ones that are missed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from monai_inpaint.imaging.bounding_box import extent
from monai_inpaint.synthesis.nodules.shapes import draw_shape

_CHOICE = 12  # outlines that one is chosen of


def outline_like(aspect: float, seed: int, engine: str = "auto") -> np.ndarray:
    """Of 12 outlines that the shape generator draws, the one whose width over height comes closest; bool."""
    seeds = np.random.default_rng(seed).integers(2**32, size=_CHOICE)
    outlines = [draw_shape(int(one), engine) for one in seeds]
    return min(outlines, key=lambda outline: abs(np.log(aspect_of(outline) / aspect)))


def aspect_of(outline: np.ndarray) -> float:
    """Width over height of an outline."""
    box = extent(outline)
    assert box is not None
    rows, columns = (side.stop - side.start for side in box)
    return columns / rows


def write_outline(aspect: float, seed: int, path: Path, engine: str = "auto") -> None:
    """Write such an outline as a PNG picture, 255 inside."""
    from PIL import Image

    from monai_inpaint.io.atomic import staged

    with staged(path) as part:
        Image.fromarray(np.uint8(255) * outline_like(aspect, seed, engine)).save(part)
