"""Read one slice and keep it at several resolutions, so that a window of any size is cut without aliasing."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from monai.config import KeysCollection
from monai.transforms import MapTransform

from monai_inpaint.imaging.display import displayed
from monai_inpaint.imaging.image import Image
from monai_inpaint.io import read_image


class ReadPyramidd(MapTransform):
    """Path -> list of 2D arrays (rows, columns) as displayed, each half the size of the one before.

    `data["slice"]` selects the slice along k of a volume. Values are in the image's units; 8-bit pictures stay uint8 to
    save memory, everything else is float32. Voxels marked by the mask `data["lesion"]`, if there is one, become NaN:
    they are neither input nor target of a network.

    Args:
        keys: keys of the paths.
        levels: how many resolutions, the full one included.
        percentile: stretch all but 8-bit pictures to 0..255 between this percentile and its complement, for MR whose
            units mean nothing, and for films of more bits; None keeps the units.
        square: squeeze the longer side to the shorter one, as films are squeezed to be painted.
    """

    def __init__(
        self, keys: KeysCollection, levels: int = 4, percentile: float | None = None, square: bool = False
    ) -> None:
        super().__init__(keys)
        self.levels, self.square = levels, square
        self.percentile = percentile

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        out = dict(data)
        for key in self.keys:
            image = _read(Path(out[key]))
            level = _shown(image, out.get("slice"))
            if image.inverted:
                level = 255 - level if level.dtype == np.uint8 else -level
            if self.percentile is not None and level.dtype != np.uint8:
                level = stretched(level, self.percentile).astype(np.float32)
            if "lesion" in out:
                level = np.where(_shown(_read(Path(out["lesion"])), out.get("slice")) > 0, np.float32("nan"), level)
            if self.square and level.shape[0] != level.shape[1]:
                level = cv2.resize(level, (min(level.shape),) * 2, interpolation=cv2.INTER_AREA)
            out[key] = make_pyramid(level, self.levels)
        return out


def _shown(image: Image, k: int | None) -> np.ndarray:
    """The picture, or slice k of the volume (the middle one for None), in units; uint8 of an 8-bit picture."""
    if image.voxels.ndim == 3:
        k = image.voxels.shape[2] // 2 if k is None else k
        values = image.units((slice(None), slice(None), k))
    else:
        values = image.voxels if image.voxels.dtype == np.uint8 else image.units()
    shown = np.ascontiguousarray(displayed(values, image.affine))
    return shown if values is image.voxels else shown.astype(np.float32, copy=False)


def make_pyramid(level: np.ndarray, levels: int) -> list[np.ndarray]:
    """Make the slice (rows, columns) at so many resolutions, each half the one before."""
    pyramid = [level]
    for _ in range(levels - 1):
        rows, columns = max(level.shape[0] // 2, 1), max(level.shape[1] // 2, 1)
        level = cv2.resize(level, (columns, rows), interpolation=cv2.INTER_AREA)
        pyramid.append(level)
    return pyramid


def stretched(values: np.ndarray, percentile: float) -> np.ndarray:
    """`values` with this percentile at 0 and its complement at 255."""
    low, high = np.percentile(values, (percentile, 100 - percentile))
    return (values - low) * (255.0 / max(high - low, 1e-6))


# The slices of a volume come one after another: reading the file once serves them all.
@lru_cache(maxsize=2)
def _read(path: Path) -> Image:
    return read_image(path)
