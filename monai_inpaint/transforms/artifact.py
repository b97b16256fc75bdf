"""Put artifacts into windows: input and target of the network that detects them."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform

from monai_inpaint.errors import InputError
from monai_inpaint.synthesis.artifacts import KINDS, contrast_of, draw_artifact, random_artifact

_TRIES = 4


class CentreCropd(MapTransform):
    """Crop the middle of a slice pyramid: margins of films contain real letters and markers that are not marked.

    Args:
        keys: keys of the pyramids.
        share: of the rows and of the columns, that is kept.
    """

    def __init__(self, keys: KeysCollection, share: float = 0.7) -> None:
        super().__init__(keys)
        self.share = share

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        out = dict(data)
        for key in self.keys:
            out[key] = [middle(level, self.share) for level in out[key]]
        return out


def middle(pixels: np.ndarray, share: float) -> np.ndarray:
    """Return the middle of an image (rows, columns), that share of its rows and columns."""
    margins = [round(size * (1 - share) / 2) for size in pixels.shape]
    return np.ascontiguousarray(pixels[tuple(slice(m, n - m) for m, n in zip(margins, pixels.shape, strict=True))])


class RandArtifactd(RandomizableTransform, MapTransform):
    """One to three artifacts in a window, or none.

    Places without an image (NaN) become as dark as the darkest place of the window, or, in some windows, of any grey,
    as frames are; they belong to no artifact.

    Args:
        keys: key of the window, (rows, columns).
        modality: "cxr", "ct" or "mr", which decides about kinds and intensities.
        clean: share of the windows without an artifact.
        zoom: largest size of the image that the window is assumed to be a part of, in sides of the window.
    """

    def __init__(self, keys: KeysCollection, modality: str, clean: float = 0.25, zoom: float = 4.0) -> None:
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, 1.0)
        self.modality, self.clean, self.zoom = modality, clean, zoom

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[str, torch.Tensor]:
        # The makers take numpy's newer generator; MONAI seeds the older one.
        rng = np.random.default_rng(self.R.randint(2**31))
        window = framed(data[self.keys[0]], rng)
        region = np.zeros(window.shape, bool)
        contrast = contrast_of(window, self.modality)
        if rng.random() >= self.clean:
            for _ in range(int(rng.choice((1, 1, 1, 2, 3)))):
                kind = str(rng.choice(KINDS[self.modality]))
                side = max(window.shape) * math.exp(rng.uniform(0, math.log(self.zoom)))
                window, marked = seen_artifact(window, kind, rng, contrast, side)
                region |= marked
        return {
            "image": torch.from_numpy(window[None].astype(np.float32)),
            "label": torch.from_numpy(region[None].astype(np.float32)),
        }


def seen_artifact(
    image: np.ndarray, kind: str, rng: np.random.Generator, contrast: tuple[float, float], side: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return a random artifact that is seen and covers half of the image at most, after a few tries.

    Without success the image is as it was and nothing is marked.
    """
    for _ in range(_TRIES):
        try:
            drawn, region = draw_artifact(image, kind, random_artifact(kind, image.shape, rng, contrast, side=side))
        except InputError:  # it lies outside of the image
            continue
        if 0 < region.mean() <= 0.5:
            return drawn, region
    return image, np.zeros(image.shape, bool)


def framed(window: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the window with places without an image filled."""
    missing = np.isnan(window)
    if missing.all():
        return np.zeros(window.shape, np.float32)
    low, high = float(np.nanmin(window)), float(np.nanmax(window))
    level = low if rng.random() < 0.8 else rng.uniform(low, high)
    return np.where(missing, level, window).astype(np.float32)
