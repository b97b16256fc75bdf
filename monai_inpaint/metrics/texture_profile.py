"""The texture of a nodule in three numbers: mean, standard deviation, and sharpness of its rim."""

# scipy brings no types
# pyright: basic

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

_RING = (2.0, 4.0)  # pixels from the outline: the ring that contrast is taken against


class TextureProfile(NamedTuple):
    """Of a nodule in an image.

    Attributes:
        mean: inside, in the image's units.
        spread: standard deviation inside, more than a pixel from the outline; NaN where there is no such place.
        rim: mean gradient at the outline, over the contrast between nodule and the ring around it, 1/pixel; NaN without
            contrast.
    """

    mean: float
    spread: float
    rim: float


def texture_profile(image: np.ndarray, nodule: np.ndarray) -> TextureProfile:
    """Measure a nodule.

    Args:
        image: (rows, columns), any units.
        nodule: bool, of the same shape, its outline without a rim.

    Raises:
        ValueError: the mask is empty or of another shape.
    """
    from scipy.ndimage import distance_transform_edt

    if image.shape != nodule.shape or not nodule.any():
        raise ValueError("the mask must mark a nodule in the image")
    image = image.astype(np.float64)
    within: Any = distance_transform_edt(nodule)
    beyond: Any = distance_transform_edt(~nodule)
    core = image[within > 1]
    ring = image[(beyond > _RING[0]) & (beyond <= _RING[1])]
    mean = float(image[nodule].mean())
    contrast = abs(mean - float(np.median(ring))) if ring.size else 0.0
    slope = np.hypot(*np.gradient(image))[(within == 1) | (beyond == 1)].mean()
    return TextureProfile(
        mean,
        float(core.std()) if core.size > 1 else float("nan"),
        float(slope / contrast) if contrast else float("nan"),
    )
