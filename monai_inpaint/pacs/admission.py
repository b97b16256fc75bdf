"""Limit the connected peers, so that unknown ones never take the place of a known sender."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence

from monai_inpaint.pacs.wire import Wire

UNKNOWN = 32  # connections that have not yet shown who they are
KNOWN, KNOWN_FROM_ONE = 16, 8  # associations in all, and from one address
SLOW = 3.0  # seconds without 64 KiB, after which an association goes where others wait
_LOOK = 0.1  # seconds between two looks for a place


class Admission:
    """The connections there are: unknown ones, and known ones, whose association was asked for with the right titles.

    Where there are too many, one goes from the address that has most of them: of the unknown the oldest, so that a
    newcomer always has time to say who it is; of the known the one that has been slow for longest. A known one that
    sends is never ended for another.

    Args:
        log: takes a sentence for the log when a known one is ended.
    """

    def __init__(self, log: Callable[[str], None]) -> None:
        self._log = log
        self._mutex = threading.Lock()
        self._unknown: list[Wire] = []
        self._known: list[Wire] = []
        self._closed = False

    def come(self, wire: Wire) -> None:
        """Let a new connection in, as an unknown one."""
        with self._mutex:
            self._unknown.append(wire)
            if self._closed:
                wire.end()
            elif len(self._unknown) > UNKNOWN:
                self._end(self._unknown, min(_from_fullest(self._unknown), key=lambda one: one.since))

    def is_known(self, wire: Wire) -> bool:
        """Return whether there is a place for a peer that has just become known; it has it now.

        Waits for as long as it takes to find out that an association there is sends nothing.
        """
        end = time.monotonic() + SLOW
        while True:
            with self._mutex:
                if wire not in self._unknown:  # ended meanwhile
                    return False
                if self._has_place(wire.address):
                    self._unknown.remove(wire)
                    self._known.append(wire)
                    wire.moved = time.monotonic()
                    return True
            if time.monotonic() > end:
                return False
            time.sleep(_LOOK)

    def _has_place(self, address: str) -> bool:
        """Whether there is a place for one more known peer, or can be made."""
        same = [one for one in self._known if one.address == address]
        if len(same) < KNOWN_FROM_ONE and len(self._known) < KNOWN:
            return True
        slowest = min(same if len(same) >= KNOWN_FROM_ONE else _from_fullest(self._known), key=lambda one: one.moved)
        if time.monotonic() - slowest.moved < SLOW:
            return False
        self._log("an association that sends nothing is ended, since another one waits")
        self._end(self._known, slowest)
        return True

    def leave(self, wire: Wire) -> None:
        """Remove a connection that has ended."""
        with self._mutex:
            for there in (self._unknown, self._known):
                if wire in there:
                    there.remove(wire)

    def close(self) -> None:
        """End all, and let nobody in any more."""
        with self._mutex:
            self._closed = True
            for wire in [*self._unknown, *self._known]:
                wire.end()

    @staticmethod
    def _end(there: list[Wire], wire: Wire) -> None:
        there.remove(wire)
        wire.end()


def _from_fullest(wires: Sequence[Wire]) -> list[Wire]:
    """The connections from the address that has most of them."""
    fullest = Counter(wire.address for wire in wires).most_common(1)[0][0]
    return [wire for wire in wires if wire.address == fullest]
