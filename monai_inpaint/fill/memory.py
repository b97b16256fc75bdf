"""Predict the peak memory of a fill."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from monai_inpaint.fill.volume import CROP, crop_around, most_slices
from monai_inpaint.fill.windows import LARGEST, SHARE

# Fitted to the peaks of `monai-inpaint fill` that `python -m benchmarks memory` measures, with OpenVINO.
_AT_REST = 220e6  # bytes: Python, the engine, the network
_A_VOXEL_SEEN = 24  # bytes for each voxel around the hole that windows may show
_FILMS_AT_REST = 190e6
_A_PIXEL, _A_PIXEL_BESIDE_LARGE_HOLES = 12, 125  # bytes; holes that no window takes are filled coarse to fine


def expected_memory_mb(shape: Sequence[int], dtype: str, hole: Sequence[int]) -> float:
    """Predict the peak memory of `monai-inpaint fill`, within about a quarter.

    Args:
        shape: of the image, 2D or 3D with slices along the last axis.
        dtype: of its stored voxels, by numpy's name.
        hole: sides of the hole's bounding box, in voxels; one for each axis of the image.

    Returns:
        MB. The image, the hole and the filled image are held whole, the network's windows one batch at a time.
    """
    if len(shape) == 2:
        a_pixel = _A_PIXEL_BESIDE_LARGE_HOLES if max(hole) > SHARE * LARGEST else _A_PIXEL
        return round((_FILMS_AT_REST + math.prod(shape) * a_pixel) / 2**20, 1)
    voxels = math.prod(shape) * (2 * np.dtype(dtype).itemsize + 1)
    middle = [slice((whole - part) // 2, (whole - part) // 2 + part) for whole, part in zip(shape, hole, strict=True)]
    visible = math.prod(side.stop - side.start for side in crop_around(middle, shape))
    if visible > CROP:
        visible = math.prod(shape[:2]) * min(hole[2], most_slices(*hole[:2]))
    return round((_AT_REST + voxels + _A_VOXEL_SEEN * visible) / 2**20, 1)
