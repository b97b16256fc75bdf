"""The size that compressed frames claim for themselves, read before a decoder takes memory for it."""

from __future__ import annotations

import struct
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.uid import UID

from monai_inpaint.errors import InputError

PIXELS = 2**27  # of a frame; four times the largest mammogram
_JPEG_2000 = b"\xff\x4f\xff\x51"  # start of the codestream, then the marker of its size
# start-of-frame markers, of which three numbers are others; the last is that of JPEG-LS
_FRAME_OF_JPEG = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}


def check_size(dataset: Dataset, path: Path) -> None:
    """Refuse sizes that no image has, and compressed frames that claim another size than their data set.

    Raises:
        InputError: as said.
    """
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    if rows * columns > PIXELS:
        raise InputError(f"{path} claims to hold {rows} x {columns} pixels, more than any film; repair its header.")
    if not UID(dataset.file_meta.get("TransferSyntaxUID") or "1.2.840.10008.1.2").is_encapsulated:
        return
    for frame in generate_frames(dataset.PixelData, number_of_frames=int(dataset.get("NumberOfFrames") or 1)):
        claimed = _size_of(frame)
        if claimed not in (None, (rows, columns)):
            raise InputError(
                f"{path} holds a compressed frame of {claimed[0]} x {claimed[1]} pixels, its header says {rows} x "
                f"{columns}; repair it, or copy it again."
            )


def _size_of(frame: bytes) -> tuple[int, int] | None:
    """Rows and columns of a JPEG, JPEG-LS or JPEG 2000 frame; None of any other, or where it does not tell."""
    start = frame.find(_JPEG_2000, 0, 4096)
    if start >= 0 and len(frame) >= start + 24:
        width, height, left, top = struct.unpack_from(">4I", frame, start + 8)
        return height - top, width - left
    if frame[:2] != b"\xff\xd8":
        return None
    at = 2
    while at + 9 <= len(frame) and frame[at] == 0xFF:
        if frame[at + 1] in _FRAME_OF_JPEG:
            return struct.unpack_from(">2H", frame, at + 5)
        at += 2 + struct.unpack_from(">H", frame, at + 2)[0]
    return None
