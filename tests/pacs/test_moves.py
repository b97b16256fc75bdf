"""Series of an archive that offers C-MOVE alone come to whoever asked for them, and not into the queue."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pydicom
import pytest
from inline import Inline
from pydicom.dataset import Dataset
from pynetdicom.sop_class import MRImageStorage

from benchmarks.deploy.service import send_files
from benchmarks.deploy.studies import small_study

pytest.importorskip("highdicom", reason="needs the extra dicom")

from move_archive import LARGE, SERIES, STUDY, MoveArchive

from monai_inpaint.pacs import moves
from monai_inpaint.pacs.archive import TooMuch, Unreachable
from monai_inpaint.pacs.performing import Performing
from monai_inpaint.pacs.service_stage import Shared
from monai_inpaint.pacs.settings import WorklistSettings
from monai_inpaint.pacs.work_item import WorkItem, read_item, write_item


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[MoveArchive]:
    with MoveArchive(tmp_path) as archive:
        yield archive


@pytest.fixture
def of_two_series(archive: MoveArchive) -> list[Dataset]:
    """An instance of the series, and one of another series."""
    archive.held[1].SeriesInstanceUID = "1.2.78.1"
    return archive.held


def test_what_an_archive_moves_to_us_is_what_was_asked_for_and_no_arrival(archive: MoveArchive) -> None:
    assert archive.fetch() == sorted(archive.held, key=lambda one: one.SOPInstanceUID)

    assert archive.arrived() == archive.left() == []
    assert archive.queue.quota.room() == (0, LARGE)


def test_what_comes_meanwhile_from_others_goes_into_the_queue(archive: MoveArchive, tmp_path: Path) -> None:
    with archive.expecting() as move:
        send_files(sorted((tmp_path / "study" / "ct").iterdir()), archive.port)
        assert move.instances() == []
    assert archive.queue.counts()["arriving"] == 1


def test_an_archive_without_the_series_moves_nothing(archive: MoveArchive) -> None:
    archive.held = []

    assert archive.fetch() == []


def test_what_is_not_asked_for_is_an_arrival_whatever_request_it_names(
    archive: MoveArchive, of_two_series: list[Dataset]
) -> None:
    one, other = of_two_series
    with archive.expecting() as move:
        assert archive.send([one, other], "SENDER", move.message) == [0, 0]
        assert [path.stem for path in move.instances()] == [one.SOPInstanceUID]
    assert archive.arrived() == [other.SOPInstanceUID]


def test_nobody_replaces_an_instance_that_has_come(archive: MoveArchive) -> None:
    one = archive.held[0]
    forged = deepcopy(one)
    forged.PixelData = bytes(len(one.PixelData))
    with archive.expecting() as move:
        assert archive.send([one], "ARCHIVE", move.message) == [0]
        assert archive.send([one, forged], "SENDER", move.message) == [0, 0x0111]
        (path,) = move.instances()
        assert pydicom.dcmread(path) == one
    assert archive.arrived() == []
    assert archive.queue.quota.room() == (0, LARGE)


def test_what_comes_after_its_request_is_over_is_refused(archive: MoveArchive, of_two_series: list[Dataset]) -> None:
    with archive.expecting() as move:
        pass

    assert archive.send(of_two_series, "ARCHIVE", move.message) == [0xA700, 0]

    assert archive.log[-1] == "instances from ARCHIVE are refused: they come after their request is over"
    assert archive.arrived() == [of_two_series[1].SOPInstanceUID]
    assert archive.left() == []


@pytest.mark.parametrize("end", ["killed", "stopped"])
def test_what_comes_after_a_restart_for_a_request_of_before_is_refused_until_it_can_no_longer_come(
    end: str, archive: MoveArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = archive.held
    under_way = archive.queue.moves.begin(LARGE)
    move = under_way.__enter__()
    move.expect(STUDY, SERIES)
    assert archive.send([one], "ARCHIVE", move.message) == [0]
    if end == "stopped":
        under_way.__exit__(None, None, None)
    archive.restart()
    assert archive.left() == []

    assert archive.send([other], "ARCHIVE", move.message) == [0xA700]
    assert archive.arrived() == []
    assert archive.fetch() == sorted(archive.held, key=lambda one: one.SOPInstanceUID)  # asked for again

    monkeypatch.setattr(moves, "_LATE", -1.0)
    assert archive.send([other], "ARCHIVE", move.message) == [0]
    assert archive.arrived() == [other.SOPInstanceUID]
    assert list(archive.queue.incoming.iterdir()) == []


def test_a_series_of_which_the_archive_cannot_send_a_part_is_asked_for_again_later(archive: MoveArchive) -> None:
    archive.held[1].SOPClassUID = archive.held[1].file_meta.MediaStorageSOPClassUID = MRImageStorage  # no context of it

    with pytest.raises(Unreachable, match=r"ARCHIVE fails to send 1 instances of a series to FILLER \(status B000\)"):
        archive.fetch()


@pytest.mark.parametrize("whole", [False, True])
def test_what_takes_more_than_half_of_the_room_is_put_into_the_queue(whole: bool, tmp_path: Path) -> None:
    size = sum(path.stat().st_size for path in small_study(tmp_path / "measured", STUDY)[:2])
    with MoveArchive(tmp_path, quota=size * 3 // 2 if whole else size // 2) as archive:
        worklist = WorklistSettings(archive.node, ("A", "99B", "C"))
        settings = replace(archive.settings, fetch=archive.node, worklist=worklist)
        stage = Performing(Shared(archive.queue, settings, archive.log.append, threading.Event(), {}))
        stage.worker = Inline(stage.worker._make(*stage.worker._given))  # type: ignore[assignment]
        job = archive.queue.work_items / "1.2.900"
        write_item(job, WorkItem("1.2.55", datetime(2026, 11, 30, 12), ((STUDY, SERIES),)))

        why = stage.work(job)

        instances = read_item(job).instances
    if whole:
        assert (why, len(instances or ())) == (None, 2)
    else:
        assert (why, instances) == ("There is no room in the queue.", None)


def test_more_than_may_be_fetched_is_not_taken(archive: MoveArchive) -> None:
    with pytest.raises(TooMuch):
        archive.fetch(limit=3000)
    with pytest.raises(TooMuch):
        archive.fetch(move_limit=3000)
    assert archive.log[-1] == "instances from ARCHIVE are refused: there is no room for them in the queue"


def test_more_than_there_is_room_for_is_not_taken(tmp_path: Path) -> None:
    with MoveArchive(tmp_path, quota=3000) as archive:
        with pytest.raises(TooMuch):
            archive.fetch()
        assert archive.queue.quota.room() == (0, 3000)


@pytest.mark.parametrize("listed", [False, True])
def test_an_archive_that_does_not_know_us_or_is_not_listed_is_asked_again_later(listed: bool, tmp_path: Path) -> None:
    with MoveArchive(tmp_path, ("ARCHIVE", "SENDER") if listed else ("SENDER",)) as archive:
        if listed:
            archive.known.clear()
        with pytest.raises(Unreachable, match=r"ARCHIVE does not know where FILLER is \(status A801\)"):
            archive.fetch()
        assert listed or archive.log[-1] == "caller ARCHIVE refused: it is not listed"
