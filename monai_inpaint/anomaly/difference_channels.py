"""Channels of a film for a classifier: the film, its difference from a healthy fill, and its abnormality map."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import cache
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform

from monai_inpaint.anomaly.anomaly_map import compute_anomaly_map
from monai_inpaint.errors import InputError
from monai_inpaint.fill.filler import Filler
from monai_inpaint.imaging.display import displayed
from monai_inpaint.imaging.image import Image
from monai_inpaint.imaging.resize import resized
from monai_inpaint.io import read_image
from monai_inpaint.synthesis.painting.film_window import grey_range

CHANNELS = ("film", "difference", "map")
_DEVIATIONS = 4.0  # of healthy films, by which the map is divided


def difference_channels(filler: Filler, image: Image, side: int) -> np.ndarray:
    """A film, what its surroundings do not explain, and how unusual that is (future work of Belli et al. 2018).

    Args:
        filler: with the bundle for chest films.
        image: a film, 2D.
        side: pixels of the square that it is squeezed into.

    Returns:
        float32 (3, side, side): the film, 0 (black) to 1 (white); source - filled as a share of the film's grey range,
        0 outside the lungs; the abnormality map in quarters of a standard deviation of healthy films, 0 outside.

    Raises:
        InputError: not a single film, or `compute_anomaly_map` refuses it.
    """
    found = compute_anomaly_map(filler, image)
    if found.difference is None:
        raise InputError(f"{image.path or 'The image'} is a volume; differences of films are classified only.")
    units = -image.units() if image.inverted else image.units()
    low, high = grey_range(units)
    grey = np.clip((np.nan_to_num(units, nan=low) - low) / (high - low), 0.0, 1.0)
    layers = (grey, found.difference / (high - low), found.map / _DEVIATIONS)
    shown = [np.ascontiguousarray(displayed(layer, image.affine)) for layer in layers]
    return np.stack([resized(layer, (side, side)) for layer in shown])


class ReadDifferenced(MapTransform):
    """{"image": path} -> {"image": float32 (3, side, side), "source": path}; see `difference_channels`.

    Args:
        keys: key of the path.
        side: pixels of the square.
        bundle: that fills.
    """

    def __init__(self, keys: KeysCollection = "image", side: int = 128, bundle: str = "cxr") -> None:
        super().__init__(keys)
        self.side, self.bundle = side, bundle

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        path = data[self.keys[0]]
        layers = difference_channels(_filler(self.bundle), read_image(path), self.side)
        return {**data, self.keys[0]: torch.from_numpy(layers), "source": str(path)}


@cache
def _filler(bundle: str) -> Filler:
    return Filler(bundle)
