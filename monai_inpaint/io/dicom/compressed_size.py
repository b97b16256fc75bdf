"""Check the size that the header and each compressed frame state, before memory is allocated."""

from __future__ import annotations

import struct
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.uid import UID, ImplicitVRLittleEndian, RLELossless

from monai_inpaint.errors import InputError
from monai_inpaint.io.codestream import check_code
from monai_inpaint.io.limits import CODED, PIXELS, check_claim

_SEGMENTS = 15  # of run lengths at most


def is_encapsulated(dataset: Dataset) -> bool:
    """Return whether the pixels of a data set are compressed."""
    return UID(dataset.file_meta.get("TransferSyntaxUID") or ImplicitVRLittleEndian).is_encapsulated


def check_size(dataset: Dataset, path: Path) -> None:
    """Refuse invalid sizes, sizes larger than the file, and frames that state another size than their data set.

    Raises:
        InputError: see above.
    """
    rows, columns, bits = int(dataset.Rows), int(dataset.Columns), int(dataset.BitsAllocated)
    frames, packed = int(dataset.get("NumberOfFrames") or 1), is_encapsulated(dataset)
    if rows * columns > PIXELS:
        raise InputError(f"{path} claims to hold {rows} x {columns} pixels, more than any film; repair its header.")
    shape = (rows, columns) if frames == 1 else (frames, rows, columns)
    check_claim(path, shape, bits / 8, len(dataset.PixelData), packed=CODED if packed else 1)
    if not packed:
        return
    found = 0
    for frame in generate_frames(dataset.PixelData, number_of_frames=frames):
        found += 1
        if dataset.file_meta.TransferSyntaxUID == RLELossless:
            _check_runs(frame, path)
            continue
        claim = check_code(path, frame, len(frame))
        if claim is not None and (claim.rows, claim.columns) != (rows, columns):
            raise InputError(
                f"{path} contains a compressed frame of {claim.rows} x {claim.columns} pixels, its header says {rows} "
                f"x {columns}; repair it, or copy it again."
            )
        if claim is not None and claim.samples != 1:
            raise InputError(f"{path} contains a compressed frame with {claim.samples} channels; give a grey image.")
    if found < frames:
        raise InputError(f"{path} is cut short: it contains {found} of {frames} compressed frames; copy it again.")


def _check_runs(frame: bytes, path: Path) -> None:
    """Segments of run lengths must be within their frame, one after the other."""
    if len(frame) >= 64:
        count, *offsets = struct.unpack_from("<16I", frame)
        used = offsets[: min(count, _SEGMENTS)]
        if count <= _SEGMENTS and used == sorted(used) and all(64 <= offset <= len(frame) for offset in used):
            return
    raise InputError(f"{path} contains damaged run lengths; copy it again.")
