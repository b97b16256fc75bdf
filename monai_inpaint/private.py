"""Keep files readable by their owner only: what a service or a local server writes is data of patients."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_OTHERS = 0o077  # what group and others may do


@contextmanager
def private_files() -> Iterator[None]:
    """Make all files created in the block, also by child processes, readable only by the owner (umask 077)."""
    before = os.umask(_OTHERS)
    try:
        yield
    finally:
        os.umask(before)


def make_private(folder: Path) -> None:
    """Take a folder's rights from all but its owner, for folders that were made under another umask.

    Raises:
        OSError: it belongs to somebody else.
    """
    mode = folder.stat().st_mode
    if mode & _OTHERS:
        folder.chmod(mode & 0o700)
