"""Modalities of images, and their names in DICOM and data lists."""

from __future__ import annotations

# code in DICOM -> ours
FROM_DICOM = {"CT": "ct", "MR": "mr", "CR": "cxr", "DX": "cxr"}
MODALITIES = ("cxr", "ct", "mr")
FILMS = tuple(code for code, modality in FROM_DICOM.items() if modality == "cxr")


def modality_named(text: str) -> str | None:
    """Return our name of a modality, for a DICOM code or our own name in any case; None for any other."""
    text = text.strip()
    return FROM_DICOM.get(text.upper(), text.lower() if text.lower() in MODALITIES else None)
