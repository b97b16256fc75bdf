"""Blend an artifact into an image: the one place where both meet."""

from __future__ import annotations

import cv2
import numpy as np

FAINTEST = 0.05  # opacity below which nothing is drawn
_AROUND = np.ones((5, 5), np.uint8)


def blended(
    image: np.ndarray, level: np.ndarray | float, opacity: np.ndarray, least: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the image with something laid over it, and where it is seen.

    Args:
        image: (rows, columns) in units.
        level: intensity of the artifact, a number or an array of that shape, in units.
        opacity: of that shape, 0 to 1.
        least: the smallest change in units that is seen. What changes less (a black bar over air) is left as it was,
            but for pixels within two of those that are seen.

    Returns:
        The new image, float32, and its region, bool, outside which it is unchanged.
    """
    drawn = image + opacity * (level - image)
    visible = (np.abs(drawn - image) >= least) & (opacity > FAINTEST)
    region = (cv2.dilate(visible.astype(np.uint8), _AROUND) > 0) & (opacity > FAINTEST)
    return np.where(region, drawn, image).astype(np.float32), region
