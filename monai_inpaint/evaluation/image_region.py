"""Cut 2D slices for the protocols out of an image, and find the body in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.display import display_axes, displayed
from monai_inpaint.imaging.image import Image
from monai_inpaint.imaging.resize import resized

SLICES_OF_A_VOLUME = 3
SAMPLE = 100_000  # voxels looked at to tell a mask from an image
FEWEST_VALUES = 16  # distinct values that an image of anatomy has at least; a mask has fewer


@dataclass(frozen=True, eq=False)
class ImageRegion:
    """A region that a protocol cuts from an image: a displayed slice, or a part of a volume.

    Attributes:
        pixels: (rows, columns) of a slice, (i, j, k) of a volume; float32 in units.
        lesion: bool array of that shape, or None.
        index: of a volume's slice along k; None otherwise.
        spacing: mm along each axis of the array; None if unknown.
        eight_bit: grey values of a picture.
        affine: of a part of a volume, to RAS+ mm; None for a slice.
        film: the film that a patch was cut from, as displayed; None if there is only `pixels`.
        corner: row and column in it of the patch's first pixel.
    """

    pixels: np.ndarray
    lesion: np.ndarray | None
    index: int | None
    spacing: tuple[float, ...] | None
    eight_bit: bool
    affine: np.ndarray | None = None
    film: np.ndarray | None = None
    corner: tuple[int, int] = (0, 0)


# (part of the image with its pixels, hole, variant, what tells this place from others of the image)
MarkedRegion = tuple[ImageRegion, np.ndarray, str, str]


def slices_of(image: Image, lesion: np.ndarray | None, modality: str, rng: np.random.Generator) -> list[ImageRegion]:
    """Return a 2D image itself; up to three seeded slices with body along k of a volume.

    Slices qualify with at least half the body area of the fullest slice; with a lesion, those with at least half the
    area of its largest section. Volumes of one slice count as 2D.

    Args:
        image: 2D or 3D.
        lesion: boolean array on the image's grid, or None.
        modality: "cxr", "ct" or "mr".
        rng: draws the slices.

    Raises:
        InputError: the image has so few grey values that it is a mask, not anatomy; or CT as an 8-bit picture.
    """
    check_anatomy(image, modality)
    if image.voxels.ndim == 2:
        return [_slice(image, lesion, None)]
    if lesion is not None and lesion.any():
        area = np.asarray(lesion.sum(axis=(0, 1)))
    else:
        thin = _thinned(image)
        area = (thin > _threshold(thin, modality)).sum(axis=(0, 1))
    full = np.flatnonzero(area >= max(area.max() / 2, 1))
    if full.size == 0:
        raise InputError("no slice contains body.")
    chosen = rng.choice(full, min(SLICES_OF_A_VOLUME, full.size), replace=False)
    return [_slice(image, lesion, int(k)) for k in sorted(chosen)]


def check_anatomy(image: Image, modality: str) -> None:
    """Refuse masks and CT without Hounsfield units.

    Raises:
        InputError: so few grey values that it is a mask, not anatomy; or CT as an 8-bit picture.
    """
    step = max(int((image.voxels.size / SAMPLE) ** (1 / image.voxels.ndim)), 1)
    if np.unique(image.voxels[(slice(None, None, step),) * image.voxels.ndim]).size < FEWEST_VALUES:
        raise InputError(f"fewer than {FEWEST_VALUES} grey values, which shows no anatomy.")
    if modality == "ct" and is_eight_bit(image):
        raise InputError("an 8-bit picture of CT contains no Hounsfield units.")


def level_of(image: Image, modality: str) -> float:
    """Compute the value above which a volume's voxels are body, one for all slices, as some contain only air and noise.

    Raises:
        InputError: there are no finite voxels.
    """
    thin = _thinned(image)
    finite = thin[np.isfinite(thin)]
    if not finite.size:
        raise InputError("it contains NaN or infinite values only.")
    return _threshold(finite, modality)


def body_of(pixels: np.ndarray, modality: str, level: float | None = None) -> np.ndarray:
    """Segment the patient in a slice, lungs and other dark parts included: bool array. A film is all body.

    Args:
        pixels: (rows, columns) in units.
        modality: "cxr", "ct" or "mr".
        level: the value above which is body; that of the slice's own range when None.
    """
    from scipy.ndimage import binary_closing, binary_fill_holes, binary_opening, gaussian_filter, label

    if modality == "cxr":
        return np.ones(pixels.shape, bool)
    bright = gaussian_filter(pixels, 1) > (_threshold(pixels, modality) if level is None else level)
    # Padded so that the closing does not eat at the image's border.
    solid = binary_closing(np.pad(bright, 5), iterations=3)[5:-5, 5:-5]
    solid = np.asarray(binary_fill_holes(binary_opening(solid, iterations=2)))
    if not solid.any():
        return solid
    parts = np.asarray(label(solid)[0])  # type: ignore[index]  # scipy's stub takes the pair for a number
    return parts == 1 + np.argmax(np.bincount(parts.ravel())[1:])


def at_most(part: ImageRegion, side: int) -> ImageRegion:
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
    return ImageRegion(resized(part.pixels, (rows, columns)), lesion, part.index, spacing, part.eight_bit)


def reduced(image: Image, lesion: np.ndarray | None, side: int) -> tuple[Image, np.ndarray | None]:
    """A 2D image and the lesion in it with the longer side reduced to `side` pixels; others stay as they are.

    Grey values of a picture stay whole numbers; others become float32 in units.
    """
    factor = side / max(image.voxels.shape[:2])
    if image.voxels.ndim != 2 or factor >= 1:
        return image, lesion
    rows, columns = (max(round(size * factor), 1) for size in image.voxels.shape)
    voxels = resized(image.units(), (rows, columns))
    affine = None
    if image.affine is not None:
        affine = image.affine.copy()
        affine[:3, 0] *= image.voxels.shape[0] / rows
        affine[:3, 1] *= image.voxels.shape[1] / columns
    small = Image(
        np.rint(voxels).astype(np.uint8) if is_eight_bit(image) else voxels,
        affine,
        image.modality,
        inverted=image.inverted,
        path=image.path,
        placed=image.placed,
        lossy=image.lossy,
    )
    if lesion is not None:
        lesion = resized(lesion.astype(np.float32), (rows, columns)) >= 0.5
    return small, lesion


def _slice(image: Image, lesion: np.ndarray | None, k: int | None) -> ImageRegion:
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
    return ImageRegion(pixels, section, k, spacing, is_eight_bit(image))


def is_eight_bit(image: Image) -> bool:
    """Return whether an image has grey values of a picture, not units stored in 8 bits with a scale."""
    return image.voxels.dtype == np.uint8 and bool(np.all(np.asarray(image.slope) == 1.0))


def _thinned(image: Image) -> np.ndarray:
    """Every fourth pixel of every slice in units: enough to estimate the body area of a slice."""
    return image.units((slice(None, None, 4), slice(None, None, 4)))


def _threshold(pixels: np.ndarray, modality: str) -> float:
    """The value above which is body."""
    if modality == "ct" and pixels.min() < -200:  # Hounsfield units with air in view
        return -500.0
    low, high = np.percentile(pixels, (1, 99))
    return float(low + 0.1 * (high - low))
