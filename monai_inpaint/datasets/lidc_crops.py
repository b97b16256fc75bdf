"""Crops of LIDC-IDRI with a nodule: estimate Hounsfield units, look up the readers' ratings of texture.

Such a set has a folder for each patient: `image.png`, 128x128 pixels of one slice as acquired, 8 bits over a range of
Hounsfield units that nobody wrote down, and `mask-0.png` to `mask-3.png`, what each reader outlined (empty where a
reader saw nothing).
"""

# scipy brings no types
# pyright: basic

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from monai_inpaint.datasets.lidc_outlines import NoduleReading, Outline
from monai_inpaint.errors import InputError

LUNG, TISSUE = -870.0, 0.0  # HU: the mode of inflated lung; the median of muscle and fat of the chest wall
_BLACK = 3  # grey levels up to here may be padding, which says nothing of the lung
_FEWEST = 150  # pixels of tissue that a scale is taken from


@dataclass(frozen=True)
class LidcCrop:
    """A slice around a nodule.

    Attributes:
        grey: float32 (rows, columns), 0 to 255.
        readers: bool (readers, rows, columns), of those who saw a nodule.
        scale, shift: HU = scale * grey + shift, estimated; see `hounsfield_scale`.
    """

    grey: np.ndarray
    readers: np.ndarray
    scale: float
    shift: float

    @property
    def hounsfield(self) -> np.ndarray:
        """float32 (rows, columns), HU."""
        return self.scale * self.grey + np.float32(self.shift)

    @property
    def agreement(self) -> np.ndarray:
        """Pixels that at least half of the readers marked."""
        return self.readers.mean(axis=0) >= 0.5


def read_lidc_crop(image: str | Path) -> LidcCrop:
    """Read `image.png` and its masks.

    Raises:
        InputError: a file cannot be read, sizes differ, no reader saw a nodule, or the crop shows no lung in tissue.
    """
    image = Path(image)
    grey = _picture(image).astype(np.float32)
    masks = [_picture(path) > 0 for path in sorted(image.parent.glob("mask-*.png"))]
    if any(mask.shape != grey.shape for mask in masks):
        raise InputError(f"{image.parent}: a mask does not match the image in size.")
    readers = [mask for mask in masks if mask.any()]
    if not readers:
        raise InputError(f"{image.parent}: no mask-N.png marks a nodule.")
    try:
        scale, shift = hounsfield_scale(grey)
    except InputError as error:
        raise InputError(f"{image}: {error}") from None
    return LidcCrop(grey, np.stack(readers), scale, shift)


def hounsfield_scale(grey: np.ndarray) -> tuple[float, float]:
    """Estimate (scale, shift) of HU = scale * grey + shift from lung and soft tissue.

    Otsu's threshold separates the two; the mode of the darker part is lung, the median of the brighter, two pixels
    inside (to exclude vessels), is tissue.

    Args:
        grey: (rows, columns), 0 to 255, of a slice with lung and chest wall.

    Raises:
        InputError: it does not show both.
    """
    from scipy.ndimage import binary_erosion, gaussian_filter, gaussian_filter1d

    smooth: Any = gaussian_filter(grey, 1.0)
    seen = grey > _BLACK
    if not seen.any():
        raise InputError("the image is black.")
    tissue = seen & (smooth >= _otsu(smooth[seen]))
    lung = grey[seen & ~tissue]
    inner = binary_erosion(tissue, iterations=2)
    if not lung.size or inner.sum() < _FEWEST:
        raise InputError("contains no lung next to soft tissue, so its Hounsfield units cannot be estimated.")
    dark = float(gaussian_filter1d(np.histogram(lung, 256, (0, 256))[0].astype(float), 2.0).argmax())
    bright = float(np.median(smooth[inner]))
    if bright <= dark:
        raise InputError("contains no lung next to soft tissue, so its Hounsfield units cannot be estimated.")
    scale = (TISSUE - LUNG) / (bright - dark)
    return scale, LUNG - scale * dark


def readings_of(crop: LidcCrop, readings: Iterable[NoduleReading]) -> list[NoduleReading]:
    """Which of a patient's readings the crop's masks are: those of the slice in which most outlines fit.

    A mask is the interior of an outline. The outline is identified by its rows, columns and number of pixels, the
    number by Pick's theorem.
    """
    masks = [_size(mask) for mask in crop.readers]
    fitting: dict[float, list[NoduleReading]] = {}
    for reading in readings:
        for outline in reading.outlines:
            if outline.inclusion and _inside(outline) in masks:
                fitting.setdefault(outline.z, []).append(reading)
    counts = Counter({z: len(found) for z, found in fitting.items()})
    return fitting[counts.most_common(1)[0][0]] if counts else []


def density_of(readings: Sequence[NoduleReading]) -> float | None:
    """The mean of the readers' ratings of texture: 0 ground-glass to 1 solid; None without readings."""
    return float(np.mean([reading.density for reading in readings])) if readings else None


def _size(mask: np.ndarray) -> tuple[int, int, int]:
    rows, columns = np.nonzero(mask)
    return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1, len(rows)


def _inside(outline: Outline) -> tuple[int, int, int]:
    """Rows, columns and number of the pixels that a curve of neighbouring pixels encloses."""
    points = outline.points
    rows, columns = points[:, 0], points[:, 1]
    area = abs(np.dot(rows, np.roll(columns, -1)) - np.dot(columns, np.roll(rows, -1))) / 2
    around = len(points) - int(len(points) > 1 and (points[0] == points[-1]).all())
    extent = np.ptp(points, axis=0) - 1
    return int(extent[0]), int(extent[1]), round(area - around / 2 + 1)


def _otsu(values: np.ndarray) -> float:
    """The threshold between two classes of the largest variance between them (Otsu 1979)."""
    counts, edges = np.histogram(values, 256)
    centres = (edges[:-1] + edges[1:]) / 2
    below, total = np.cumsum(counts), counts.sum()
    first = np.cumsum(counts * centres)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (first[-1] * below / total - first) ** 2 / (below * (total - below))
    return float(centres[np.where(np.isfinite(between), between, -1.0).argmax()])


def _picture(path: Path) -> np.ndarray:
    try:
        with Pillow.open(path) as picture:
            return np.asarray(picture.convert("L"))
    except (OSError, UnidentifiedImageError) as error:
        raise InputError(f"{path}: cannot be read as a picture.") from error
