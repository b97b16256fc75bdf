"""Check that two DICOM objects belong together (patient, study, frame of reference), and what a UID is.

Everything that puts DICOM objects together asks here: slices into a series, a hole onto an image, a study into results.
"""

from __future__ import annotations

import filecmp
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monai_inpaint.errors import InputError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from monai_inpaint.imaging.image import Image

_UID = re.compile(r"[0-9]+(\.[0-9]+)*")
_LONGEST_UID = 64
# what objects may share, and how to say that they do not
_PLACE = {
    "PatientID": "belongs to another patient",
    "StudyInstanceUID": "belongs to another study",
    "FrameOfReferenceUID": "lies in another frame of reference",
}
_SERIES = _PLACE | {"Modality": "is of another modality", "SOPClassUID": "is an image of another kind"}
_INSTANCE = (
    *_SERIES,
    "SeriesInstanceUID",
    "SOPInstanceUID",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "ImagePositionPatient",
)


def is_uid(value: object) -> bool:
    """Return whether a value is a UID: numbers with dots between them, 64 characters at most (PS3.5, 9).

    Nothing else may become part of a path, a record or a log: it may be free text, or lead out of a folder.
    """
    text = str(value)
    return len(text) <= _LONGEST_UID and _UID.fullmatch(text) is not None


def uid_name(value: Any) -> str:
    """Return the standard's name of a UID; the UID itself where there is none; "no valid UID" for anything else."""
    return str(value.name if hasattr(value, "name") else value) if is_uid(value) else "no valid UID"


def same_instance(first: Path, second: Path) -> bool:
    """Return whether two DICOM files are one instance: equal bytes, or the same instance in two transfer syntaxes.

    In two transfer syntaxes even equal pixels are other bytes, so then only what the instance is of is compared.
    """
    if filecmp.cmp(first, second, shallow=False):
        return True
    from monai_inpaint.io.dicom.file import load

    try:
        one, other = (load(path, head=True, only=["PatientName", *_INSTANCE]) for path in (first, second))
    except InputError:  # what cannot be read is the same only if its bytes are
        return False
    syntaxes = {str(dataset.file_meta.get("TransferSyntaxUID")) for dataset in (one, other)}
    return len(syntaxes) == 2 and not any(_differ(keyword, one, other, lacking=True) for keyword in _INSTANCE)


def check_slices(folder: Path, heads: Sequence[tuple[Path, Dataset]]) -> None:
    """Refuse slices that do not all belong to one patient, study, frame of reference, modality and kind of image.

    All files of a series come from one acquisition, so an attribute that only some of them have separates them too.

    Raises:
        InputError: see above.
    """
    (first_path, first), *others = heads
    for path, head in others:
        for keyword, apart in _SERIES.items():
            if _differ(keyword, first, head, lacking=True):
                raise InputError(
                    f"{folder} contains unrelated files: {path.name} {apart} than {first_path.name}; "
                    "put each series into a folder of its own."
                )


def check_hole_image(hole: Image, image: Image) -> None:
    """Refuse a hole that is a DICOM image, for a DICOM image of another patient, study or frame of reference.

    Raises:
        InputError: see above.
    """
    marked, source = (getattr(item.header, "datasets", None) for item in (hole, image))
    if not marked or not source:  # one of them is not DICOM, and does not identify a patient
        return
    for keyword, apart in _PLACE.items():
        if _differ(keyword, marked[0], source[0], lacking=False):
            raise InputError(
                f"{hole.path or 'The hole'} {apart} than {image.path or 'the image'}; draw the hole on this image."
            )


def patients_differ(one: Dataset, other: Dataset, *, lacking: bool) -> bool:
    """Return whether two objects are of two patients, by PatientID, or by PatientName if neither has an ID.

    Args:
        lacking: whether an object without patient differs from one with a patient.
    """
    return _differ("PatientID", one, other, lacking=lacking)


def text_of(dataset: Dataset, keyword: str) -> str:
    """An element that is written as text, without conversions, which fail on odd values; "" where it is missing."""
    if keyword not in dataset:
        return ""
    value = dataset.get_item(keyword).value
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    return str(value or "").strip(" \0")


def _differ(keyword: str, one: Dataset, other: Dataset, *, lacking: bool) -> bool:
    values = _values(keyword, one, other)
    return values[0] != values[1] and (lacking or all(values))


def _values(keyword: str, one: Dataset, other: Dataset) -> tuple[str, str]:
    values = _text(one, keyword), _text(other, keyword)
    if keyword == "PatientID" and not any(values):
        names = (_text(item, "PatientName").casefold().rstrip("^= ") for item in (one, other))
        return next(names), next(names)
    return values


def _text(dataset: Dataset, keyword: str) -> str:
    """Texts are decoded: two objects may write one name in two character sets."""
    return str(dataset.get(keyword) or "").strip(" \0")
