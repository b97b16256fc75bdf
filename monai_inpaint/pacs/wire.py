"""A connection to a peer, known or not: whole PDUs of the DICOM upper layer, none too long and none too slow."""

from __future__ import annotations

import socket
import ssl
import struct
import time
from contextlib import suppress

ASSOCIATE_RQ, ASSOCIATE_AC, ASSOCIATE_RJ, DATA, RELEASE_RQ, RELEASE_RP, ABORT = range(1, 8)
_HEAD = struct.Struct(">BxI")  # PS3.8, 9.3.1: type, reserved, length of what follows
_MOVING = 2**16  # bytes after which a peer counts as one that sends


class Broken(Exception):
    """The connection is over: closed, too slow, or not DICOM."""


class Wire:
    """One connection.

    Attributes:
        address: of the peer.
        since: when it was opened, on the monotonic clock; `moved`: when the last 64 KiB of data were complete.
    """

    def __init__(self, connection: socket.socket, address: str) -> None:
        self._connection, self.address = connection, address
        self.since = self.moved = time.monotonic()
        self._bytes = 0

    def shake_hands(self, seconds: float) -> None:
        """Agree on TLS; raises Broken where that takes longer, or the peer shows no certificate that is taken."""
        assert isinstance(self._connection, ssl.SSLSocket)
        try:
            self._connection.settimeout(seconds)
            self._connection.do_handshake()
        except (OSError, ValueError) as error:
            raise Broken("TLS is not agreed on") from error

    def pdu(self, longest: dict[int, int], seconds: float) -> tuple[int, bytes]:
        """Return the next PDU: its type and what follows its head.

        Args:
            longest: by type, bytes that may follow the head; other types are not taken. What is longer is not read.
            seconds: in which it must be here, whole.

        Raises:
            Broken: it is not.
        """
        end = time.monotonic() + seconds
        kind, length = _HEAD.unpack(self._read(_HEAD.size, end))
        if length > longest.get(kind, -1):
            raise Broken(f"a PDU of type {kind} and {length} bytes is not accepted here")
        body = self._read(length, end)
        self._bytes += length
        if self._bytes >= _MOVING:
            self._bytes, self.moved = 0, time.monotonic()
        return kind, body

    def send(self, kind: int, body: bytes, seconds: float) -> None:
        """Send a PDU; raises Broken where the peer does not take it in that time."""
        try:
            self._connection.settimeout(seconds)
            self._connection.sendall(_HEAD.pack(kind, len(body)) + body)
        except (OSError, ValueError) as error:
            raise Broken("the peer accepts no data") from error

    def end(self) -> None:
        """End the connection from any thread; a reader of it learns that it is over."""
        with suppress(OSError):
            # not the method of TLS, which would have the reading thread go on without TLS
            socket.socket.shutdown(self._connection, socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the connection back; for the thread that reads from it."""
        self._connection.close()

    def _read(self, count: int, end: float) -> bytes:
        data = bytearray(count)
        place = memoryview(data)
        try:
            while place:
                left = end - time.monotonic()
                if left <= 0:
                    raise Broken("the peer is too slow")
                self._connection.settimeout(left)
                got = self._connection.recv_into(place)
                if not got:
                    raise Broken("the peer has closed the connection")
                place = place[got:]
        except (OSError, ValueError) as error:
            raise Broken("the connection broke") from error
        return bytes(data)
