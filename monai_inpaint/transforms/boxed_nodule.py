"""Training windows of the texture network around nodules of films that readers marked by boxes."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from monai.transforms import Transform

from monai_inpaint.transforms.window import cut_window

_MARGIN = 8  # pixels between a nodule and the edge of its window, at least


class CutBoxedNoduled(Transform):
    """{"image": pyramid, "box": (left, top, width, height)} -> a window with the nodule in its middle, and its mask.

    The mask is the ellipse that touches the box's sides, as no outline is known. A film is not enlarged; it is reduced
    where the nodule would not fit into the window. What lies outside the film has the window's mean.

    Args:
        side: rows and columns of the window.

    Returns (of a call):
        The entry with "image": float32 (side, side), and "masks": bool (1, side, side).
    """

    def __init__(self, side: int = 128) -> None:
        self.side = side

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        pyramid: Sequence[np.ndarray] = data["image"]
        left, top, width, height = data["box"]
        step = max(1.0, max(width, height) / (self.side - 2 * _MARGIN))
        # Pixel centres are whole numbers, so a box from 0 to 2 has its middle at 0.5.
        centre = (top + height / 2 - 0.5, left + width / 2 - 0.5)
        window = cut_window(pyramid, self.side, centre, step * self.side, 0.0, mirror=False)
        window = np.where(np.isnan(window), np.nanmean(window), window).astype(np.float32)
        rows, columns = (grid - (self.side - 1) / 2 for grid in np.ogrid[: self.side, : self.side])
        mask = (2 * step * rows / height) ** 2 + (2 * step * columns / width) ** 2 <= 1
        return {**data, "image": window, "masks": mask[None]}
