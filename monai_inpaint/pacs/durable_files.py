"""Files and folders of the queue that survive a crash: written whole, put on the disk (fsync), renamed, locked."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path

from monai_inpaint.errors import InputError


def read_uids(path: Path) -> set[str]:
    """Read a list of UIDs that `write_json` wrote.

    Raises:
        InputError: the file is not such a list.
    """
    try:
        uids = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        uids = None
    if not isinstance(uids, list) or not all(isinstance(uid, str) for uid in uids):
        raise InputError(f"Its {path.name} is not a list of UIDs.")
    return set(uids)


def changed_at(folder: Path) -> int:
    """When a folder was last changed, in ns; 0 if it is not there."""
    try:
        return folder.stat().st_ctime_ns
    except OSError:
        return 0


def remove(item: Path) -> None:
    """Remove a file, a link or a folder with all that is in it; what cannot be removed stays."""
    if item.is_dir() and not item.is_symlink():
        shutil.rmtree(item, ignore_errors=True)
    else:
        with suppress(OSError):
            item.unlink()


def rename(item: Path, target: Path) -> None:
    """Rename, and put both folders on the disk."""
    item.rename(target)
    sync(target.parent)
    if item.parent.exists():
        sync(item.parent)


def write_json(path: Path, content: object) -> None:
    """Write a file that is complete or not there, and on the disk when this returns."""
    unfinished = path.with_name(f".{path.name}.partial")
    try:
        unfinished.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        sync(unfinished)
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    sync(path.parent)


def hold(path: Path) -> int:
    """Hold the lock, which the system frees however this process ends."""
    try:
        import fcntl
    except ImportError:
        raise InputError("The service needs Linux or macOS, where a queue can be held by one process.") from None
    held = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(held)
        raise InputError(f"The queue {path.parent} is in use by another process; end it, or name another.") from None
    return held


def sync(path: Path) -> None:
    """Put a file's content, or a folder's entries, on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(folder: Path) -> None:
    """Put a folder and all that is in it on the disk."""
    for path in folder.rglob("*"):
        sync(path)
    sync(folder)


def bytes_below(folder: Path) -> int:
    """Bytes of all files below a folder, which may change meanwhile."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(parent, name)).st_size  # noqa: PTH118 - thousands of files
            except OSError:  # gone, or not ours to see
                continue
    return total
