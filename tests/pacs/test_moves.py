"""Series of an archive that offers C-MOVE alone come to whoever asked for them, and not into the queue."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pydicom
import pytest
from inline import Inline
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE, build_context, evt
from pynetdicom.sop_class import CTImageStorage, MRImageStorage, StudyRootQueryRetrieveInformationModelMove

from benchmarks.deploy.service import free_port, send_files
from benchmarks.deploy.studies import small_study

pytest.importorskip("highdicom", reason="needs the extra dicom")

from monai_inpaint.pacs import moves
from monai_inpaint.pacs.archive import TooMuch, Unreachable
from monai_inpaint.pacs.fetching import fetch_series
from monai_inpaint.pacs.listener import listening
from monai_inpaint.pacs.performing import Performing
from monai_inpaint.pacs.queue import Queue
from monai_inpaint.pacs.rules import Rule
from monai_inpaint.pacs.service_stage import Shared
from monai_inpaint.pacs.settings import Node, Settings, WorklistSettings
from monai_inpaint.pacs.work_item import WorkItem, read_item, write_item

STUDY, SERIES, LARGE = "1.2.77", "1.2.77.1", 10**6


class Fetcher:
    """The listener on a queue in this process, and an archive that sends there by C-MOVE what it holds.

    Attributes:
        held: instances of the archive.
        known: AE titles that the archive can send to.
        node: the archive.
        settings: of the service.
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
        self.settings = Settings(folder / "queue", ours, callers, self.node, (Rule("CT", "SEG"),))
        self._listen()

    def _listen(self) -> None:
        self._open = ExitStack()
        self._open.enter_context(listening(self.settings, self.queue, self.log.append))

    def restart(self) -> None:
        """End the service, whatever is under way, and start it again; the archive goes on."""
        self._open.close()
        self.queue.close()
        self.queue = Queue(self.queue.root, LARGE, LARGE)
        self._listen()

    def incoming_files(self) -> list[Path]:
        """What has come and is not complete, or not the queue's."""
        return [path for path in self.queue.incoming.rglob("*") if path.is_file()]

    def fetch(self, limit: int = LARGE, move_limit: int = LARGE) -> list[Dataset]:
        """Fetch the series; what came of it."""
        with self.queue.moves.begin(move_limit) as move:
            fetch_series([(STUDY, SERIES)], self._output, self.node, "FILLER", limit, move)
        return [pydicom.dcmread(path) for path in sorted(self._output.iterdir())]

    def send(self, instances: list[Dataset], caller: str, message: int) -> list[int]:
        """Send instances as if for a C-MOVE with this Message ID; returns the statuses."""
        entity = AE(caller)
        entity.add_requested_context(CTImageStorage, ExplicitVRLittleEndian)
        association = entity.associate("127.0.0.1", self.port, ae_title="FILLER")
        try:
            return [
                association.send_c_store(one, originator_aet=caller, originator_id=message).Status for one in instances
            ]
        finally:
            association.release()

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
    assert fetcher.incoming_files() == []
    assert fetcher.queue.quota.room() == (0, LARGE)


def test_what_comes_meanwhile_from_others_goes_into_the_queue(fetcher: Fetcher, tmp_path: Path) -> None:
    with fetcher.queue.moves.begin(LARGE) as move:
        move.expect(STUDY, SERIES)
        send_files(sorted((tmp_path / "study" / "ct").iterdir()), fetcher.port)
        assert move.instances() == []
    assert fetcher.queue.counts()["arriving"] == 1


def test_an_archive_without_the_series_moves_nothing(fetcher: Fetcher) -> None:
    fetcher.held = []

    assert fetcher.fetch() == []


def test_what_is_not_asked_for_is_an_arrival_whatever_request_it_names(fetcher: Fetcher) -> None:
    one, other = fetcher.held
    other.SeriesInstanceUID = "1.2.78.1"
    with fetcher.queue.moves.begin(LARGE) as move:
        move.expect(STUDY, SERIES)
        assert fetcher.send([one, other], "SENDER", move.message) == [0, 0]
        assert [path.stem for path in move.instances()] == [one.SOPInstanceUID]
    arrived = [path.stem for path in (fetcher.queue.root / "arriving").rglob("*.dcm")]
    assert arrived == [other.SOPInstanceUID]


def test_nobody_replaces_an_instance_that_has_come(fetcher: Fetcher) -> None:
    one, _ = fetcher.held
    forged = deepcopy(one)
    forged.PixelData = bytes(len(one.PixelData))
    with fetcher.queue.moves.begin(LARGE) as move:
        move.expect(STUDY, SERIES)
        assert fetcher.send([one], "ARCHIVE", move.message) == [0]
        assert fetcher.send([one, forged], "SENDER", move.message) == [0, 0x0111]
        (path,) = move.instances()
        assert pydicom.dcmread(path) == one
    assert fetcher.queue.counts()["arriving"] == 0
    assert fetcher.queue.quota.room() == (0, LARGE)


def test_what_comes_after_its_request_is_over_is_refused(fetcher: Fetcher) -> None:
    one, other = fetcher.held
    other.SeriesInstanceUID = "1.2.78.1"
    with fetcher.queue.moves.begin(LARGE) as move:
        move.expect(STUDY, SERIES)

    assert fetcher.send([one, other], "ARCHIVE", move.message) == [0xA700, 0]

    assert fetcher.log[-1] == "instances from ARCHIVE are refused: they come after their request is over"
    arrived = [path.stem for path in (fetcher.queue.root / "arriving").rglob("*.dcm")]
    assert arrived == [other.SOPInstanceUID]
    assert fetcher.incoming_files() == []


@pytest.mark.parametrize("end", ["killed", "stopped"])
def test_what_comes_after_a_restart_for_a_request_of_before_is_refused_until_it_can_no_longer_come(
    end: str, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = fetcher.held
    under_way = fetcher.queue.moves.begin(LARGE)
    move = under_way.__enter__()
    move.expect(STUDY, SERIES)
    assert fetcher.send([one], "ARCHIVE", move.message) == [0]
    if end == "stopped":
        under_way.__exit__(None, None, None)
    fetcher.restart()
    assert fetcher.incoming_files() == []

    assert fetcher.send([other], "ARCHIVE", move.message) == [0xA700]
    assert fetcher.queue.counts()["arriving"] == 0
    assert fetcher.fetch() == sorted(fetcher.held, key=lambda one: one.SOPInstanceUID)  # asked for again

    monkeypatch.setattr(moves, "_LATE", -1.0)
    assert fetcher.send([other], "ARCHIVE", move.message) == [0]
    assert fetcher.queue.counts()["arriving"] == 1
    assert list(fetcher.queue.incoming.iterdir()) == []


def test_a_series_of_which_the_archive_cannot_send_a_part_is_asked_for_again_later(fetcher: Fetcher) -> None:
    fetcher.held[1].SOPClassUID = fetcher.held[1].file_meta.MediaStorageSOPClassUID = MRImageStorage  # no context of it

    with pytest.raises(Unreachable, match=r"ARCHIVE fails to send 1 instances of a series to FILLER \(status B000\)"):
        fetcher.fetch()


@pytest.mark.parametrize("whole", [False, True])
def test_what_takes_more_than_half_of_the_room_is_put_into_the_queue(whole: bool, tmp_path: Path) -> None:
    size = sum(path.stat().st_size for path in small_study(tmp_path / "measured", STUDY)[:2])
    quota = size * 3 // 2 if whole else size // 2
    fetcher = Fetcher(tmp_path, ("ARCHIVE",), quota=quota)
    fetcher.held = slices(tmp_path)
    settings = replace(fetcher.settings, fetch=fetcher.node, worklist=WorklistSettings(fetcher.node, ("A", "99B", "C")))
    stage = Performing(Shared(fetcher.queue, settings, fetcher.log.append, threading.Event(), {}))
    stage.worker = Inline(stage.worker._make(*stage.worker._given))  # type: ignore[assignment]
    job = fetcher.queue.work_items / "1.2.900"
    write_item(job, WorkItem("1.2.55", datetime(2026, 11, 30, 12), ((STUDY, SERIES),)))

    why = stage.work(job)

    instances = read_item(job).instances
    if whole:
        assert (why, len(instances or ())) == (None, 2)
    else:
        assert (why, instances) == ("There is no room in the queue.", None)
    fetcher.close()


def test_more_than_there_is_room_for_is_not_taken(fetcher: Fetcher, tmp_path: Path) -> None:
    with pytest.raises(TooMuch):
        fetcher.fetch(limit=3000)
    with pytest.raises(TooMuch):
        fetcher.fetch(move_limit=3000)
    assert fetcher.log[-1] == "instances from ARCHIVE are refused: there is no room for them in the queue"
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
