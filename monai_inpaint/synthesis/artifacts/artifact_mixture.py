"""Draw any kind of artifact of a modality."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from monai_inpaint.synthesis.artifacts.bars import draw_bars, random_bars
from monai_inpaint.synthesis.artifacts.metal_artifacts import draw_metal, random_metal
from monai_inpaint.synthesis.artifacts.text import draw_text, random_text
from monai_inpaint.synthesis.artifacts.voids import draw_voids, random_voids

KINDS = {"cxr": ("metal", "bars", "text"), "ct": ("metal", "bars", "text"), "mr": ("voids", "bars", "text")}

_RANDOM: dict[str, Callable[..., dict[str, Any]]] = {
    "metal": random_metal,
    "voids": random_voids,
    "bars": random_bars,
    "text": random_text,
}
_DRAW: dict[str, Callable[..., tuple[np.ndarray, np.ndarray]]] = {
    "metal": draw_metal,
    "voids": draw_voids,
    "bars": draw_bars,
    "text": draw_text,
}


def random_artifact(
    kind: str,
    shape: Sequence[int],
    rng: np.random.Generator,
    contrast: Sequence[float],
    *,
    side: float | None = None,
) -> dict[str, Any]:
    """Parameters of an artifact for `draw_artifact`: `kind` is one of `KINDS`, the rest as for `random_bars`."""
    return _RANDOM[kind](shape, rng, contrast, side=side)


def draw_artifact(image: np.ndarray, kind: str, params: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Draw the artifact into an image: (rows, columns) in units, float32, and its region, bool.

    Raises:
        InputError: no part of it is in the image.
    """
    return _DRAW[kind](image, **params)
