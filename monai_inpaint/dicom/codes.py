"""Coded concepts that no published coding scheme has, and the package that writes codes."""

from __future__ import annotations

import importlib
from typing import Any

from monai_inpaint.errors import InputError
from monai_inpaint.io.dicom.derive import SCHEME

SCHEME_NAME = "monai-inpaint"

VOXELS = ("hole-voxels", "Voxels in the hole")
HASH_BEFORE = ("untouched-before", "SHA-256 of the untouched voxels in the source")
HASH_AFTER = ("untouched-after", "SHA-256 of the untouched voxels in the derived image")
DERIVED_SERIES = ("derived-series", "Derived series")
NOTICE = ("notice", "Notice")
NOT_FILLED = ("not-filled", "Series that were not filled")
WHY = ("why", "Why a series was not filled")


def load(module: str) -> Any:
    """Load a module of highdicom, imported when first needed.

    Raises:
        InputError: highdicom is not installed.
    """
    try:
        return importlib.import_module(f"highdicom.{module}" if module else "highdicom")
    except ImportError as error:
        raise InputError(
            "DICOM results need the package highdicom; install it with: pip install 'monai-inpaint[dicom]'."
        ) from error


def own(code: tuple[str, str]) -> Any:
    """Return one of the concepts above as a CodedConcept."""
    return load("sr").CodedConcept(code[0], SCHEME, code[1])
