"""Cache of compiled engines, private to the user, who may delete it at any time."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from monai_inpaint.errors import InputError
from monai_inpaint.io.atomic import staged

_PRIVATE, _OTHERS = 0o700, 0o077


def cache_folder(name: str) -> Path | None:
    """Return a folder of the user's cache that nobody else can write to or read, made if it is not there.

    An engine is code that a GPU runs, so nothing is loaded from a folder that others could have written to.

    Returns:
        None if there is no such place: the home is not writable, or the folder belongs to another user.
    """
    try:
        folder = _base() / "monai-inpaint" / name
        for place in (folder.parent, folder):
            place.mkdir(_PRIVATE, parents=True, exist_ok=True)
            if not _is_private(place):
                return None
    except (OSError, RuntimeError):  # read-only, full, no home
        return None
    return folder


def keep(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; a cache that cannot be written to costs time only."""
    with suppress(InputError), staged(path, overwrite=True) as part:
        part.write_bytes(content)


def bound(folder: Path, most: int) -> None:
    """Delete the least recently used files below a folder until the rest has at most that many bytes."""
    files: list[tuple[float, int, Path]] = []
    for path in folder.rglob("*"):
        with suppress(OSError):  # another process has deleted it
            if path.is_file():
                status = path.stat()
                files.append((max(status.st_atime, status.st_mtime), status.st_size, path))
    size = sum(bytes_ for _, bytes_, _ in files)
    for _, bytes_, path in sorted(files):
        if size <= most:
            return
        with suppress(OSError):
            path.unlink()
        size -= bytes_


def _base() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _is_private(folder: Path) -> bool:
    if not hasattr(os, "getuid"):  # Windows keeps what lies in a profile to its user
        return True
    status = folder.lstat()
    if status.st_uid != os.getuid() or not folder.is_dir() or folder.is_symlink():
        return False
    if status.st_mode & _OTHERS:
        folder.chmod(_PRIVATE)
    return True
