"""Whether an image is a CT in Hounsfield units, and where its scale ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.hounsfield import check_hounsfield_units, offset_of
from monai_inpaint.images import Image

AIR = -500.0  # HU: every CT of a patient holds air or lung or, cropped to a limb, fat at least below 0
_PILE = 4  # voxels at the very maximum that are no chance


@dataclass(frozen=True)
class Scale:
    """The upper end of an image's values.

    Attributes:
        highest: HU, the largest value.
        saturated: values pile up there: what was brighter was cut, in 12 bits at 3071 (or 3095) HU.
    """

    highest: float
    saturated: bool


def looks_like_hounsfield(image: Image) -> bool:
    """Whether values alone tell a CT in HU: a good part of it is air, and nothing is far below."""
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
        raise InputError(f"{name} is no CT but {image.modality.upper()}; give a CT in Hounsfield units.")
    if image.voxels.dtype.itemsize == 1 and np.all(image.slope == 1.0):
        raise InputError(f"{name} holds 8-bit grey values, metal is found in Hounsfield units; give the original CT.")
    lowest, _ = _ends(image)
    if lowest >= 0 or offset_of(image) is not None:
        check_hounsfield_units(image)
        raise InputError(
            f"{name} is not in Hounsfield units: no value is below 0; apply its rescale (mostly slope 1, intercept "
            "-1024) and give that."
        )


def scale_of(image: Image) -> Scale:
    """Where the values end; at most a pile of some voxels at one value tells that more was cut.

    Args:
        image: a CT in HU.
    """
    _, highest = _ends(image)
    stored = image.voxels
    ends = np.fmax if np.all(np.asarray(image.slope) > 0) else np.fmin
    at_top = stored == ends.reduce(stored, axis=None)
    return Scale(highest, int(np.count_nonzero(at_top)) >= _PILE)


def _ends(image: Image) -> tuple[float, float]:
    """The smallest and the largest value in HU, NaN aside, in one pass over the stored values."""
    along = tuple(range(image.voxels.ndim - 1)) if np.ndim(image.slope) or np.ndim(image.intercept) else None
    low, high = (end.reduce(image.voxels, axis=along) for end in (np.fmin, np.fmax))
    slope, intercept = (np.ravel(scale) if np.ndim(scale) else scale for scale in (image.slope, image.intercept))
    ends = np.stack([np.asarray(low * slope + intercept, float), np.asarray(high * slope + intercept, float)])
    return float(ends.min()), float(ends.max())
