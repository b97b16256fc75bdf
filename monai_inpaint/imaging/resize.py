"""Resize slices, and enlarge them again."""

from __future__ import annotations

import numpy as np


def resized(pixels: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """`pixels` averaged over areas (antialiased) to (rows, columns); float32."""
    from PIL.Image import Resampling

    return _resampled(pixels, shape, Resampling.BOX)


def enlarged(pixels: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """`pixels` at (rows, columns), linear between them; float32."""
    from PIL.Image import Resampling

    return _resampled(pixels, shape, Resampling.BILINEAR)


def _resampled(pixels: np.ndarray, shape: tuple[int, int], how: int) -> np.ndarray:
    from PIL import Image as Picture

    if pixels.shape == shape:
        return pixels.astype(np.float32)
    picture = Picture.fromarray(np.ascontiguousarray(pixels, dtype=np.float32))
    return np.asarray(picture.resize((shape[1], shape[0]), how), dtype=np.float32)
