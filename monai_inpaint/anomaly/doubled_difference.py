"""Picture of the absolute difference between an image and its fills, doubled."""

from __future__ import annotations

import numpy as np

from monai_inpaint.evaluation.case import intensity_window
from monai_inpaint.evaluation.image_region import is_eight_bit
from monai_inpaint.imaging.display import displayed
from monai_inpaint.imaging.image import Image


def doubled_difference(image: Image, difference: np.ndarray) -> Image:
    """Return 2 |source - filled| as an 8-bit picture (Belli et al. 2018, section 4.2): black where nothing differs.

    White is the width of the image's intensity window (see `intensity_window`): 255 for 8-bit films, 2000 HU for CT.

    Args:
        image: 2D.
        difference: of its shape, in its units.
    """
    nowhere = np.zeros(image.voxels.shape, bool)
    low, high = intensity_window(image.units(), nowhere, image.modality or "cxr", is_eight_bit(image))
    grey = np.clip(2 * np.abs(difference.astype(np.float64)) * (255 / (high - low)), 0, 255)
    return Image(np.ascontiguousarray(displayed(np.rint(grey).astype(np.uint8), image.affine)))
