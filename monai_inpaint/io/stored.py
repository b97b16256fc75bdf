"""Read stored voxels; sizes in headers are checked against the files before memory is allocated."""

from __future__ import annotations

import bz2
import gzip
import io
import math
import os
import warnings
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.io.limits import BZIPPED, DEFLATED, check_claim
from monai_inpaint.paths import regular_file

CHUNK = 1 << 22
_LONGEST_VALUE = 64  # bytes of one as text
_TRAILING = 1 << 24  # bytes after the voxels that are read and left out
_LEADING = 1 << 28  # bytes before them, of what is decoded
# how many bytes one byte of a file may stand for
_RATIOS = {"raw": 1, "gzip": DEFLATED, "zlib": DEFLATED, "bzip2": BZIPPED, "text": 8, "hex": 0.5}
_LEVEL = 1
_DEFLATE = zlib.MAX_WBITS | 32  # takes the headers of zlib and of gzip


@dataclass(frozen=True)
class Stored:
    """The files and encoding of the voxels of an image.

    Attributes:
        files: contain equal shares of the voxels, one after the other.
        dtype: in the byte order of the files.
        shape: fastest axis first.
        encoding: "raw", "gzip" (or "zlib", both read either), "bzip2", "text" or "hex".
        offset: bytes of each file before the encoded voxels; -1: raw voxels are at the end of the file.
        lines: further lines to skip there.
        skip: decoded bytes to skip.
    """

    files: tuple[Path, ...]
    dtype: np.dtype
    shape: tuple[int, ...]
    encoding: str = "raw"
    offset: int = 0
    lines: int = 0
    skip: int = 0


def unpacked(file: IO[bytes]) -> IO[bytes]:
    """The decompressed content of a gzip or zlib file, in order; the checksum of each part is verified."""
    return io.BufferedReader(_Unpacked(file), 1 << 16)


class _Unpacked(io.RawIOBase):
    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._packed = file, b""
        self._unpacker: Any = zlib.decompressobj(_DEFLATE)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while True:
            if self._unpacker.eof:  # another part may follow, or the zeros that fill a tape's block
                self._packed = self._unpacker.unused_data
                while not self._packed.lstrip(b"\0"):
                    self._packed = self._file.read(CHUNK)
                    if not self._packed:
                        return 0
                self._packed = self._packed.lstrip(b"\0")
                self._unpacker = zlib.decompressobj(_DEFLATE)
            packed = self._packed or self._file.read(CHUNK)
            if not packed:
                raise EOFError("the compressed data end too early")
            piece = self._unpacker.decompress(packed, len(buffer))
            self._packed = self._unpacker.unconsumed_tail
            if piece:
                buffer[: len(piece)] = piece
                return len(piece)


def read_stored(stored: Stored, path: Path) -> np.ndarray:
    """Read the voxels in their stored byte order, with the fastest axis first: an array in Fortran order.

    Args:
        path: the header's file, to name.

    Raises:
        InputError: the files are not regular files, are truncated or damaged, or do not match the header.
    """
    count, share = math.prod(stored.shape), math.prod(stored.shape) // len(stored.files)
    names = [str(file) if file == path else f"{file} (voxels of {path.name})" for file in stored.files]
    sizes = [regular_file(file, name) for file, name in zip(stored.files, names, strict=True)]
    for file, name, size in zip(stored.files, names, sizes, strict=True):
        room_for, ratio = max(size - max(stored.offset, 0), 0), _RATIOS[stored.encoding]
        whole = stored.shape if len(stored.files) == 1 else (share,)
        check_claim(file, whole, stored.dtype.itemsize, room_for, packed=ratio, name=name)
    if stored.skip > _LEADING:
        raise InputError(f"{path} has {stored.skip} bytes before its voxels; write it without them.")
    voxels = room(path, count, stored.dtype)
    for n, (file, name, size) in enumerate(zip(stored.files, names, sizes, strict=True)):
        with file.open("rb") as opened:
            _read_share(opened, name, size, stored, voxels[n * share : (n + 1) * share])
    return voxels.reshape(stored.shape, order="F")


def room(path: Path, count: int, dtype: np.dtype) -> np.ndarray:
    """Allocate an array for so many voxels.

    Raises:
        InputError: they are more than the memory of this machine.
    """
    size = count * dtype.itemsize
    try:
        if size > _memory():
            raise MemoryError
        return np.empty(count, dtype)
    except MemoryError as error:
        raise InputError(
            f"{path} claims voxels of {size / 2**30:.1f} GB, more than the memory of this machine; crop it."
        ) from error


def fill(voxels: np.ndarray, file: Any, name: Path | str) -> None:
    """Read the bytes of an array from a file.

    Raises:
        InputError: it contains fewer.
    """
    rest = voxels.view(np.uint8).data
    while len(rest):
        got = file.readinto(rest[:CHUNK])
        if not got:
            raise InputError(f"{name} is cut short: {len(rest)} bytes of its voxels are missing; copy it again.")
        rest = rest[got:]


def read_on(file: Any, name: Path | str) -> None:
    """Read compressed data to their end, so that their checksum is verified.

    Raises:
        InputError: they are much longer than the voxels.
    """
    trailing = 0
    while piece := file.read(CHUNK):
        trailing += len(piece)
        if trailing > _TRAILING:
            raise InputError(f"{name} is longer than its header states; repair its header.")


def packed(parts: Iterable[bytes], kind: str) -> bytes | bytearray:
    """Compress the parts to one "gzip" or "zlib" stream without name and time, so that equal parts give equal bytes."""
    content = b"".join(parts)
    if not find_spec("imagecodecs"):
        return gzip.compress(content, _LEVEL, mtime=0) if kind == "gzip" else zlib.compress(content, _LEVEL)
    from imagecodecs import deflate_encode, gzip_encode  # libdeflate, which takes less than half the time of zlib

    return gzip_encode(content, level=_LEVEL) if kind == "gzip" else deflate_encode(content, level=_LEVEL, raw=False)


def parts_of(voxels: np.ndarray, dtype: np.dtype) -> Iterable[bytes]:
    """Return the bytes of an array, fastest axis first, in pieces along its last axis."""
    for k in range(voxels.shape[-1]):
        yield voxels[..., k].astype(dtype, copy=False).tobytes(order="F")


def _read_share(file: Any, name: str, size: int, stored: Stored, voxels: np.ndarray) -> None:
    file.seek(size - voxels.nbytes if stored.offset == -1 else stored.offset)
    for _ in range(stored.lines):
        file.readline(CHUNK)
    if stored.encoding in ("text", "hex"):
        content = file.read(_LONGEST_VALUE * voxels.size + CHUNK)
        voxels[...] = (_text if stored.encoding == "text" else _hex)(content, name, voxels)
        return
    source: Any = file
    if stored.encoding == "bzip2":
        source = bz2.BZ2File(file)
    elif stored.encoding != "raw":
        source = unpacked(file)
    skip = stored.skip
    while skip > 0:
        piece = source.read(min(skip, CHUNK))
        if not piece:
            raise InputError(f"{name} is cut short: it ends before its voxels begin; copy it again.")
        skip -= len(piece)
    fill(voxels, source, name)
    if source is not file:
        read_on(source, name)


def _text(content: bytes, name: str, like: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # numpy warns where it stops at something that is not a number
        values = np.fromstring(content.replace(b",", b" ").decode("ascii"), np.float64, sep=" ")
    if values.size != like.size:
        raise InputError(f"{name} contains {values.size} numbers, its header states {like.size}; copy it again.")
    if like.dtype.kind == "f":
        return values
    ends = np.iinfo(like.dtype)
    if like.dtype.itemsize > 4 or not ((values >= ends.min) & (values <= ends.max) & (values == np.rint(values))).all():
        raise InputError(f"{name} contains numbers as text that its type {like.dtype} does not have; write it as raw.")
    return values


def _hex(content: bytes, name: str, like: np.ndarray) -> np.ndarray:
    values = np.frombuffer(bytes.fromhex(content.decode("ascii")), like.dtype)
    if values.size != like.size:
        raise InputError(f"{name} contains {values.size} values, its header states {like.size}; copy it again.")
    return values


def _memory() -> float:
    """Memory of this machine in bytes; infinite if the system does not report it (Windows)."""
    if not hasattr(os, "sysconf"):
        return math.inf
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
