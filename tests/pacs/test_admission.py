"""Who may stay connected to the service: unknown peers of one address take places from one another, not from others."""

from __future__ import annotations

import socket
import time

import pytest

pytest.importorskip("highdicom", reason="needs the extra dicom")

from monai_inpaint.pacs import admission
from monai_inpaint.pacs.admission import KNOWN, KNOWN_FROM_ONE, SLOW, UNKNOWN, Admission
from monai_inpaint.pacs.wire import Wire


class Peer(Wire):
    """A connection from an address of choice."""

    def __init__(self, address: str, since: float = 0.0) -> None:
        ours, self.theirs = socket.socketpair()
        super().__init__(ours, address)
        self.since += since
        self.is_ended = False

    def end(self) -> None:
        super().end()
        self.is_ended = True


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a place."""
    monkeypatch.setattr(admission, "_LOOK", SLOW)


def ignore(_sentence: str) -> None:
    pass


def test_the_oldest_unknown_peer_goes_of_the_address_that_has_most() -> None:
    door = Admission(ignore)
    sender = Peer("10.0.0.1", -100)
    unknown = [Peer("10.0.0.2", number) for number in range(2 * UNKNOWN)]
    for peer in (sender, *unknown):
        door.come(peer)

    assert not sender.is_ended
    assert [peer.is_ended for peer in unknown] == [True] * (UNKNOWN + 1) + [False] * (UNKNOWN - 1)
    assert door.is_known(sender)


def test_a_unknown_peer_that_was_ended_is_not_known_any_more() -> None:
    door = Admission(ignore)
    unknown = [Peer("10.0.0.2", number) for number in range(UNKNOWN + 1)]
    for peer in unknown:
        door.come(peer)
    assert not door.is_known(unknown[0])


def known(door: Admission, address: str, slow_for: float = 0.0) -> Peer:
    peer = Peer(address)
    door.come(peer)
    assert door.is_known(peer)
    peer.moved -= slow_for
    return peer


def test_a_known_sender_takes_the_place_of_the_slowest_of_the_address_that_has_most() -> None:
    door = Admission(ignore)
    slow = [known(door, "10.0.0.2", SLOW + number) for number in range(KNOWN_FROM_ONE)]
    others = [known(door, f"10.0.1.{number}", 100) for number in range(KNOWN - KNOWN_FROM_ONE)]

    known(door, "10.0.0.1")

    assert [peer.is_ended for peer in slow] == [False] * (KNOWN_FROM_ONE - 1) + [True]
    assert not any(peer.is_ended for peer in others)


def test_an_association_that_sends_is_never_ended_for_another() -> None:
    door = Admission(ignore)
    sending = [known(door, "10.0.0.1") for _ in range(KNOWN_FROM_ONE)]
    late = Peer("10.0.0.1")
    door.come(late)
    for peer in sending:
        peer.moved = time.monotonic() + 60

    assert not door.is_known(late)
    assert not any(peer.is_ended for peer in sending)
    known(door, "10.0.0.2")  # of which there is none yet


def test_who_leaves_makes_room_and_the_end_of_the_service_ends_all() -> None:
    door = Admission(ignore)
    first, *others = [known(door, "10.0.0.1") for _ in range(KNOWN_FROM_ONE)]
    door.leave(first)
    others.append(known(door, "10.0.0.1"))

    door.close()
    late = Peer("10.0.0.3")
    door.come(late)

    assert all(peer.is_ended for peer in (*others, late))
