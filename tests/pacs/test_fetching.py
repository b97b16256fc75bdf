"""What a study lacks is found by the references of its SEG and RTSTRUCT, and fetched within limits."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest
from dicom_samples import legacy
from inline import Inline
from pydicom.dataset import Dataset
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, evt
from pynetdicom.sop_class import (
    CTImageStorage,
    LegacyConvertedEnhancedCTImageStorage,
    StudyRootQueryRetrieveInformationModelGet,
    Verification,
)

from benchmarks.deploy.kills import wrong_with
from benchmarks.deploy.service import Archive, Service, free_port, send_files, until
from benchmarks.deploy.studies import small_study

pytest.importorskip("highdicom", reason="needs the extra dicom")

from monai_inpaint.pacs.archive import TooMuch, Unreachable
from monai_inpaint.pacs.fetching import fetch as fetch_missing
from monai_inpaint.pacs.fetching import missing_series
from monai_inpaint.pacs.job_layout import INPUT
from monai_inpaint.pacs.moves import Move
from monai_inpaint.pacs.queue import Queue
from monai_inpaint.pacs.rules import Rule
from monai_inpaint.pacs.service_stage import Shared
from monai_inpaint.pacs.settings import Node, Settings
from monai_inpaint.pacs.stages import Fetching

STUDY, RULES = "1.2.77", [Rule("CT", "SEG")]
SECONDS = 180


class GetArchive:
    """Sends by C-GET what it holds.

    Attributes:
        held: instances.
        busy: it sends nothing now.
    """

    def __init__(self) -> None:
        self.held: list[Dataset] = []
        self.busy = False
        entity = AE("ARCHIVE")
        entity.add_supported_context(StudyRootQueryRetrieveInformationModelGet)
        entity.add_supported_context(Verification)
        for kind in (CTImageStorage, LegacyConvertedEnhancedCTImageStorage):
            entity.add_supported_context(kind, ALL_TRANSFER_SYNTAXES, scu_role=True, scp_role=True)
        port = free_port()
        self._server = entity.start_server(("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_GET, self._get)])
        self.node = Node("127.0.0.1", port, "ARCHIVE")

    def _get(self, event: Any) -> Iterator[Any]:
        wanted = [one for one in self.held if one.SeriesInstanceUID == event.identifier.SeriesInstanceUID]
        yield len(wanted)
        if self.busy:
            yield 0xA702, Dataset()
            return
        for one in wanted:
            yield 0xFF00, one

    def close(self) -> None:
        self._server.shutdown()


@pytest.fixture
def archive() -> Iterator[GetArchive]:
    archive = GetArchive()
    yield archive
    archive.close()


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Two slices and a SEG that refers to the first one."""
    return small_study(tmp_path / "study", STUDY)


def fetch(study: Path, output: Path, at: Node, limit: int = 10**6) -> list[tuple[str, int]]:
    """Fetch by C-GET, so that no C-MOVE is needed."""
    return fetch_missing(study, output, RULES, at, "FILLER", limit, Move(1, output / "none"))


def alone(seg: Path, folder: Path) -> Path:
    """A folder that holds the SEG alone."""
    folder.mkdir()
    seg.rename(folder / seg.name)
    return folder


def test_a_series_is_missing_where_an_instance_that_a_region_refers_to_is(files: list[Path]) -> None:
    folder = files[2].parent
    assert missing_series(folder, {"SEG"}) == []

    files[1].unlink()
    assert missing_series(folder, {"SEG"}) == []  # the SEG does not refer to it
    files[0].unlink()
    assert missing_series(folder, {"SEG"}) == [(STUDY, f"{STUDY}.1")]
    assert missing_series(folder, {"RTSTRUCT", "metal"}) == []


def test_what_is_missing_is_fetched_and_nothing_else(archive: GetArchive, files: list[Path], tmp_path: Path) -> None:
    here, output = alone(files[2], tmp_path / "here"), tmp_path / "output"
    output.mkdir()
    archive.held = [pydicom.dcmread(path) for path in files[:2]]
    other = pydicom.dcmread(files[0])
    other.StudyInstanceUID, other.SOPInstanceUID = "1.2.99", "1.2.99.1"

    assert fetch(here, output, archive.node) == [(f"{STUDY}.1", 2)]
    archive.held.append(other)
    assert fetch(here, output, archive.node) == [(f"{STUDY}.1", 2)]

    assert sorted(path.stem for path in output.iterdir()) == sorted(one.SOPInstanceUID for one in archive.held[:2])
    for path, original in zip(sorted(output.iterdir()), sorted(archive.held[:2], key=lambda one: one.SOPInstanceUID),
                              strict=True):  # fmt: skip
        assert pydicom.dcmread(path) == original


def test_series_that_were_converted_to_one_file_are_fetched_like_any_other(
    archive: GetArchive, files: list[Path], tmp_path: Path
) -> None:
    here, output = alone(files[2], tmp_path / "here"), tmp_path / "output"
    output.mkdir()
    (converted,) = archive.held = [pydicom.dcmread(legacy(tmp_path / "legacy.dcm", files[0].parent))]
    converted.SeriesInstanceUID = f"{STUDY}.1"

    assert fetch(here, output, archive.node) == [(f"{STUDY}.1", 1)]
    assert pydicom.dcmread(next(output.iterdir())) == converted


def test_an_archive_without_the_series_gives_nothing(archive: GetArchive, files: list[Path], tmp_path: Path) -> None:
    here = alone(files[2], tmp_path / "here")

    assert fetch(here, tmp_path, archive.node) == [(f"{STUDY}.1", 0)]


def test_more_than_there_is_room_for_is_not_fetched(archive: GetArchive, files: list[Path], tmp_path: Path) -> None:
    here, output = alone(files[2], tmp_path / "here"), tmp_path / "output"
    output.mkdir()
    archive.held = [pydicom.dcmread(path) for path in files[:2]]

    with pytest.raises(TooMuch):
        fetch(here, output, archive.node, files[0].stat().st_size + 100)


def test_an_archive_that_sends_nothing_now_is_asked_again_later(
    archive: GetArchive, files: list[Path], tmp_path: Path
) -> None:
    here = alone(files[2], tmp_path / "here")
    archive.busy, archive.held = True, [pydicom.dcmread(path) for path in (tmp_path / "study" / "ct").iterdir()]
    with pytest.raises(Unreachable, match="does not send a series now .status A702"):
        fetch(here, tmp_path, archive.node)
    with pytest.raises(Unreachable, match="cannot be reached"):
        fetch(here, tmp_path, Node("127.0.0.1", free_port(), "ARCHIVE"))


def fetching(folder: Path, archive: GetArchive, quota: int, jobs: dict[str, bytes]) -> tuple[Fetching, list[str]]:
    """The stage that fetches, on a queue with jobs of one file (STATE/NAME: content), and the lines that it logs."""
    queue, lines, node = Queue(folder, 10**6, quota), list[str](), Node("127.0.0.1", 104, "SENDER")
    for place, content in jobs.items():
        (folder / place / INPUT).mkdir(parents=True)
        (folder / place / INPUT / "1.2.9.dcm").write_bytes(content)
    queue.quota.count()
    settings = Settings(folder, node, ("SENDER",), node, tuple(RULES), fetch=archive.node)
    stage = Fetching(Shared(queue, settings, lines.append, threading.Event(), {}))
    stage.worker = Inline(stage.worker._make(*stage.worker._given))  # type: ignore[assignment]
    return stage, lines


def test_what_has_no_room_is_fetched_when_the_studies_that_take_it_are_done(
    archive: GetArchive, files: list[Path], tmp_path: Path
) -> None:
    archive.held = [pydicom.dcmread(path) for path in files[:2]]
    needed, folder = sum(path.stat().st_size for path in files), tmp_path / "queue"
    jobs = {"fetching/1.2.77_1": files[2].read_bytes(), "waiting/1.2.78_1": bytes(3 * needed // 2)}
    stage, lines = fetching(folder, archive, 2 * needed, jobs)

    assert stage()
    assert lines == ["study 1.2.77_1 waits for what it lacks: There is no room in the queue."]

    stage.queue.quota.discard(folder / "waiting" / "1.2.78_1")
    stage.later.drop(folder / "fetching" / "1.2.77_1")
    assert stage()
    assert len(list((folder / "waiting" / "1.2.77_1" / INPUT).iterdir())) == 3


def test_what_never_has_room_is_not_waited_for(archive: GetArchive, files: list[Path], tmp_path: Path) -> None:
    archive.held = [pydicom.dcmread(path) for path in files[:2]]
    jobs = {"fetching/1.2.77_1": files[2].read_bytes()}
    stage, lines = fetching(tmp_path / "queue", archive, files[2].stat().st_size + 100, jobs)

    assert stage()

    assert "nothing is fetched. There is no room" in lines[0]
    assert (tmp_path / "queue" / "waiting" / "1.2.77_1").is_dir()


def test_a_study_waits_for_the_archive_until_what_it_lacks_is_sent(files: list[Path], tmp_path: Path) -> None:
    archive = Archive()
    node = {"port": free_port(), "title": "ARCHIVE"}
    service = Service(tmp_path / "service", archive.port)
    service.settings["fetch"] = node
    service.start()
    send_files(files[2:], service.port)
    until(lambda: "waits for what it lacks: ARCHIVE at 127.0.0.1" in service.lines(), SECONDS, "it does not wait")
    assert len(service.jobs("fetching")) == 1

    send_files(files[:2], service.port)
    service.wait_sent()

    assert wrong_with(archive.of(STUDY), files[0].parents[1]) == ""
    assert "1.2.77 complete with 3 instances" in service.lines()
    record = json.loads((service.jobs("sent")[0] / "record.json").read_text())
    assert [entry["status"] for entry in record["series"]] == ["filled"]
    assert service.interrupt() == 130
    archive.close()
