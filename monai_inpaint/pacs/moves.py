"""Take what an archive sends because we asked it to (C-MOVE) to whoever asked, and not into the queue.

The instances of a C-MOVE come by C-STORE, on an association of the archive's. Their commands name who asked, and the
Message ID of the request (PS3.7, 9.1.1.1); an archive that does not say so sends us a study as any other.
"""

from __future__ import annotations

import random
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from monai_inpaint.pacs.arrival import Arrival
from monai_inpaint.pacs.queue_quota import QueueQuota

_FULL = "full"


@dataclass(frozen=True)
class Move:
    """Requests of one task: their Message ID, and the folder that their instances come to."""

    message: int
    folder: Path

    def instances(self) -> list[Path]:
        """Return the files that have come."""
        return sorted(self.folder.glob("*.dcm"))

    def lacked_room(self) -> bool:
        """Return whether an instance was refused since there was no room for it."""
        return (self.folder / _FULL).exists()


class Moves:
    """The requests that are under way.

    Args:
        incoming: folder for what is not complete yet.
        quota: what comes counts for it, until the requests are over.
    """

    def __init__(self, incoming: Path, quota: QueueQuota) -> None:
        self._incoming, self._quota = incoming, quota
        self._mutex = threading.Lock()
        self._moves: dict[int, tuple[Move, int]] = {}  # with the bytes that have come

    @contextmanager
    def begin(self) -> Iterator[Move]:
        """Have a request under way; its folder goes at the end of the block."""
        with self._mutex:
            message = next(one for one in iter(lambda: random.randrange(1, 2**16), 0) if one not in self._moves)
            move = Move(message, Path(tempfile.mkdtemp(dir=self._incoming)))
            self._moves[message] = move, 0
        try:
            yield move
        finally:
            with self._mutex:
                _, size = self._moves.pop(message)
            shutil.rmtree(move.folder, ignore_errors=True)
            self._quota.shrink(size)

    def keep(self, message: int | None, arrival: Arrival, instance: str) -> bool:
        """Take an instance that has come, if a request with this Message ID is under way; whether it is."""
        with self._mutex:
            if message not in self._moves:
                return False
            move, size = self._moves[message]
            arrival.path.replace(move.folder / f"{instance}.dcm")
            self._moves[message] = move, size + arrival.size
            arrival.size = 0
        return True

    def lacks_room(self, message: int | None) -> None:
        """Note that an instance has come for which there is no room."""
        with self._mutex:
            if message in self._moves:
                with suppress(OSError):  # on a full disk; the archive is asked again then
                    (self._moves[message][0].folder / _FULL).touch()
