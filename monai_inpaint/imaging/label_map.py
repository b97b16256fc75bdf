"""Select the voxels that a hole marks, by one rule for files, arrays and label maps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from unicodedata import normalize

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.bounding_box import Box, extent
from monai_inpaint.imaging.image import Image

HALF = 0.5  # probability, or share of a voxel, from which a voxel is in the hole
_ROUNDING = 1e-4  # what scale factors and interpolation leave of 0, 1 and whole numbers
_LISTED = 20  # names in a sentence
_SEGMENT = re.compile(r"Segment(\d+)_(Name|LabelValue)")


@dataclass(frozen=True, eq=False)
class Hole:
    """A hole as drawn, in its own geometry.

    Attributes:
        image: bool voxels, True = fill.
        threshold: the value from which voxels count, if there are values between 0 and 1; else None.
        kept: share of the drawn hole in these voxels, 0 to 1.
        notes: what else a reader of the report should know: sentences without names of files or regions.
    """

    image: Image
    threshold: float | None = None
    kept: float = 1.0
    notes: tuple[str, ...] = ()


def hole_of(image: Image, segment: str | None = None) -> Hole:
    """Select the voxels that an image marks.

    - Truth values, and 0 with one positive value, are used unchanged.
    - Several whole numbers are labels; `segment` selects some.
    - Values between 0 and 1, such as probabilities or a resampled mask, are thresholded at one half.

    Args:
        image: 2D or 3D; values count in units, and in a picture that shows low values bright black is 0.
        segment: number or name of the labels to fill; a shell pattern, "*" for all together. None: the only one.

    Raises:
        InputError: noise of a lossy format; single bits that programs interpret differently; values that are NaN,
            negative, or fractions above 1; several labels and none selected, or none of that name; greys between black
            and white.
    """
    if image.lossy:
        raise InputError(
            f"{_name(image)} is of a lossy format, whose compression noise would be filled as well; "
            "save the hole as .png or another lossless format, with two values."
        )
    if image.inverted and image.affine is None and image.stored_range == (0, 1):
        raise InputError(
            f"{_name(image)} contains single bits with white as 0, which some programs write for marked, others for "
            "not marked; save it as .png."
        )
    stored = _dark_is_zero(image)
    everything = segment is None or segment.strip() == "*"
    if stored.dtype == bool and everything:
        return Hole(_plain(image, stored))
    box = extent(stored)
    if box is None:
        return Hole(_plain(image, np.zeros(stored.shape, bool)))
    scaled = np.ndim(image.slope) or image.slope != 1.0
    values = image.units(box) if scaled and stored is image.voxels else stored[box]
    _check_numbers(values, image)
    threshold = None
    top = values.max()
    if everything and top > 0 and ((values == 0) | (values == top)).all():
        inside = values != 0
    elif top <= 1 + _ROUNDING and values.dtype.kind == "f":
        if not everything:
            raise InputError(f"{_name(image)} contains fractions between 0 and 1 and no labels; leave out --segment.")
        inside, threshold = _from_half(values, image), HALF
    else:
        inside = _labelled(values, image, segment)
    return Hole(_plain(image, _in_box(inside, box, stored)), threshold)


def matching(names: Sequence[str], wanted: str, numbers: Sequence[int] = ()) -> list[int]:
    """The places of the names that are meant: equal ones, else those equal but for case, of the pattern, or the number.

    An equal name goes first, since names such as "PTV[60Gy]" would be patterns that do not match themselves.

    Args:
        numbers: of what the names are those, in the same order.
    """
    plain, wanted = [normalize("NFC", name.strip()) for name in names], normalize("NFC", wanted.strip())
    exact = [n for n, name in enumerate(plain) if name == wanted]
    lower = [n for n, name in enumerate(plain) if name.lower() == wanted.lower()]
    pattern = [n for n, name in enumerate(plain) if fnmatchcase(name.lower(), wanted.lower())]
    return exact or lower or pattern or [n for n, number in enumerate(numbers) if str(number) == wanted]


def listed(names: Sequence[str]) -> str:
    """Names for a sentence."""
    return ", ".join(name or "(no name)" for name in names[:_LISTED]) + (", ..." if len(names) > _LISTED else "")


def _dark_is_zero(image: Image) -> np.ndarray:
    """Numbers that are 0 where nothing is marked; the stored voxels themselves where they are so."""
    voxels = image.voxels
    if voxels.dtype.kind not in "biuf":
        raise InputError(f"{_name(image)} contains {voxels.dtype}; give truth values or numbers, 0 where nothing is.")
    if image.inverted and image.affine is None and voxels.dtype.kind in "iu":
        white = image.stored_range[1] if image.stored_range else np.iinfo(voxels.dtype).max
        return voxels.dtype.type(white) - voxels
    return image.units() if np.any(image.intercept) else voxels


def _check_numbers(values: np.ndarray, image: Image) -> None:
    if not np.isfinite(values.max()) or not np.isfinite(values.min()):
        raise InputError(f"{_name(image)} contains values that are not numbers (NaN or infinite); write zeros there.")
    if values.min() < -_ROUNDING:
        raise InputError(
            f"{_name(image)} contains negative values (to {values.min():.4g}); give a hole of two values, 0 = keep and "
            "1 = fill."
        )


def _from_half(values: np.ndarray, image: Image) -> np.ndarray:
    inside = values >= HALF
    if not inside.any():
        raise InputError(
            f"{_name(image)} contains fractions below one half only (to {values.max():.3g}), which mark nothing; save "
            "the voxels that you mean as 1, all others as 0."
        )
    return inside


def _labelled(values: np.ndarray, image: Image, segment: str | None) -> np.ndarray:
    """The voxels of the selected labels."""
    labels = _labels(values)
    if labels is None:
        raise InputError(
            f"{_name(image)} contains values between whole numbers (to {values.max():.4g}), neither labels nor "
            "fractions of 1; save the voxels that you mean as 1, all others as 0."
        )
    segments = _segment_names(image)
    names = [segments.get(label, str(label)) for label in labels]
    white = np.iinfo(values.dtype).max if values.dtype.kind == "u" and image.affine is None else None
    if len(labels) > 1 and labels[-1] == white and (segment is None or segment.strip() == "*"):
        raise InputError(
            f"{_name(image)} contains {len(labels) - 1} greys between black and white, as smoothing and compression "
            "leave them; save it with two values, black and white."
        )
    if segment is None:
        raise InputError(
            f"{_name(image)} contains {len(labels)} labels: {listed(names)}; say which to fill: --segment NAME or "
            "number, '*' for all (a hole that should have one value was smoothed or compressed: save it as binary)."
        )
    found = matching(names, segment, labels)
    if not found:
        raise InputError(f"{_name(image)} contains no label {segment}; it contains {listed(names)}.")
    wanted = [labels[n] for n in found]
    return np.isin(values if values.dtype.kind in "iub" else np.rint(values), wanted)


def _labels(values: np.ndarray) -> list[int] | None:
    """The whole numbers above 0, sorted; None where there are others. Slice by slice, which bounds memory."""
    found: set[int] = set()
    for part in np.moveaxis(values, -1, 0):
        numbers = np.unique(part)
        if numbers.dtype.kind == "f":
            if np.abs(numbers - np.rint(numbers)).max() > _ROUNDING:
                return None
            numbers = np.rint(numbers)
        found.update(int(number) for number in numbers)
    return sorted(found - {0})


def _segment_names(image: Image) -> dict[int, str]:
    """Names of the labels in a segmentation of 3D Slicer (.seg.nrrd)."""
    segments: dict[str, dict[str, str]] = {}
    metadata: dict[str, object] = getattr(image.header, "metadata", None) or {}
    for key, value in metadata.items():
        if match := _SEGMENT.fullmatch(key):
            segments.setdefault(match[1], {})[match[2]] = str(value).strip()
    pairs = [(one.get("LabelValue", ""), one.get("Name", "")) for one in segments.values()]
    return {int(label): name for label, name in pairs if label.isdigit() and name}


def _in_box(inside: np.ndarray, box: Box, like: np.ndarray) -> np.ndarray:
    # np.zeros, not zeros_like: memory that is never written is never touched.
    result = np.zeros(like.shape, bool, order="F" if like.flags.f_contiguous else "C")
    result[box] = inside
    return result


def _plain(image: Image, marked: np.ndarray) -> Image:
    """The marked voxels in the image's geometry, and nothing else of it."""
    return replace(
        image, voxels=marked, slope=1.0, intercept=0.0, stored_range=None, inverted=False, header=None, padding=None
    )


def _name(image: Image) -> str:
    return str(image.path or "The hole")
