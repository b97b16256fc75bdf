"""Series of an archive that offers C-MOVE alone come to whoever asked for them, and not into the queue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, build_context, evt
from pynetdicom.sop_class import CTImageStorage, StudyRootQueryRetrieveInformationModelMove

from benchmarks.deploy.service import free_port, send_files
from benchmarks.deploy.studies import small_study

pytest.importorskip("highdicom", reason="needs the extra dicom")

from monai_inpaint.pacs.archive import TooMuch, Unreachable
from monai_inpaint.pacs.fetching import fetch_series
from monai_inpaint.pacs.listener import listening
from monai_inpaint.pacs.queue import Queue
from monai_inpaint.pacs.rules import Rule
from monai_inpaint.pacs.settings import Node, Settings

STUDY, SERIES, LARGE = "1.2.77", "1.2.77.1", 10**6


class Fetcher:
    """The listener on a queue in this process, and an archive that sends there by C-MOVE what it holds.

    Attributes:
        held: instances of the archive.
        known: AE titles that the archive can send to.
        node: the archive.
        log: of the listener.
    """

    def __init__(self, folder: Path, callers: tuple[str, ...], quota: int = LARGE) -> None:
        self.held: list[Dataset] = []
        self.known, self.log = {"FILLER"}, list[str]()
        self.queue = Queue(folder / "queue", LARGE, quota)
        self.port = free_port()
        self.node = Node("127.0.0.1", free_port(), "ARCHIVE")
        self._output = folder / "output"
        self._output.mkdir(parents=True)
        entity = AE("ARCHIVE")
        entity.add_supported_context(StudyRootQueryRetrieveInformationModelMove)
        self._server = entity.start_server(
            ("127.0.0.1", self.node.port), block=False, evt_handlers=[(evt.EVT_C_MOVE, self._move)]
        )
        ours = Node("127.0.0.1", self.port, "FILLER")
        self._open = ExitStack()
        settings = Settings(folder / "queue", ours, callers, self.node, (Rule("CT", "SEG"),))
        self._open.enter_context(listening(settings, self.queue, self.log.append))

    def fetch(self, limit: int = LARGE) -> list[Dataset]:
        """Fetch the series; what came of it."""
        with self.queue.moves.begin() as move:
            fetch_series([(STUDY, SERIES)], self._output, self.node, "FILLER", limit, move)
        return [pydicom.dcmread(path) for path in sorted(self._output.iterdir())]

    def close(self) -> None:
        self._open.close()
        self._server.shutdown()
        self.queue.close()

    def _move(self, event: Any) -> Iterator[Any]:
        if event.move_destination not in self.known:
            yield None, None
            return
        yield "127.0.0.1", self.port, {"contexts": [build_context(CTImageStorage)]}
        wanted = [one for one in self.held if one.SeriesInstanceUID == event.identifier.SeriesInstanceUID]
        yield len(wanted)
        for one in wanted:
            yield 0xFF00, one


@pytest.fixture
def fetcher(tmp_path: Path) -> Iterator[Fetcher]:
    fetcher = Fetcher(tmp_path, ("ARCHIVE", "SENDER"))
    fetcher.held = slices(tmp_path)
    yield fetcher
    fetcher.close()


def slices(folder: Path) -> list[Dataset]:
    return [pydicom.dcmread(path) for path in small_study(folder / "study", STUDY)[:2]]


def test_what_an_archive_moves_to_us_is_what_was_asked_for_and_no_arrival(fetcher: Fetcher) -> None:
    assert fetcher.fetch() == sorted(fetcher.held, key=lambda one: one.SOPInstanceUID)

    assert fetcher.queue.counts()["arriving"] == 0
    assert list(fetcher.queue.incoming.iterdir()) == []
    assert fetcher.queue.quota.room() == (0, LARGE)


def test_what_comes_meanwhile_from_others_goes_into_the_queue(fetcher: Fetcher, tmp_path: Path) -> None:
    with fetcher.queue.moves.begin() as move:
        send_files(sorted((tmp_path / "study" / "ct").iterdir()), fetcher.port)
        assert move.instances() == []
    assert fetcher.queue.counts()["arriving"] == 1


def test_an_archive_without_the_series_moves_nothing(fetcher: Fetcher) -> None:
    fetcher.held = []

    assert fetcher.fetch() == []


def test_more_than_there_is_room_for_is_not_taken(fetcher: Fetcher, tmp_path: Path) -> None:
    with pytest.raises(TooMuch):
        fetcher.fetch(limit=3000)
    small = Fetcher(tmp_path / "small", ("ARCHIVE",), quota=3000)
    small.held = fetcher.held
    with pytest.raises(TooMuch):
        small.fetch()
    assert small.queue.quota.room() == (0, 3000)
    small.close()


def test_an_archive_that_does_not_know_us_or_is_not_listed_is_asked_again_later(tmp_path: Path) -> None:
    fetcher = Fetcher(tmp_path, ("SENDER",))
    fetcher.held = slices(tmp_path)
    with pytest.raises(Unreachable, match=r"ARCHIVE does not know where FILLER is \(status A801\)"):
        fetcher.fetch()
    assert fetcher.log[-1] == "caller ARCHIVE refused: it is not listed"

    fetcher.known.clear()
    with pytest.raises(Unreachable, match=r"ARCHIVE does not know where FILLER is \(status A801\)"):
        fetcher.fetch()
    fetcher.close()
