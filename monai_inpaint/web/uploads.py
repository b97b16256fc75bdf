"""Files that a browser sends: counted before they are written, and under names of our own."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from aiohttp import StreamReader
from aiohttp.web import RequestPayloadError

from monai_inpaint.errors import InputError
from monai_inpaint.io import FORMATS, is_detached, suffix_of

BYTES = 2**31  # of one upload; a CT of 512 x 512 x 4000 voxels
FILES = 5000
LIST = 2**20  # bytes of the list of names and sizes
PART = 2**18  # bytes that are in memory at a time
PATIENCE = 60  # seconds for a part to come
DETACHED = (".mhd", ".nhdr", ".hdr")
_KNOWN = ", ".join(suffix for suffix in FORMATS if suffix not in DETACHED)
_SHOWN = 80  # characters of a name


async def receive(
    content: StreamReader, listed: str, folder: Path, names: dict[Path, str], arrived: Callable[[float], None]
) -> tuple[Path, str]:
    """Write what a browser sends into a folder.

    Args:
        content: a JSON list of [name, size], then the files, one after another.
        listed: bytes of the list, in decimal digits.
        folder: an empty one; no name that the browser sends becomes part of a path.
        names: takes what the written files are called, for people.
        arrived: called with the share of the bytes that have arrived.

    Returns:
        the file, or the folder with the files of one DICOM series; and a name for people.

    Raises:
        InputError: too many or too large, of no kind that is known, kept in several files, or cut off.
    """
    files = _list(await _exactly(content, int(listed) if re.fullmatch("[0-9]{1,9}", listed) else -1))
    total, done = sum(size for _, size in files), 0
    if total > BYTES:
        raise InputError(f"The files are larger than {BYTES / 2**30:g} GiB; load one volume at a time.")
    suffixes = [_suffix(name) for name, _ in files]
    if len(files) > 1 and set(suffixes) != {".dcm"}:
        raise InputError("Load one volume at a time: one file, or the DICOM files of one series.")
    for number, (suffix, (name, size)) in enumerate(zip(suffixes, files, strict=True)):
        path = folder / f"{number:06d}{suffix}"
        names[path] = shown(name)
        with path.open("xb") as file:
            while size:
                part = await _exactly(content, min(size, PART))
                file.write(part)
                size -= len(part)
                done += len(part)
                arrived(done / total)
    name = shown(files[0][0])
    if len(files) == 1:
        if is_detached(path):
            raise _detached(name)
        return path, name
    names[folder] = name = f"{name} and {len(files) - 1} more"
    return folder, name


def shown(name: str) -> str:
    """Return the last part of a path that a browser sent, for people: short, without control characters."""
    plain = "".join(letter if letter.isprintable() else "_" for letter in _last(name))
    return (plain if len(plain) <= _SHOWN else f"{plain[:_SHOWN]}...") or "the file"


def _last(name: str) -> str:
    return re.split(r"[/\\]", name)[-1].strip()


def _list(text: bytes) -> Sequence[tuple[str, int]]:
    try:
        files = [(name, size) for name, size in json.loads(text)]
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError("The browser sent no list of files; reload the page.") from error
    if not all(isinstance(name, str) and type(size) is int and size >= 0 for name, size in files):
        raise InputError("The browser sent no list of files; reload the page.")
    if not 0 < len(files) <= FILES:
        raise InputError(f"{len(files)} files cannot be one volume; choose 1 to {FILES:,}.")
    return files


def _suffix(name: str) -> str:
    """The known suffix; DICOM files often have none, or the end of a UID.

    Raises:
        InputError: an unknown one, or one whose voxels are kept in another file.
    """
    last = Path(_last(name)).suffix.lower()
    if last in DETACHED:
        raise _detached(shown(name))
    if not last or last[1:].isdigit() or last == ".ima":
        return ".dcm"
    suffix = suffix_of(_last(name))
    if not suffix:
        raise InputError(f"{shown(name)} has no suffix of a format that can be read; known are {_KNOWN}.")
    return suffix


def _detached(name: str) -> InputError:
    return InputError(
        f"{name} keeps its voxels in another file, which is not read here; save the volume in one file, as .nii.gz, "
        ".nrrd or .mha."
    )


async def _exactly(content: StreamReader, count: int) -> bytes:
    if not 0 <= count <= LIST:
        raise InputError(f"The browser sent no list of files, or a longer one than {FILES:,} need; choose fewer files.")
    try:
        async with asyncio.timeout(PATIENCE):
            return await content.readexactly(count)
    except (EOFError, ConnectionError, RequestPayloadError, TimeoutError) as error:
        raise InputError("The upload was cut off; load the file again.") from error
