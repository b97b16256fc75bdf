"""Take what an archive sends because we asked it to (C-MOVE) to whoever asked, and not into the queue.

The instances of a C-MOVE come by C-STORE, on an association of the archive's. Their commands name who asked, and the
Message ID of the request (PS3.7, 9.1.1.1); an archive that does not say so sends us a study as any other.
"""

from __future__ import annotations

import random
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from monai_inpaint.io.dicom.identity import is_uid, same_instance
from monai_inpaint.pacs.arrival import Arrival, Full
from monai_inpaint.pacs.arriving import DifferentInstance
from monai_inpaint.pacs.queue_quota import QueueQuota

_FULL = "full"
_PREFIX = "move_"  # of a folder's name, before the Message ID
_LATE = 600.0  # seconds after a request in which what still comes for it is refused


class TooLate(Exception):
    """An instance comes for a request that is over."""


@dataclass(frozen=True)
class Move:
    """Requests of one task: their Message ID, and the folder that their instances come to.

    Task and listener are two processes: a series is expected once it has a folder there, STUDY/SERIES.
    """

    message: int
    folder: Path

    def expect(self, study: str, series: str) -> None:
        """Have the instances of a series come here from now on; its UIDs are valid."""
        (self.folder / study / series).mkdir(parents=True, exist_ok=True)

    def expected(self) -> set[tuple[str, str]]:
        """Return study and series UIDs of what is expected."""
        return {(path.parent.name, path.name) for path in self.folder.glob("*/*") if path.is_dir()}

    def instances(self) -> list[Path]:
        """Return the files that have come."""
        return sorted(self.folder.glob("*/*/*.dcm"))

    def lacked_room(self) -> bool:
        """Return whether an instance was refused since there was no room for it."""
        return (self.folder / _FULL).exists()


@dataclass
class _UnderWay:
    """A request, with the bytes that may come for it, and those that have."""

    move: Move
    limit: int
    size: int = 0


def is_move(item: Path) -> bool:
    """Return whether an item of the folder for what is not complete is that of a request."""
    number = item.name.removeprefix(_PREFIX)
    return number != item.name and number.isdecimal() and item.is_dir() and not item.is_symlink()


class Moves:
    """The requests that are under way, and those that are over: their folders, empty, outlast a restart of the service.

    Args:
        incoming: folder for what is not complete yet; the requests that it holds are over.
        quota: what comes counts for it, until the requests are over.
    """

    def __init__(self, incoming: Path, quota: QueueQuota) -> None:
        self._incoming, self._quota = incoming, quota
        self._mutex = threading.Lock()
        self._moves: dict[int, _UnderWay] = {}
        self._over: dict[int, tuple[float, Move]] = {}  # since when
        for folder in filter(is_move, incoming.iterdir()):
            self._end(Move(int(folder.name.removeprefix(_PREFIX)), folder))

    @contextmanager
    def begin(self, limit: int) -> Iterator[Move]:
        """Have a request under way, for so many bytes; what has come for it goes at the end of the block."""
        with self._mutex:
            self._forget()
            taken = self._moves.keys() | self._over.keys()
            message = next(one for one in iter(lambda: random.randrange(1, 2**16), 0) if one not in taken)
            move = Move(message, self._incoming / f"{_PREFIX}{message}")
            move.folder.mkdir()
            self._moves[message] = _UnderWay(move, limit)
        try:
            yield move
        finally:
            with self._mutex:
                ended = self._moves.pop(message)
                self._end(move)
            self._quota.shrink(ended.size)

    def keep(self, message: int | None, arrival: Arrival, study: str, series: str, instance: str) -> bool:
        """Take an instance that has come, if a request with this Message ID expects it; whether one does.

        Args:
            message: None: it names no request.
            arrival: complete; its file is moved.
            study, series, instance: its UIDs; that of the instance is valid.

        Raises:
            TooLate: it was expected by a request that is over.
            Full: more than the request may bring.
            DifferentInstance: another instance with the same UID has come for it.
        """
        if message is None or not (is_uid(study) and is_uid(series)):
            return False
        with self._mutex:
            self._forget()
            if message in self._over and (study, series) in self._over[message][1].expected():
                raise TooLate
            under_way = self._moves.get(message)
            if under_way is None or not (folder := under_way.move.folder / study / series).is_dir():
                return False
            there = folder / f"{instance}.dcm"
            if there.exists():
                if not same_instance(there, arrival.path):
                    raise DifferentInstance
                return True
            if under_way.size + arrival.size > under_way.limit:
                raise Full
            arrival.path.replace(there)
            under_way.size += arrival.size
            arrival.size = 0
        return True

    def _end(self, move: Move) -> None:
        """Remove what has come for a request; what it expected, if anything, is remembered for a while."""
        if not move.expected():
            shutil.rmtree(move.folder, ignore_errors=True)
            return
        for path in (*move.instances(), move.folder / _FULL):
            path.unlink(missing_ok=True)
        self._over[move.message] = time.monotonic(), move

    def _forget(self) -> None:
        """Remove the requests that have been over for long."""
        for message, (since, move) in list(self._over.items()):
            if time.monotonic() - since > _LATE:
                shutil.rmtree(move.folder, ignore_errors=True)
                del self._over[message]

    def lacks_room(self, message: int | None) -> None:
        """Note that an instance has come for which there is no room."""
        with self._mutex:
            if message in self._moves:
                with suppress(OSError):  # on a full disk; the archive is asked again then
                    (self._moves[message].move.folder / _FULL).touch()
