"""Text headers of NRRD and MetaImage, whose voxels may be in separate files."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np

from monai_inpaint.errors import InputError

LONGEST = 1 << 20  # bytes of a header
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
MODALITIES = {"MET_MOD_CT": "ct", "MET_MOD_MR": "mr"}
_MOST_FILES = 1 << 16
_LONGEST_NAME = 1 << 10
_PATTERN = re.compile(r"[^%]*%0?\d{0,2}[diu][^%]*")


@dataclass(frozen=True)
class Line:
    """One line as stored in the file, with its end, and the field it sets; "" for a comment or a free key."""

    field: str
    text: bytes


@dataclass(frozen=True)
class TextHeader:
    """Parts of a header that are written back.

    Attributes:
        kind: "nrrd" or "meta".
        lines: all but the reference to the data file (and its continuation).
        dtype, shape, affine: of the voxels as `Image` has them; while they stay, so do the lines.
        metadata: the free keys and their values.
        compressed: the voxels were.
    """

    kind: str
    lines: tuple[Line, ...]
    dtype: np.dtype
    shape: tuple[int, ...]
    affine: np.ndarray
    metadata: dict[str, str]
    compressed: bool

    def describes(self, kind: str, voxels: np.ndarray, affine: np.ndarray | None) -> bool:
        """Return whether the lines can stay as they are for these voxels."""
        same = self.kind == kind and voxels.dtype == self.dtype and voxels.shape == self.shape
        return same and affine is not None and np.array_equal(affine, self.affine)


def lines_of(path: Path) -> Iterator[bytes]:
    """Return the first lines of a file with their ends, LF or CR LF.

    Raises:
        InputError: a line has another end, or the lines exceed the largest header.
    """
    read = 0
    with path.open("rb") as file:
        while line := file.readline(LONGEST):
            read += len(line)
            if read > LONGEST:
                raise InputError(f"{path} has no end of its header in the first {LONGEST >> 20} MB; it is damaged.")
            if b"\r" in line.removesuffix(b"\n").removesuffix(b"\r") or b"\0" in line:
                raise InputError(f"{path} has a header that is not text with line ends LF or CR LF; write it again.")
            yield line


def bare(line: bytes) -> str:
    """Return the text of a line without its end; bytes that are not UTF-8 are decoded like file names."""
    return line.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", errors="surrogateescape")


def numbers(text: str, count: int, what: str, path: Path) -> list[float]:
    """Parse so many numbers of a field.

    Raises:
        InputError: they are more, fewer, or no numbers.
    """
    parts = text.split()
    try:
        values = [float(part) for part in parts]
    except ValueError:
        values = []
    if len(values) != count:
        raise InputError(f"{path} has a header whose {what} is {text[:80]!r} instead of {count} numbers; repair it.")
    return values


def whole(text: str, what: str, path: Path) -> int:
    """Parse a whole number of a field.

    Raises:
        InputError: it is none.
    """
    if not re.fullmatch(r"[+-]?\d{1,18}", text.strip()):
        raise InputError(f"{path} has a header whose {what} is {text[:80]!r} instead of a whole number; repair it.")
    return int(text)


def sizes_of(text: str, count: int, what: str, path: Path) -> tuple[int, ...]:
    """Parse so many sizes of axes of a field.

    Raises:
        InputError: they are more, fewer, or not positive.
    """
    sizes = tuple(whole(part, what, path) for part in text.split())
    if len(sizes) != count or min(sizes) < 1:
        raise InputError(f"{path} has a header whose {what} is {text[:80]!r} instead of {count} sizes; repair it.")
    return sizes


def beside(path: Path, name: str) -> Path:
    """Return a data file that a header names, in the header's folder or below.

    Raises:
        InputError: it would be elsewhere, so that a header could refer to any file of the machine.
    """
    parts = PurePath(name)
    if not name or len(name) > _LONGEST_NAME:
        raise InputError(f"{path} has a header with {len(name)} characters for the name of a data file; repair it.")
    if parts.is_absolute() or parts.drive or ".." in parts.parts:
        raise InputError(
            f"{path} names the data file {name!r} outside of its own folder; put it beside the header and name it so."
        )
    return path.parent / name


def numbered(path: Path, pattern: str, first: int, last: int, step: int) -> list[Path]:
    """Return the data files of a pattern such as slice_%03d.raw.

    Raises:
        InputError: no such pattern, or no or too many numbers.
    """
    count = (last - first) // step + 1 if step else 0
    if not _PATTERN.fullmatch(pattern) or not 1 <= count <= _MOST_FILES:
        raise InputError(f"{path} names data files by {pattern!r}, which is neither a pattern nor a file; rename them.")
    return [beside(path, pattern % n) for n in range(first, first + count * step, step)]


def check_present(path: Path, files: list[Path], shape: tuple[int, ...]) -> tuple[Path, ...]:
    """Return the data files, all of which exist and are large enough for equal shares of the voxels.

    Raises:
        InputError: one is missing, or there are too many or too few.
    """
    if math.prod(shape) % len(files):
        raise InputError(f"{path} names {len(files)} data files, which cannot share its {shape} voxels; repair it.")
    for file in files:
        if not file.exists():
            name = file.relative_to(path.parent)
            raise InputError(f"{path} lacks its data file {name}, which contains the voxels; put it beside the header.")
    return tuple(files)
