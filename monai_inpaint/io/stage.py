"""Hidden folders for unfinished outputs and temporary files; those of killed processes are removed by the next run."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from monai_inpaint.io.lock import hold

NEW, OLD = "new", "old"  # what is to come, and what it replaces
_SUFFIX, _OWNER = ".partial", "owner"


@contextmanager
def stage_beside(target: Path) -> Iterator[Path]:
    """A new folder beside `target`, removed at the end of the block; it is locked, so that no other run removes it."""
    remove_abandoned(target.parent)
    place = Path(tempfile.mkdtemp(prefix=f".{target.name[:100]}.", suffix=_SUFFIX, dir=target.parent))
    held = None
    try:
        held = _held(place)
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        if held is not None:
            os.close(held)


@contextmanager
def temporary_folder(name: str) -> Iterator[Path]:
    """An empty folder among the system's temporary files, the user's alone, removed at the end of the block.

    Folders of a killed process are removed by the next one, since they may contain images of patients.
    """
    with stage_beside(Path(tempfile.gettempdir()) / name) as place:
        folder = place / NEW
        folder.mkdir()
        yield folder


def remove_abandoned(folder: Path) -> None:
    """Remove the stages in a folder whose process has ended, after bringing back what they were about to replace.

    Only folders with the mark of a stage whose mark is not locked are removed: never files of a user.
    """
    try:
        entries = [entry for entry in os.scandir(folder) if entry.name[0] == "." and entry.name.endswith(_SUFFIX)]
    except PermissionError:
        return  # a folder may be written to and not be listed
    for entry in entries:
        if not entry.is_dir(follow_symlinks=False) or not _is_ours(entry):
            continue
        try:
            mark = os.open(Path(entry.path) / _OWNER, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
        except OSError:
            continue  # not ours, not ours to remove, or gone by now
        try:
            if hold(mark):
                _bring_back(Path(entry.path))
                shutil.rmtree(entry.path, ignore_errors=True)
        finally:
            os.close(mark)


def _is_ours(entry: os.DirEntry[str]) -> bool:
    """Whether it belongs to this user: among temporary files, others may lay out what looks like a stage."""
    try:
        return not hasattr(os, "getuid") or entry.stat(follow_symlinks=False).st_uid == os.getuid()
    except OSError:  # gone by now
        return False


def _held(place: Path) -> int:
    """Mark a stage as ours; the mark is held before it can be seen."""
    unseen = place / f"{_OWNER}.new"
    mark = os.open(unseen, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    hold(mark)
    unseen.rename(place / _OWNER)
    return mark


def _bring_back(place: Path) -> None:
    """Undo a move that was cut short; one that came to its end is left as it is."""
    new, old = place / NEW, place / OLD
    if not old.is_dir() or not any(new.iterdir()):
        return
    for item in old.iterdir():
        final = place.parent / item.name
        if final.is_dir() and not final.is_symlink():
            continue  # a folder that came into being meanwhile
        item.replace(final)
