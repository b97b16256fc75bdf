"""Smooth random fields."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np


def smooth_field(knots: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Return a field of that shape, 2D or 3D, float32: cubic between the float32 values at its evenly spaced knots."""
    if knots.ndim == 2:
        return cv2.resize(knots, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    planes = np.stack([smooth_field(plane, shape[1:]) for plane in knots])
    lines = planes.reshape(len(planes), -1)
    return cv2.resize(lines, (lines.shape[1], shape[0]), interpolation=cv2.INTER_CUBIC).reshape(shape)
