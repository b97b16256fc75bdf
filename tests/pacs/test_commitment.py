"""Storage commitment: results stay in the queue until the archive says that it keeps them, however it says so."""

from __future__ import annotations

import itertools
import json
import random
import socket
import threading
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import orthanc
import pytest
from orthanc import Orthanc
from pydicom.dataset import Dataset
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, build_context, build_role, evt
from pynetdicom.dsutils import decode, encode
from pynetdicom.sop_class import (
    StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance,
    Verification,
)
from queue_samples import received

from benchmarks.deploy.kills import wrong_with
from benchmarks.deploy.service import Archive, Service, free_port, send_files, until
from benchmarks.deploy.studies import small_study

pytest.importorskip("highdicom", reason="needs the extra dicom")

from monai_inpaint.errors import InputError
from monai_inpaint.pacs import job_layout as places
from monai_inpaint.pacs import pending_commitment, tasks
from monai_inpaint.pacs.association import Association, Entity
from monai_inpaint.pacs.commitment import CANNOT_PROCESS, report_of
from monai_inpaint.pacs.pending_commitment import CommitmentReport
from monai_inpaint.pacs.queue import Queue
from monai_inpaint.pacs.requestor import UNCOMPRESSED
from monai_inpaint.pacs.service_stage import Shared
from monai_inpaint.pacs.settings import Node, Settings
from monai_inpaint.pacs.stages import Committing
from monai_inpaint.pacs.wire import Broken, Wire

STUDY, SECONDS = "1.2.77", 240
NO_SUCH_OBJECT = 0x0112


class Committer:
    """An archive that stores, and says what it keeps.

    Attributes:
        callback: port that it reports to, on an association of its own; None: on that of the request.
        silent: it does not report.
        loses: as many instances as it does not keep, of each request.
        status: of the N-ACTION.
        requests: Transaction UIDs.
        statuses: what its reports were answered with.
    """

    def __init__(self, title: str = "ARCHIVE") -> None:
        self.port, self.title = free_port(), title
        self.callback: int | None = None
        self.silent, self.loses, self.status = False, 0, 0
        self.requests: list[str] = []
        self.statuses: list[int] = []
        self.stored: list[str] = []
        entity = AE(title)
        for context in AllStoragePresentationContexts:
            entity.add_supported_context(context.abstract_syntax, ALL_TRANSFER_SYNTAXES)
        entity.add_supported_context(StorageCommitmentPushModel)
        handlers = [(evt.EVT_C_STORE, self._store), (evt.EVT_N_ACTION, self._action), (evt.EVT_DIMSE_SENT, self._sent)]
        self._server = entity.start_server(("127.0.0.1", self.port), block=False, evt_handlers=handlers)
        self._reports: list[Dataset] = []

    def report(self, association: Any, information: Dataset) -> None:
        """Send a report on an association."""
        kind = 2 if information.get("FailedSOPSequence") else 1
        answer, _ = association.send_n_event_report(
            information, kind, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
        )
        self.statuses.append(answer.get("Status"))

    def call(self, port: int, information: Dataset, *, with_roles: bool = True) -> None:
        """Send a report on an association of its own."""
        entity = AE(self.title)
        entity.add_requested_context(StorageCommitmentPushModel)
        roles = [build_role(StorageCommitmentPushModel, scp_role=True)] if with_roles else []
        association = entity.associate("127.0.0.1", port, ae_title="FILLER", ext_neg=roles)
        assert association.is_established
        self.report(association, information)
        association.release()

    def _store(self, event: Any) -> int:
        self.stored.append(event.request.AffectedSOPInstanceUID)
        return 0

    def _action(self, event: Any) -> tuple[int, None]:
        asked = event.action_information
        self.requests.append(asked.TransactionUID)
        if not self.status and not self.silent:
            self._reports.append(answer_to(asked, self.loses))
        return self.status, None

    def _sent(self, event: Any) -> None:
        """Once the request is answered: the report."""
        if self._reports and type(event.message).__name__ == "N_ACTION_RSP":
            information = self._reports.pop()
            if self.callback is None:
                self._later(self.report, event.assoc, information)
            else:
                self._later(self.call, self.callback, information)

    @staticmethod
    def _later(do: Any, *args: Any) -> None:
        def run() -> None:
            time.sleep(0.2)
            do(*args)

        threading.Thread(target=run, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()


def item_of(sop_class: str, uid: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, uid
    return item


def answer_to(asked: Dataset, loses: int = 0) -> Dataset:
    """The Event Information for a request of which some instances are not kept."""
    information = Dataset()
    information.TransactionUID = asked.TransactionUID
    information.ReferencedSOPSequence = list(asked.ReferencedSOPSequence)[loses:]
    failed = list(asked.ReferencedSOPSequence)[:loses]
    for item in failed:
        item.FailureReason = NO_SUCH_OBJECT
    if failed:
        information.FailedSOPSequence = failed
    return information


@pytest.fixture
def archive() -> Iterator[Committer]:
    archive = Committer()
    yield archive
    archive.close()


@pytest.fixture
def service(tmp_path: Path, archive: Committer) -> Iterator[Service]:
    service = Service(tmp_path / "service", archive.port, storage_commitment=True)
    service.settings["listen"]["callers"] = ["SENDER", "ARCHIVE"]
    yield service
    service.interrupt()


def filled(service: Service, archive: Committer, folder: Path, state: str) -> Path:
    """Put the results of a study into the queue, start the service, and wait until its job is in a state."""
    results = service.queue / places.SENDING / f"{STUDY}_1" / places.RESULTS
    results.mkdir(parents=True)
    for path in small_study(folder / "study", STUDY):
        path.rename(results / path.name)
    (results / places.RECORD).write_text(json.dumps({"series": [{"source": "1"}]}))
    service.start()
    until(lambda: bool(service.jobs(state)), SECONDS, f"the study is not in {state}:\n{service.lines()}")
    return service.jobs(state)[0]


@pytest.mark.parametrize("own", [False, True])
def test_a_study_is_done_when_the_archive_says_that_it_keeps_the_results(
    own: bool, service: Service, archive: Committer, tmp_path: Path
) -> None:
    archive.callback = service.port if own else None

    job = filled(service, archive, tmp_path, "sent")

    assert archive.statuses == [0]
    assert len(archive.requests) == 1
    until(lambda: f"study {STUDY}_1 done: ARCHIVE keeps 3 results" in service.lines(), SECONDS, "nothing is said")
    assert not (job / places.RESULTS).exists()


def test_results_that_the_archive_does_not_keep_are_sent_again_and_then_kept_for_its_owner(
    service: Service, archive: Committer, tmp_path: Path
) -> None:
    archive.loses = 1

    job = filled(service, archive, tmp_path, "failed")

    assert len(archive.stored) == 9
    assert len(set(archive.stored)) == 3
    assert len(set(archive.requests)) == 3
    why = json.loads((job / places.RECORD).read_text())["why"]
    assert why == "ARCHIVE does not keep 1 of 3 results (1 reason 0112). They were sent 3 times."
    assert len(list((job / places.RESULTS).glob("*.dcm"))) == 3
    archive.loses = 0
    job.rename(service.queue / places.WAITING / job.name)  # as the page for its owner says
    service.wait_sent()


@pytest.mark.parametrize("status", [0x0112, 0x0213])
def test_an_archive_that_takes_no_request_is_asked_again_and_the_results_are_kept(
    status: int, service: Service, archive: Committer, tmp_path: Path
) -> None:
    archive.status = status
    job = filled(service, archive, tmp_path, "committing")
    until(lambda: len(archive.requests) > 1, SECONDS, "it is not asked again")
    assert f"accepts no request for a storage commitment (status {status:04X})" in service.lines()
    assert len(archive.stored) == 3

    archive.status = 0
    service.wait_sent()
    assert not job.exists()


def test_where_the_archive_offers_no_storage_commitment_the_results_are_kept_until_none_is_asked_for(
    tmp_path: Path,
) -> None:
    archive = Archive()
    service = Service(tmp_path / "service", archive.port, storage_commitment=True)
    service.start()
    files = small_study(tmp_path / "study", STUDY)
    send_files(files, service.port)
    until(lambda: "ARCHIVE offers no storage commitment." in service.lines(), SECONDS, "nothing is said")

    (job,) = service.jobs("committing")
    assert wrong_with(archive.of(STUDY), tmp_path / "study") == ""
    assert list((job / places.RESULTS).rglob("*.dcm"))
    service.interrupt()
    service.settings["storage_commitment"] = False
    service.start()
    service.wait_sent()
    assert all(len(copies) == 1 for copies in archive.received[STUDY].values())
    service.interrupt()
    archive.close()


def test_a_report_that_comes_when_the_service_was_killed_meanwhile_is_known(
    service: Service, archive: Committer, tmp_path: Path
) -> None:
    archive.silent = True
    job = filled(service, archive, tmp_path, "committing")
    until(lambda: bool(archive.requests), SECONDS, "it is not asked")
    service.kill()
    service.start()
    note = pending_commitment.pending(job)
    asked = Dataset()
    asked.TransactionUID = archive.requests[0]
    asked.ReferencedSOPSequence = [item_of(*one) for one in note.instances]
    information = answer_to(asked)

    information.TransactionUID = "1.2.3"
    archive.call(service.port, information)
    until(lambda: "none of the studies waits for it" in service.lines(), SECONDS, "nothing is said")
    assert service.jobs("committing")
    information.TransactionUID = ""
    archive.call(service.port, information)
    information.TransactionUID = archive.requests[0]
    archive.call(service.port, information, with_roles=False)
    service.wait_sent()
    assert archive.statuses == [0, CANNOT_PROCESS, 0]


@pytest.mark.filterwarnings("ignore")  # pydicom tells of each UID that is none
def test_a_report_names_what_is_kept_and_why_the_rest_is_not() -> None:
    asked = Dataset()
    asked.TransactionUID = "1.2.3"
    asked.ReferencedSOPSequence = [item_of("1.2", "1.2.4"), item_of("1.2", "1.2.5")]

    report = report_of(answer_to(asked, 1))

    assert report == CommitmentReport("1.2.3", ("1.2.5",), (("1.2.4", NO_SUCH_OBJECT),))
    assert report.reasons(["1.2.4", "1.2.6"]) == "1 not mentioned, 1 reason 0112"
    asked.TransactionUID = "Doe"
    with pytest.raises(InputError, match="no Transaction UID"):
        report_of(asked)


@pytest.mark.filterwarnings("ignore")  # pydicom tells of each UID that is none
def test_a_damaged_report_is_read_or_refused_and_no_more() -> None:
    asked, rng, ends = Dataset(), random.Random(0), {"read": 0, "refused": 0, "no data set": 0}
    asked.TransactionUID = "1.2.3"
    asked.ReferencedSOPSequence = [item_of("1.2", "1.2.4"), item_of("1.2", "1.2.5")]
    whole = encode(answer_to(asked, 1), True, True)
    assert whole
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(len(data))] = rng.choice((0, 1, 127, 255))
        try:
            information = decode(BytesIO(data), True, True)
        except Exception:  # ends the association, as `association` says
            ends["no data set"] += 1
            continue
        try:
            report_of(information)
            ends["read"] += 1
        except InputError:
            ends["refused"] += 1
    assert ends["read"]
    assert ends["refused"]


def test_a_report_that_does_not_end_or_is_of_something_else_ends_its_association() -> None:
    context, wire = build_context(StorageCommitmentPushModel, UNCOMPRESSED), Wire(socket.socket(), "127.0.0.1")
    association = Association(wire, Entity("FILLER", ["ARCHIVE"], [context]))
    association._accepted = {1: context, 3: build_context(Verification)}
    piece = bytes(2**17)

    with pytest.raises(Broken, match="does not end"):
        association._information(1, itertools.repeat(piece))
    with pytest.raises(Broken, match="not one of a storage commitment"):
        association._information(3, iter([piece]))
    wire.close()


def test_images_of_a_study_that_waits_for_the_commitment_join_a_region_that_is_drawn_later(tmp_path: Path) -> None:
    queue = Queue(tmp_path, 10**6, 10**6)
    store(queue, "1.2.77.1")
    job = queue.next(places.WAITING) if queue.arriving.take(0) else None
    assert job is not None
    results = job / "made.partial" / places.RESULTS
    results.mkdir(parents=True)
    (results / places.RECORD).write_text(json.dumps({"series": [{"source": "1"}]}))
    queue.keep_results(job, results, ["1.2.9"])
    queue.await_commitment(queue.move(job, places.SENDING), (("1.2", "1.2.9"),))
    store(queue, "1.2.77.2")

    assert queue.arriving.take(0) == [(STUDY, "complete with 2 instances")]

    later = queue.next(places.WAITING)
    assert later is not None
    assert queue.filled(later) == ["1"]
    again = queue.move(tmp_path / places.COMMITTING / f"{STUDY}_1", places.SENDING)  # the archive does not keep it
    assert queue.filled(later) == ["1"]
    queue.finish(again)
    assert sorted(path.stem for path in (later / places.INPUT).iterdir()) == ["1.2.77.1", "1.2.77.2"]
    assert (tmp_path / places.SENT / f"{STUDY}_1" / places.RECORD).is_file()
    queue.close()


class Unanswered:
    """A worker that reaches no archive."""

    def do(self, *_args: Any) -> tasks.TaskOutcome:
        return tasks.TaskOutcome(tasks.LATER, "ARCHIVE cannot be reached.")


def test_the_reason_of_a_study_that_cannot_go_on_is_reported_until_it_goes_on(tmp_path: Path) -> None:
    queue, archive = Queue(tmp_path, 10**6, 10**6), Node("127.0.0.1", 104, "ARCHIVE")
    settings = Settings(tmp_path, archive, ("ARCHIVE",), archive, (), storage_commitment=True)
    stage = Committing(Shared(queue, settings, lambda _line: None, threading.Event(), {}))
    stage.worker = Unanswered()  # type: ignore[assignment]
    first, second = (tmp_path / places.COMMITTING / f"1.2.{study}_1" for study in (77, 78))
    for job in (first, second):
        job.mkdir()
        pending_commitment.begin(job, (("1.2", "1.2.9"),))

    assert stage()
    assert stage.shared.waits == {"committing": "ARCHIVE cannot be reached."}

    pending_commitment.asked(second)  # it waits for a report, as usual
    assert stage()
    assert stage.shared.waits == {"committing": "ARCHIVE cannot be reached."}

    stage.later._jobs[first] = (0.0, 1.0, *stage.later._jobs[first][2:])
    (transaction,) = pending_commitment.pending(first).transactions
    pending_commitment.keep_report(first, CommitmentReport(transaction, (), ()))
    assert stage()
    assert [job.parent.name for job in queue.of_study("1.2.77")] == [places.SENDING]  # not kept: sent again
    assert stage.shared.waits == {}
    queue.close()


def test_of_requests_without_end_the_last_ones_are_noted(tmp_path: Path) -> None:
    pending_commitment.begin(tmp_path, (("1.2", "1.2.9"),))

    for number in range(1, 61):
        pending_commitment.ask(tmp_path, f"1.2.{number}")

    assert pending_commitment.pending(tmp_path).transactions == tuple(f"1.2.{number}" for number in range(11, 61))


def store(queue: Queue, uid: str) -> None:
    queue.arriving.store(received(queue), STUDY, uid)


@pytest.mark.skipif(not (orthanc.PROGRAM and orthanc.DICOMWEB), reason="Orthanc is not installed")
def test_orthanc_commits_itself_to_what_it_has_and_not_to_what_it_lost(tmp_path: Path) -> None:
    service = Service(tmp_path / "service", 0, storage_commitment=True)
    service.settings["listen"]["callers"] = ["SENDER", "ARCHIVE"]
    # Orthanc finds by its AE title whom to report to
    with Orthanc(tmp_path / "orthanc", {"FILLER": service.port}) as archive:
        service.settings["send"]["port"] = archive.dicom
        service.start()
        send_files(small_study(tmp_path / "study", STUDY), service.port)
        service.wait_sent()
        kept = len(archive.uids())
        until(lambda: f"done: ARCHIVE keeps {kept} results" in service.lines(), SECONDS, "nothing is said")
        service.interrupt()

        # asked for what it has not, it says so, and gets all again
        job = service.jobs("sent")[0]
        target = service.queue / places.SENDING / f"{STUDY}_2"
        job.rename(target)
        results = target / places.RESULTS
        results.mkdir()
        made = archive.retrieve(STUDY)
        for dataset in made:
            dataset.save_as(results / f"{dataset.SOPInstanceUID}.dcm", enforce_file_format=True)
        asked = [(dataset.SOPClassUID, dataset.SOPInstanceUID) for dataset in made]
        queue = Queue(service.queue, 10**9, 10**9)
        queue.await_commitment(target, (*asked, (made[0].SOPClassUID, "1.2.3.4")))
        queue.close()
        service.start()
        until(lambda: "They are sent again" in service.lines(), SECONDS, "nothing is lacking", 0.5)
        assert f"ARCHIVE does not keep 1 of {kept + 1} results (1 reason 0112)" in service.lines()
        service.wait_sent()
        assert len(archive.uids()) == kept
    assert service.interrupt() == 130
