"""Check whether CT values are Hounsfield units, find their offset, and where their scale ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image

AIR = -500.0  # HU: every CT of a patient holds air or lung or, cropped to a limb, fat at least below 0
_PILE = 4  # voxels at the very maximum that are no chance
_AIR, _TISSUE = (-1100.0, -850.0), (-200.0, 200.0)  # HU; most of any patient and of what is around one
_SCALE = (-1100.0, 3100.0)  # HU that scanners give, metal included
# What is added where HU are stored without a sign or lose their rescale; the last where such are read with a sign.
_OFFSETS = (1000, 1024, 8192, 32768, 32768 + 1024, -32768)
_ALIKE = 24  # between offsets that the values do not tell apart: most tissue varies by more
_NORMALISED = 2.0  # noise alone makes HU lie further apart; 0 to 1, -1 to 1 and coefficients in 1/cm do not
_SAMPLES = 64  # along each axis


@dataclass(frozen=True)
class Scale:
    """The upper end of an image's values.

    Attributes:
        highest: HU, the largest value.
        saturated: values are clipped there, in 12 bits at 3071 (or 3095) HU.
    """

    highest: float
    saturated: bool


def looks_like_hounsfield(image: Image) -> bool:
    """Return whether the values look like HU: a good part is air, and nothing is far below."""
    thinned = image.units(tuple(slice(None, None, max(size // 64, 1)) for size in image.voxels.shape))
    finite = thinned[np.isfinite(thinned)]
    return finite.size > 0 and float(np.mean((finite >= -1100) & (finite <= -850))) > 0.02


def check_hounsfield(image: Image) -> None:
    """Refuse a CT that is not in HU.

    Raises:
        InputError: 8-bit grey values, an offset, or no value below 0.
    """
    name = str(image.path or "The image")
    if image.modality not in ("ct", None):
        raise InputError(f"{name} is not a CT but {image.modality.upper()}; give a CT in Hounsfield units.")
    if image.voxels.dtype.itemsize == 1 and np.all(image.slope == 1.0):
        raise InputError(
            f"{name} contains 8-bit grey values, but metal is found in Hounsfield units; give the original CT."
        )
    lowest, _ = _ends(image)
    if lowest >= 0 or offset_of(image) is not None:
        check_hounsfield_units(image)
        raise InputError(
            f"{name} is not in Hounsfield units: no value is below 0; apply its rescale (mostly slope 1, intercept "
            "-1024) and give that."
        )


def scale_of(image: Image) -> Scale:
    """Find the upper end of the values, and whether many voxels at one value show that larger ones were clipped.

    Args:
        image: a CT in HU.
    """
    _, highest = _ends(image)
    stored = image.voxels
    ends = np.fmax if np.all(np.asarray(image.slope) > 0) else np.fmin
    at_top = stored == ends.reduce(stored, axis=None)
    return Scale(highest, int(np.count_nonzero(at_top)) >= _PILE)


def check_hounsfield_units(image: Image) -> None:
    """Refuse values that are not Hounsfield units.

    Raises:
        InputError: 8-bit grey values, Hounsfield units with an offset, values scaled to about 1, or values that no
            scanner produces.
    """
    name = image.path or "The image"
    if _is_grey(image):
        raise InputError(
            f"{name} contains 8-bit grey values, but a CT is filled in Hounsfield units; give the original CT."
        )
    offset = offset_of(image)
    if offset is not None:
        likely = [added for added in _OFFSETS if abs(added - offset) <= _ALIKE]
        raise InputError(
            f"{name} is not in Hounsfield units: its values look like HU {' or '.join(f'{n:+d}' for n in likely)}; "
            f"subtract {' or '.join(map(str, likely))}{', whichever was added,' * (len(likely) > 1)} and give that."
        )
    values = _sample(image)
    if values.size and 0 < np.ptp(values) <= _NORMALISED:
        raise InputError(
            f"{name} is not in Hounsfield units: its values, {values.min():.4g} to {values.max():.4g}, are normalised "
            "or attenuation coefficients; give Hounsfield units."
        )
    if values.size and not ((values >= _SCALE[0]) & (values <= _SCALE[1])).any():
        raise InputError(
            f"{name} is not in Hounsfield units: its values, {values.min():.4g} to {values.max():.4g}, are far from "
            "those of air and water; apply its rescale and give that."
        )


def offset_of(image: Image) -> int | None:
    """Estimate the offset added to Hounsfield units in most of the image; None where there is none, or it is unclear.

    Only an image without values below 0 or with none near air and tissue can have an offset: all others have both.
    """
    values = _sample(image)
    if not values.size:
        return None
    likely = _near_air_and_tissue(values)
    offset = max(_OFFSETS, key=lambda added: _near_air_and_tissue(values - added))
    share = _near_air_and_tissue(values - offset)
    return offset if share > max(likely, 0.5) and (values.min() >= 0 or likely == 0) else None


def _is_grey(image: Image) -> bool:
    """Whether the values are shades of a picture, 0 to 255, in 8 bits or in any other type."""
    if np.any(np.asarray(image.slope) != 1.0) or np.any(image.intercept):
        return False
    voxels = image.voxels
    if voxels.dtype == np.uint8:
        return True
    shades = bool(voxels.max() == 255 and voxels.min() >= 0)  # the very largest shade, which HU reach by chance only
    return shades and (voxels.dtype.kind != "f" or np.array_equal(voxels, np.rint(voxels)))


def _near_air_and_tissue(values: np.ndarray) -> float:
    """The share of such values."""
    air, tissue = ((values >= low) & (values <= high) for low, high in (_AIR, _TISSUE))
    return float(np.mean(air | tissue))


def _sample(image: Image) -> np.ndarray:
    """Some values from all over the image, without zeros, with which much is padded."""
    values = image.units(tuple(slice(None, None, max(size // _SAMPLES, 1)) for size in image.voxels.shape))
    return values[np.isfinite(values) & (values != 0)]


def _ends(image: Image) -> tuple[float, float]:
    """The smallest and the largest value in HU, NaN aside, in one pass over the stored values."""
    along = tuple(range(image.voxels.ndim - 1)) if np.ndim(image.slope) or np.ndim(image.intercept) else None
    low, high = (end.reduce(image.voxels, axis=along) for end in (np.fmin, np.fmax))
    slope, intercept = (np.ravel(scale) if np.ndim(scale) else scale for scale in (image.slope, image.intercept))
    ends = np.stack([np.asarray(low * slope + intercept, float), np.asarray(high * slope + intercept, float)])
    return float(ends.min()), float(ends.max())
