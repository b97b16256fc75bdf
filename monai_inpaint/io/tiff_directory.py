"""Check the directories of a TIFF before tifffile reads them: they must end, and point into the file."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

from monai_inpaint.errors import InputError

_PAGES = 2**16
_SIZES = (1, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8)  # bytes of a value, by its type


def check_directories(path: Path) -> None:
    """Refuse a TIFF whose chain of directories is endless, or whose values are outside the file.

    Raises:
        InputError: see above.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(16)
        order = {b"II": "<", b"MM": ">"}.get(start[:2])
        version = struct.unpack(f"{order}H", start[2:4])[0] if order and len(start) == 16 else 0
        if version not in (42, 43):
            raise InputError(f"{path} is not a TIFF file, whatever its suffix says.")
        big = version == 43
        at = struct.unpack_from(f"{order}Q" if big else f"{order}I", start, 8 if big else 4)[0]
        seen: set[int] = set()
        tags = 0
        while at:
            if at in seen or len(seen) == _PAGES:
                raise InputError(f"{path} is damaged: its directories lead back to one another; save it again.")
            seen.add(at)
            count, at = _walk(file, at, order or "<", big, size, path)
            tags += count
            if tags * 12 > size:
                raise InputError(f"{path} is damaged: its directories lie in one another; save it again.")


def _walk(file: BinaryIO, at: int, order: str, big: bool, size: int, path: Path) -> tuple[int, int]:
    """Number of tags of the directory at an offset, and the offset of the next one; 0 after the last."""
    head, place, entry = ("Q", "Q", 20) if big else ("H", "I", 12)
    inside = struct.calcsize(f"={place}")  # shorter values lie in the tag itself
    file.seek(min(at, size))
    start = file.read(struct.calcsize(f"={head}"))
    count = struct.unpack(order + head, start)[0] if len(start) == struct.calcsize(f"={head}") else size
    length = count * entry + inside
    if at + len(start) + length > size:
        raise InputError(f"{path} is cut short: a directory lies outside of it; copy it again.")
    table = file.read(length)
    for tag, kind, number, offset in struct.iter_unpack(f"{order}HH2{place}", table[:-inside]):
        length = number * (_SIZES[kind] if kind < len(_SIZES) else 0)
        if length > inside and offset + length > size:
            raise InputError(f"{path} is cut short: the values of its tag {tag} lie outside of it; copy it again.")
    return count, struct.unpack(order + place, table[-inside:])[0]
