"""Write an instance to a file while it is received, within a quota."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Protocol


class Quota(Protocol):
    """Counts the bytes of what comes in."""

    def grow(self, size: int) -> None:
        """Count bytes that come in; raises Full where the quota does not hold them."""
        ...

    def shrink(self, size: int) -> None:
        """Bytes that came in are gone."""
        ...


class Full(Exception):
    """The queue may not take more now; later it may."""


class Arrival:
    """A file that an instance is written to as it comes, which counts for the quota from the first byte.

    Attributes:
        path: of the file; `size`: its bytes.
    """

    def __init__(self, folder: Path, quota: Quota) -> None:
        self._quota, self.size = quota, 0
        handle, name = tempfile.mkstemp(".dcm", dir=folder)
        self._file, self.path = os.fdopen(handle, "wb"), Path(name)

    def write(self, data: bytes) -> None:
        """Add to it; raises Full or OSError where there is no room."""
        self._quota.grow(len(data))
        self.size += len(data)
        self._file.write(data)

    def finish(self) -> None:
        """It is complete; raises OSError where there was no room."""
        self._file.close()

    def discard(self) -> None:
        """Remove it, unless it was stored."""
        with suppress(OSError):  # what is still to be written may find no room
            self._file.close()
        if self.size or self.path.exists():
            self.path.unlink(missing_ok=True)
            self._quota.shrink(self.size)
            self.size = 0
