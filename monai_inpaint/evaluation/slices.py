"""From an image as read to the 2D slices that protocols work on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.fill.display import display_axes, displayed
from monai_inpaint.images import Image

SLICES_OF_A_VOLUME = 3
SAMPLE = 100_000  # voxels looked at to tell a mask from an image
FEWEST_VALUES = 16  # distinct values that an image of anatomy has at least; a mask has fewer


@dataclass(frozen=True, eq=False)
class Slice:
    """One slice as shown: `pixels` (rows, columns) float32 in units, `lesion` bool or None, `index` along k or None."""

    pixels: np.ndarray
    lesion: np.ndarray | None
    index: int | None
    spacing: tuple[float, float] | None
    eight_bit: bool


def slices_of(image: Image, lesion: np.ndarray | None, modality: str, rng: np.random.Generator) -> list[Slice]:
    """The image itself where it is 2D; of a volume up to three seeded slices along k that hold body.

    Slices qualify with at least half the body area of the fullest slice; with a lesion, those that hold at least
    half the area of its largest section. Volumes of one slice count as 2D.

    Args:
        image: 2D or 3D.
        lesion: boolean array on the image's grid, or None.
        modality: "cxr", "ct" or "mr".
        rng: draws the slices.

    Raises:
        InputError: the image has so few grey values that it is a mask, not anatomy; or CT as an 8-bit picture.
    """
    step = max(int((image.voxels.size / SAMPLE) ** (1 / image.voxels.ndim)), 1)
    if np.unique(image.voxels[(slice(None, None, step),) * image.voxels.ndim]).size < FEWEST_VALUES:
        raise InputError(f"fewer than {FEWEST_VALUES} grey values, which shows no anatomy.")
    if modality == "ct" and _eight_bit(image):
        raise InputError("an 8-bit picture of CT holds no Hounsfield units.")
    if image.voxels.ndim == 2:
        return [_slice(image, lesion, None)]
    if lesion is not None and lesion.any():
        area = np.asarray(lesion.sum(axis=(0, 1)))
    else:
        # Every fourth pixel is enough to tell how much body a slice holds.
        thin = [image.units((slice(None, None, 4), slice(None, None, 4), k)) for k in range(image.voxels.shape[2])]
        level = _threshold(np.stack(thin), modality)
        area = np.array([(pixels > level).sum() for pixels in thin])
    full = np.flatnonzero(area >= max(area.max() / 2, 1))
    if full.size == 0:
        raise InputError("no slice holds body.")
    chosen = rng.choice(full, min(SLICES_OF_A_VOLUME, full.size), replace=False)
    return [_slice(image, lesion, int(k)) for k in sorted(chosen)]


def body_of(pixels: np.ndarray, modality: str) -> np.ndarray:
    """The patient in a slice, lungs and other dark parts inside included: bool array. A film is body throughout."""
    from scipy.ndimage import binary_closing, binary_fill_holes, binary_opening, gaussian_filter, label

    if modality == "cxr":
        return np.ones(pixels.shape, bool)
    bright = gaussian_filter(pixels, 1) > _threshold(pixels, modality)
    # Padded so that the closing does not eat at the image's border.
    solid = binary_closing(np.pad(bright, 5), iterations=3)[5:-5, 5:-5]
    solid = np.asarray(binary_fill_holes(binary_opening(solid, iterations=2)))
    if not solid.any():
        return solid
    parts = np.asarray(label(solid)[0])  # type: ignore[index]  # scipy's stub takes the pair for a number
    return parts == 1 + np.argmax(np.bincount(parts.ravel())[1:])


def resized(pixels: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """`pixels` averaged over areas (antialiased) to (rows, columns); float32."""
    from PIL import Image as Picture

    if pixels.shape == shape:
        return pixels.astype(np.float32)
    picture = Picture.fromarray(np.ascontiguousarray(pixels, dtype=np.float32))
    return np.asarray(picture.resize((shape[1], shape[0]), Picture.Resampling.BOX), dtype=np.float32)


def at_most(part: Slice, side: int) -> Slice:
    """The slice with its longer side reduced to `side` pixels; smaller ones stay as they are (never enlarged)."""
    factor = side / max(part.pixels.shape)
    if factor >= 1:
        return part
    rows, columns = (max(round(size * factor), 1) for size in part.pixels.shape)
    lesion = None if part.lesion is None else resized(part.lesion.astype(np.float32), (rows, columns)) >= 0.5
    spacing = None
    if part.spacing is not None:
        old_rows, old_columns = part.pixels.shape
        spacing = (part.spacing[0] * old_rows / rows, part.spacing[1] * old_columns / columns)
    return Slice(resized(part.pixels, (rows, columns)), lesion, part.index, spacing, part.eight_bit)


def _slice(image: Image, lesion: np.ndarray | None, k: int | None) -> Slice:
    def shown(values: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(displayed(values, image.affine))

    index: Any = ... if k is None else (slice(None), slice(None), k)
    pixels = shown(image.units(index))
    if image.inverted:
        pixels = pixels.max() + pixels.min() - pixels
    spacing = None
    if image.spacing is not None:
        transposed = display_axes(image.affine)[0]
        spacing = (image.spacing[int(transposed)], image.spacing[int(not transposed)])
    section = None if lesion is None else shown(lesion[index])
    return Slice(pixels, section, k, spacing, _eight_bit(image))


def _eight_bit(image: Image) -> bool:
    """Grey values of a picture, not units stored in 8 bits with a scale."""
    return image.voxels.dtype == np.uint8 and bool(np.all(np.asarray(image.slope) == 1.0))


def _threshold(pixels: np.ndarray, modality: str) -> float:
    """The value above which is body."""
    if modality == "ct" and pixels.min() < -200:  # Hounsfield units with air in view
        return -500.0
    low, high = np.percentile(pixels, (1, 99))
    return float(low + 0.1 * (high - low))
