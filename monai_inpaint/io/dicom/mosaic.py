"""Detect a mosaic: a single image that shows all slices of a volume as tiles."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset

from monai_inpaint.errors import InputError
from monai_inpaint.io.dicom.identity import text_of

# private elements that count the tiles: group, creator, element
_COUNTS = (
    (0x0019, "SIEMENS MR HEADER", 0x0A),
    (0x0065, "Image Private Header", 0x50),  # United Imaging
)
_CSA = (0x0029, "SIEMENS CSA HEADER", 0x10)
# An entry of the CSA header: its name in 64 bytes, three numbers, how many items it has (not 0), a check, what goes
# before the first item, and that item as text.
_ENTRY = re.compile(rb"NumberOfImagesInMosaic\0.{41}.{12}(?!\0{4}).{8}.{16} *([0-9]+)", re.DOTALL)


def check_no_mosaic(dataset: Dataset, path: Path) -> None:
    """Refuse a mosaic: tiles side by side are not neighbours in the patient, and its position is that of none of them.

    Raises:
        InputError: see above.
    """
    tiled = "MOSAIC" in text_of(dataset, "ImageType").upper()
    # nothing else is laid out so, and private elements cost time
    if not tiled and text_of(dataset, "Modality") == "MR":
        tiled = any(_number(_private(dataset, *place)) > 1 for place in _COUNTS)
        tiled = tiled or _csa_number(_private(dataset, *_CSA)) > 1
    if tiled:
        raise InputError(
            f"{path} is a mosaic, a volume laid out in tiles, not a slice; convert it to NIfTI with dcm2niix, or "
            "export single slices."
        )


def _private(dataset: Dataset, group: int, creator: str, element: int) -> Any:
    """The value of a private element; None where it is missing."""
    try:
        block = dataset.private_block(group, creator)
    except KeyError:
        return None
    return block[element].value if element in block else None


def _number(value: Any) -> int:
    """A count stored as a number or as text, or without a value representation; 0 for none."""
    if isinstance(value, bytes) and len(value) == 2 and not value.strip().isdigit():
        return int.from_bytes(value, "little")
    text = (value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)).strip(" \0")
    return int(text) if text.isdecimal() else 0


def _csa_number(value: Any) -> int:
    found = _ENTRY.search(value) if isinstance(value, bytes) else None
    return int(found[1]) if found else 0
