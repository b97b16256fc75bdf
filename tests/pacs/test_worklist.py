"""Work items of a worklist (UPS) are claimed, performed and ended once, whenever the service is killed."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pydicom
import pytest
from hospital import CODE, Hospital
from inline import Inline
from pynetdicom.sop_class import CTImageStorage, SegmentationStorage
from queue_samples import Disk, received

from benchmarks.deploy.kills import wrong_with
from benchmarks.deploy.service import Service, until
from benchmarks.deploy.studies import small_study

pytest.importorskip("highdicom", reason="needs the extra dicom")

from monai_inpaint.pacs import job_layout as places
from monai_inpaint.pacs.archive import Unreachable
from monai_inpaint.pacs.performing import Performing
from monai_inpaint.pacs.queue import Queue
from monai_inpaint.pacs.rules import Rule
from monai_inpaint.pacs.service_stage import Shared
from monai_inpaint.pacs.settings import Node, Settings, WebNode, WorklistSettings
from monai_inpaint.pacs.work_item import WorkItem, outcome_of
from monai_inpaint.pacs.worklist import CANCELED, COMPLETED, IN_PROGRESS, SCHEDULED, Output, Worklist

STUDY, ITEM, OTHER, SECONDS = "1.2.77", "1.2.900.1", "1.2.900.2", 240


@pytest.fixture
def hospital(tmp_path: Path) -> Iterator[Hospital]:
    """It holds a CT of two slices and a SEG on it."""
    hospital = Hospital([pydicom.dcmread(path) for path in small_study(tmp_path / "study", STUDY)])
    yield hospital
    hospital.close()


def inputs_of(hospital: Hospital) -> list[tuple[str, str]]:
    return sorted({(one.StudyInstanceUID, one.SeriesInstanceUID) for one in hospital.held.values()})


@pytest.fixture(params=["dimse", "web"])
def worklist(request: pytest.FixtureRequest, hospital: Hospital) -> WorklistSettings:
    return getattr(hospital, request.param)


def served(hospital: Hospital, folder: Path, worklist: WorklistSettings | None = None) -> Service:
    service = Service(folder / "service", hospital.port)
    node = {"port": hospital.port, "title": "ARCHIVE"}
    code = dict(zip(("value", "scheme", "meaning"), CODE, strict=True))
    at = {"url": worklist.at.url} if worklist and isinstance(worklist.at, WebNode) else node
    service.settings |= {"fetch": node, "worklist": {**at, "code": code, "poll_seconds": 0.5}}
    return service


def test_a_work_item_is_performed_and_says_what_was_made(
    hospital: Hospital, worklist: WorklistSettings, tmp_path: Path
) -> None:
    item = hospital.schedule(ITEM, inputs_of(hospital))
    other = hospital.schedule(OTHER, inputs_of(hospital), code="READ")
    service = served(hospital, tmp_path, worklist).start()
    originals = set(hospital.held)

    until(lambda: item.ProcedureStepState == COMPLETED, SECONDS, f"it is not completed:\n{service.lines()}")

    made = {uid: one for uid, one in hospital.held.items() if uid not in originals}
    assert wrong_with(list(made.values()), tmp_path / "study") == ""
    (performed,) = item.UnifiedProcedureStepPerformedProcedureSequence
    referred = {
        (output.SeriesInstanceUID, one.ReferencedSOPClassUID, one.ReferencedSOPInstanceUID)
        for output in performed.OutputInformationSequence
        for one in output.ReferencedSOPSequence
    }
    assert referred == {(one.SeriesInstanceUID, one.SOPClassUID, uid) for uid, one in made.items()}
    assert performed.PerformedWorkitemCodeSequence[0].CodeValue == CODE[0]
    (station,) = performed.PerformedStationNameCodeSequence
    assert (station.CodeValue, station.CodingSchemeDesignator) == ("FILLER", "99MONAIINPAINT")
    assert performed.PerformedProcedureStepStartDateTime <= performed.PerformedProcedureStepEndDateTime
    assert all(
        one.DICOMRetrievalSequence[0].RetrieveAETitle == "ARCHIVE" for one in performed.OutputInformationSequence
    )
    assert hospital.changes == [(ITEM, IN_PROGRESS), (ITEM, COMPLETED)]
    assert other.ProcedureStepState == SCHEDULED

    # the same once more: the results are there
    again = hospital.schedule("1.2.900.3", inputs_of(hospital)[:2])
    until(lambda: again.ProcedureStepState == COMPLETED, SECONDS, f"it is not completed:\n{service.lines()}")
    assert set(hospital.copies.values()) == {1}
    until(lambda: not list((service.queue / "workitems").iterdir()), SECONDS, "something is left")
    assert service.interrupt() == 130
    assert "Traceback" not in service.lines()


def test_a_work_item_that_cannot_be_performed_is_canceled_with_the_reason(
    hospital: Hospital, worklist: WorklistSettings, tmp_path: Path
) -> None:
    images = f"{STUDY}.1"
    reasons = {
        "1.2.901.1": ([(STUDY, images)], "No SEG of the study refers to it."),
        "1.2.901.2": ([(STUDY, "1.2.3.4")], "The archive has none of its input, or only what was made of it."),
        "1.2.901.3": ([(STUDY, images), ("1.2.3", "1.2.4")], "Its input must be series of one study, by their UIDs."),
        "1.2.901.4": ([(STUDY, "")], "Its input must be series of one study, by their UIDs."),
        "1.2.901.5": ([], "Its input must be series of one study, by their UIDs."),
    }
    for uid, (inputs, _) in reasons.items():
        hospital.schedule(uid, inputs)
    service = served(hospital, tmp_path, worklist).start()

    until(lambda: sum(state == CANCELED for _, state in hospital.changes) == len(reasons), SECONDS, service.lines())

    for uid, (_, why) in reasons.items():
        (progress,) = hospital.items[uid].ProcedureStepProgressInformationSequence
        assert progress.ReasonForCancellation == why
        assert progress.ProcedureStepDiscontinuationReasonCodeSequence[0].CodeValue == "110513"
    assert not hospital.copies
    assert service.interrupt() == 130


def test_a_service_killed_whenever_a_work_item_changes_neither_loses_it_nor_does_it_twice(
    hospital: Hospital, worklist: WorklistSettings, tmp_path: Path
) -> None:
    item = hospital.schedule(ITEM, inputs_of(hospital))
    service, changed = served(hospital, tmp_path, worklist), threading.Event()

    def kill(_state: str) -> None:
        service.kill()
        changed.set()

    hospital.after = kill
    for _ in (IN_PROGRESS, COMPLETED):
        service.start(wait=False)
        assert changed.wait(SECONDS), service.lines()
        changed.clear()
    service.start()

    until(lambda: not list((service.queue / "workitems").iterdir()), SECONDS, "something is left")
    assert item.ProcedureStepState == COMPLETED
    assert hospital.changes == [(ITEM, IN_PROGRESS), (ITEM, COMPLETED)]
    assert set(hospital.copies.values()) == {1}
    completed = f"work item {ITEM} of study {STUDY} completed: {len(hospital.copies)} results"
    until(lambda: completed in service.lines(), SECONDS, "the log does not say that it is completed")
    assert service.interrupt() == 130


def performing(root: Path, hospital: Hospital) -> tuple[Queue, Performing]:
    queue = Queue(root, 10**6, 10**6)
    archive = Node("127.0.0.1", hospital.port, "ARCHIVE")
    rules = (Rule("CT", "SEG"),)
    settings = Settings(
        root, archive, ("ARCHIVE",), archive, rules, 30, 10**6, 10**6, fetch=archive, worklist=hospital.dimse
    )
    stage = Performing(Shared(queue, settings, lambda _line: None, threading.Event(), {}))
    stage.worker = Inline(stage.worker._make(*stage.worker._given))  # type: ignore[assignment]
    return queue, stage


def perform(queue: Queue, stage: Performing, hospital: Hospital, made: list[str]) -> None:
    """What the service does until there is nothing left: claim, fetch, fill (a record will do), complete."""
    for _ in range(20):
        if hospital.items[ITEM].ProcedureStepState == COMPLETED and not list(queue.work_items.iterdir()):
            return
        stage()
        stage.later._jobs.clear()
        queue.arriving.take(0)
        job = queue.next(places.WAITING)
        if job:
            outputs = [{"series": "1.2.5", "sop_class": CTImageStorage, "instances": ["1.2.6"]}]
            entry = {"series": f"{STUDY}.1", "why": "", "status": "filled", "source": "1", "outputs": outputs}
            results = job / "made.partial" / places.RESULTS
            if not (job / places.RESULTS).is_dir():
                results.mkdir(parents=True)
                (results / places.RECORD).write_text(json.dumps({"series": [entry]}))
                queue.keep_results(job, results, ["1.2.6"])
            queue.move(job, places.SENDING)
        job = queue.next(places.SENDING)
        if job:
            made.append(job.name)
            queue.finish(job)
    raise AssertionError("it is not completed")


def try_again(stage: Performing) -> None:
    stage._polled = float("-inf")
    stage.later._jobs.clear()
    stage()


def test_while_the_queue_is_full_nothing_is_claimed_and_what_is_ours_is_not_canceled(
    hospital: Hospital, tmp_path: Path
) -> None:
    hospital.schedule(ITEM, inputs_of(hospital))
    queue, stage = performing(tmp_path / "queue", hospital)
    coming = queue.arriving.arrival()
    coming.write(bytes(10**6))

    try_again(stage)

    assert hospital.changes == []
    assert stage.shared.waits == {"polling": "There is no room in the queue."}

    coming.discard()
    coming = queue.arriving.arrival()
    coming.write(bytes(10**6 - 100))
    for _ in ("claimed", "not fetched"):
        try_again(stage)
    assert stage.shared.waits == {"performing": "There is no room in the queue."}

    coming.discard()
    made = list[str]()
    perform(queue, stage, hospital, made)
    assert hospital.changes == [(ITEM, IN_PROGRESS), (ITEM, COMPLETED)]
    assert made == [f"{STUDY}_1"]
    queue.close()


def test_a_work_item_waits_for_its_study_that_is_on_its_way_in_another_form(hospital: Hospital, tmp_path: Path) -> None:
    hospital.schedule(ITEM, inputs_of(hospital))
    queue, stage = performing(tmp_path / "queue", hospital)
    another_form_comes(queue, hospital)

    for _ in ("claimed", "not fetched", "not even tried"):
        try_again(stage)
    fetched = hospital.fetched
    os.close(queue._held)  # as if it were killed
    queue, stage = performing(tmp_path / "queue", hospital)
    try_again(stage)

    assert hospital.fetched == fetched
    assert stage.shared.waits == {"performing": "An instance of its input is on its way already, in another form."}
    queue.arriving._last[STUDY] -= 100
    assert queue.arriving.take(30) == []  # a part of it came from us

    made = list[str]()
    perform(queue, stage, hospital, made)
    assert hospital.changes == [(ITEM, IN_PROGRESS), (ITEM, COMPLETED)]
    assert made == [f"{STUDY}_1"]
    queue.close()


def another_form_comes(queue: Queue, hospital: Hospital) -> None:
    """An instance of the study comes that differs from the one that the archive holds."""
    queue.arriving.store(received(queue), STUDY, max(hospital.held))
    queue.arriving.ended({STUDY}, whole=True)


@pytest.mark.slow
@pytest.mark.parametrize("blocked", [False, True])
def test_killed_at_any_step_a_work_item_is_ended_once(
    blocked: bool, hospital: Hospital, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, steps, killed = Disk(monkeypatch), 0, True
    while killed:
        hospital.schedule(ITEM, inputs_of(hospital))
        hospital.changes.clear()
        queue, stage = performing(tmp_path / str(steps), hospital)
        made: list[str] = []
        if blocked:
            another_form_comes(queue, hospital)
            try_again(stage)  # claimed
        killed = disk.kills(steps, perform, queue, stage, hospital, made)
        if killed:
            os.close(queue._held)
            queue, stage = performing(tmp_path / str(steps), hospital)
            perform(queue, stage, hospital, made)
        queue.close()

        assert hospital.changes == [(ITEM, IN_PROGRESS), (ITEM, COMPLETED)], steps
        assert set(made) == {f"{STUDY}_1"}, (steps, made)
        (performed,) = hospital.items[ITEM].UnifiedProcedureStepPerformedProcedureSequence
        (output,) = performed.OutputInformationSequence
        assert output.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "1.2.6"
        steps += 3  # a third of them
    assert steps > 20


@pytest.mark.parametrize("matches", [True, False])
def test_a_work_item_is_ours_by_its_code_once_its_input_is_ready(
    matches: bool, hospital: Hospital, worklist: WorklistSettings
) -> None:
    hospital.matches = matches
    items = Worklist(worklist, "FILLER", "http://127.0.0.1/dicom-web")
    hospital.schedule(OTHER, inputs_of(hospital), code="READ")
    item = hospital.schedule(ITEM, inputs_of(hospital), readiness="INCOMPLETE")
    assert items.scheduled() == []

    item.InputReadinessState = "READY"

    assert items.scheduled() == [ITEM]


def test_what_an_earlier_version_filled_is_no_output_and_the_reason_says_so() -> None:
    item = WorkItem("1.2.1", datetime(2026, 11, 30, 12), ((STUDY, f"{STUDY}.1"),), ("1.2.3",))
    record = {"series": [{"series": f"{STUDY}.1", "why": "", "status": "filled", "source": "1"}]}

    outcome = outcome_of(item, [record])

    assert outcome == ([], "It was filled by an earlier version, which did not note its results.")


def test_a_work_item_of_someone_else_is_not_ours(hospital: Hospital, worklist: WorklistSettings) -> None:
    items = Worklist(worklist, "FILLER", "http://127.0.0.1/dicom-web")
    hospital.schedule(ITEM, inputs_of(hospital))
    assert items.scheduled() == [ITEM]

    assert items.claim(ITEM, "1.2.1")
    assert items.claim(ITEM, "1.2.1")  # after a kill
    assert not items.claim(ITEM, "1.2.2")
    assert not items.cancel(ITEM, "1.2.2", "It is not ours.")
    assert not items.claim("1.2.404", "1.2.1")
    assert items.scheduled() == []
    assert items.inputs(ITEM) == inputs_of(hospital)
    started = datetime(2026, 11, 30, 12)
    for _ in range(2):  # after a kill
        assert items.complete(ITEM, "1.2.1", STUDY, [Output("1.2.5", SegmentationStorage, ("1.2.6",))], started)
    assert hospital.changes == [(ITEM, IN_PROGRESS), (ITEM, COMPLETED)]
    (performed,) = hospital.items[ITEM].UnifiedProcedureStepPerformedProcedureSequence
    (output,) = performed.OutputInformationSequence
    where = output.WADORSRetrievalSequence[0].RetrieveURL
    assert where == f"http://127.0.0.1/dicom-web/studies/{STUDY}/series/1.2.5"
    assert not items.cancel(ITEM, "1.2.1", "It is completed.")


@pytest.mark.parametrize("refusal", [400, 409])
@pytest.mark.parametrize("refused", ["update", "end"])
def test_a_worklist_that_refuses_the_end_of_what_is_ours_is_asked_again_later(
    refused: str, refusal: int, hospital: Hospital, worklist: WorklistSettings
) -> None:
    items = Worklist(worklist, "FILLER", "http://127.0.0.1/dicom-web")
    item = hospital.schedule(ITEM, inputs_of(hospital))
    assert items.claim(ITEM, "1.2.1")
    hospital.refuses, hospital.refusal = refused, refusal
    outputs = [Output("1.2.5", SegmentationStorage, ("1.2.6",))]

    with pytest.raises(Unreachable, match="does not change a work item"):
        items.complete(ITEM, "1.2.1", STUDY, outputs, datetime(2026, 11, 30, 12))
    if refused == "end":
        with pytest.raises(Unreachable, match="does not change a work item"):
            items.cancel(ITEM, "1.2.1", "There is nothing to fill.")
    assert item.ProcedureStepState == IN_PROGRESS
    assert not items.complete(ITEM, "1.2.2", STUDY, outputs, datetime(2026, 11, 30, 12))

    hospital.refuses = ""
    assert items.complete(ITEM, "1.2.1", STUDY, outputs, datetime(2026, 11, 30, 12))


@pytest.mark.parametrize("refusal", [400, 409])
def test_a_worklist_that_refuses_the_claim_of_what_nobody_performs_is_asked_again_later(
    refusal: int, hospital: Hospital, worklist: WorklistSettings
) -> None:
    items = Worklist(worklist, "FILLER", "http://127.0.0.1/dicom-web")
    item = hospital.schedule(ITEM, inputs_of(hospital))
    hospital.refuses, hospital.refusal = "claim", refusal

    with pytest.raises(Unreachable, match="does not change a work item"):
        items.claim(ITEM, "1.2.1")

    assert item.ProcedureStepState == SCHEDULED
    hospital.refuses = ""
    assert items.claim(ITEM, "1.2.1")


def test_the_state_of_a_work_item_may_be_below_the_title_of_who_asks(hospital: Hospital) -> None:
    items = Worklist(hospital.web, "FILL ER", "http://127.0.0.1/dicom-web")
    hospital.schedule(ITEM, inputs_of(hospital))
    hospital.state = "state/FILL%20ER"  # as of dcm4chee

    assert items.claim(ITEM, "1.2.1")
    assert items.cancel(ITEM, "1.2.1", "There is nothing to fill.")

    assert not items.claim("1.2.404", "1.2.1")


def test_where_a_work_item_that_is_there_has_no_state_the_worklist_is_asked_again_later(hospital: Hospital) -> None:
    items = Worklist(hospital.web, "FILLER", "http://127.0.0.1/dicom-web")
    hospital.schedule(ITEM, inputs_of(hospital))
    hospital.state = ""

    with pytest.raises(Unreachable, match=r"does not change a work item that is SCHEDULED \(HTTP 404\)"):
        items.claim(ITEM, "1.2.1")

    hospital.state = "state"
    assert items.claim(ITEM, "1.2.1")
    hospital.state = ""
    with pytest.raises(Unreachable, match=r"does not change a work item that is IN PROGRESS \(HTTP 404\)"):
        items.cancel(ITEM, "1.2.1", "There is nothing to fill.")


@pytest.mark.parametrize("answer", ["<html></html>", "{}", '[{"00080018": 7}]', "[7]"])
def test_a_service_that_is_no_worklist_is_asked_again_later(answer: str) -> None:
    class Nonsense(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Nonsense) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        with pytest.raises(Unreachable, match="does not answer as a DICOMweb service does"):
            Worklist(WorklistSettings(WebNode(url), CODE), "FILLER", url).inputs(ITEM)
    with pytest.raises(Unreachable, match="cannot be reached"):
        Worklist(WorklistSettings(WebNode(url), CODE), "FILLER", url).scheduled()
