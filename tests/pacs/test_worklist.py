"""Work items of a worklist (UPS) are claimed, performed and ended once, whenever the service is killed."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, evt
from pynetdicom.sop_class import (
    CTImageStorage,
    SegmentationStorage,
    StudyRootQueryRetrieveInformationModelGet,
    UnifiedProcedureStepPull,
)

from benchmarks.deploy.kills import wrong_with
from benchmarks.deploy.service import Service, free_port, until
from benchmarks.deploy.studies import small_study

pytest.importorskip("highdicom", reason="needs the extra dicom")

from monai_inpaint.pacs import durable_files
from monai_inpaint.pacs import job_layout as places
from monai_inpaint.pacs.performing import Performing
from monai_inpaint.pacs.queue import Queue
from monai_inpaint.pacs.rules import Rule
from monai_inpaint.pacs.service_stage import Shared
from monai_inpaint.pacs.settings import Node, Settings, WorklistNode
from monai_inpaint.pacs.work_item import WorkItem, outcome_of
from monai_inpaint.pacs.worklist import CANCELED, COMPLETED, IN_PROGRESS, SCHEDULED, Output, Worklist

STUDY, ITEM, OTHER, SECONDS = "1.2.77", "1.2.900.1", "1.2.900.2", 240
CODE = ("FILL", "99TEST", "Fill a marked region")


class Hospital:
    """A worklist manager (UPS Pull SCP, by the states of PS3.4, CC.1.1) and an archive (C-STORE, C-GET) in one.

    Attributes:
        items: of each work item all attributes, its Transaction UID included, by its UID.
        held: instances.
        changes: each change of a state that was made: UID and state.
        copies: how often each instance was stored.
        fetched: how often a series was.
        matches: whether it answers a query with what matches it; else with all work items.
    """

    def __init__(self, held: list[Dataset]) -> None:
        self.port, self.items, self.changes = free_port(), dict[str, Dataset](), list[tuple[str, str]]()
        self.held = {one.SOPInstanceUID: one for one in held}
        self.copies: dict[str, int] = {}
        self.fetched = 0
        self.matches = True
        self.after: Callable[[str], None] = lambda _state: None
        entity = AE("ARCHIVE")
        for kind in (UnifiedProcedureStepPull, StudyRootQueryRetrieveInformationModelGet):
            entity.add_supported_context(kind)
        for context in AllStoragePresentationContexts:
            entity.add_supported_context(context.abstract_syntax, ALL_TRANSFER_SYNTAXES, scu_role=True, scp_role=True)
        handlers = [
            (evt.EVT_C_FIND, self._find), (evt.EVT_N_GET, self._get), (evt.EVT_N_SET, self._set),
            (evt.EVT_N_ACTION, self._action), (evt.EVT_C_GET, self._send), (evt.EVT_C_STORE, self._store),
        ]  # fmt: skip
        self._server = entity.start_server(("127.0.0.1", self.port), block=False, evt_handlers=handlers)

    @property
    def node(self) -> WorklistNode:
        return WorklistNode("127.0.0.1", self.port, "ARCHIVE", None, CODE, 0.1)

    def schedule(
        self, uid: str, inputs: list[tuple[str, str]], code: str = CODE[0], readiness: str = "READY"
    ) -> Dataset:
        """Add a work item."""
        item, coded = Dataset(), Dataset()
        coded.CodeValue, coded.CodingSchemeDesignator, coded.CodeMeaning = code, CODE[1], "As the hospital says"
        item.InputReadinessState = readiness
        item.SOPInstanceUID, item.ProcedureStepState, item.TransactionUID = uid, SCHEDULED, ""
        item.ScheduledWorkitemCodeSequence, item.InputInformationSequence = [coded], []
        for study, series in inputs:
            one = Dataset()
            one.TypeOfInstances, one.StudyInstanceUID, one.SeriesInstanceUID = "DICOM", study, series
            item.InputInformationSequence.append(one)
        self.items[uid] = item
        return item

    def close(self) -> None:
        self._server.shutdown()

    def _find(self, event: Any) -> Iterator[Any]:
        for item in list(self.items.values()):
            if not self.matches or is_match(item, event.identifier):
                answer = Dataset()
                for asked in event.identifier:
                    answer[asked.tag] = item[asked.tag]
                yield 0xFF00, answer

    def _get(self, event: Any) -> tuple[int, Dataset | None]:
        item = self.items.get(event.request.RequestedSOPInstanceUID)
        if item is None:
            return 0xC307, None
        answer = Dataset()
        for tag in event.attribute_identifiers:
            if tag in item:
                answer[tag] = item[tag]
        return 0, answer

    def _set(self, event: Any) -> tuple[int, Dataset | None]:
        item, changes = self.items.get(event.request.RequestedSOPInstanceUID), event.modification_list
        wrong = self._wrong(item, changes)
        if item is None or wrong:
            return wrong, None
        item.update(changes)
        return 0, changes

    def _action(self, event: Any) -> tuple[int, None]:
        item, asked = self.items.get(event.request.RequestedSOPInstanceUID), event.action_information
        state = asked.ProcedureStepState
        if item is not None and state == IN_PROGRESS:
            wrong = {IN_PROGRESS: 0xC302, COMPLETED: 0xC300, CANCELED: 0xC300}.get(item.ProcedureStepState, 0)
            item.TransactionUID = item.TransactionUID if wrong else asked.TransactionUID
        elif item is not None and item.ProcedureStepState == state:
            wrong = {COMPLETED: 0xB306, CANCELED: 0xB304}[state]
        else:
            wrong = self._wrong(item, asked)
        if item is not None and not wrong:
            item.ProcedureStepState = state
            self.changes.append((item.SOPInstanceUID, state))
            self.after(state)
        return wrong, None

    @staticmethod
    def _wrong(item: Dataset | None, asked: Dataset) -> int:
        if item is None:
            return 0xC307
        if item.ProcedureStepState == SCHEDULED:
            return 0xC310
        if item.ProcedureStepState != IN_PROGRESS:
            return 0xC300
        return 0 if item.TransactionUID == asked.TransactionUID else 0xC301

    def _send(self, event: Any) -> Iterator[Any]:
        self.fetched += 1
        wanted = [one for one in self.held.values() if one.SeriesInstanceUID == event.identifier.SeriesInstanceUID]
        yield len(wanted)
        for one in wanted:
            yield 0xFF00, one

    def _store(self, event: Any) -> int:
        dataset = event.dataset
        dataset.file_meta = event.file_meta
        self.held[dataset.SOPInstanceUID] = dataset
        self.copies[dataset.SOPInstanceUID] = self.copies.get(dataset.SOPInstanceUID, 0) + 1
        return 0


def is_match(item: Dataset, query: Dataset) -> bool:
    """Whether a work item has all values that a query gives, whatever they are of."""
    for asked in query:
        value = item[asked.tag].value if asked.tag in item else None
        if asked.VR == "SQ":
            if asked.value and not any(is_match(one, asked.value[0]) for one in value or ()):
                return False
        elif asked.value and asked.value != value:
            return False
    return True


@pytest.fixture
def hospital(tmp_path: Path) -> Iterator[Hospital]:
    """It holds a CT of two slices and a SEG on it."""
    hospital = Hospital([pydicom.dcmread(path) for path in small_study(tmp_path / "study", STUDY)])
    yield hospital
    hospital.close()


def inputs_of(hospital: Hospital) -> list[tuple[str, str]]:
    return sorted({(one.StudyInstanceUID, one.SeriesInstanceUID) for one in hospital.held.values()})


def served(hospital: Hospital, folder: Path) -> Service:
    service = Service(folder / "service", hospital.port)
    node = {"port": hospital.port, "title": "ARCHIVE"}
    code = dict(zip(("value", "scheme", "meaning"), CODE, strict=True))
    service.settings |= {"fetch": node, "worklist": {**node, "code": code, "poll_seconds": 0.5}}
    return service


def test_a_work_item_is_performed_and_says_what_was_made(hospital: Hospital, tmp_path: Path) -> None:
    item = hospital.schedule(ITEM, inputs_of(hospital))
    other = hospital.schedule(OTHER, inputs_of(hospital), code="READ")
    service = served(hospital, tmp_path).start()
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


def test_a_work_item_that_cannot_be_performed_is_canceled_with_the_reason(hospital: Hospital, tmp_path: Path) -> None:
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
    service = served(hospital, tmp_path).start()

    until(lambda: sum(state == CANCELED for _, state in hospital.changes) == len(reasons), SECONDS, service.lines())

    for uid, (_, why) in reasons.items():
        (progress,) = hospital.items[uid].ProcedureStepProgressInformationSequence
        assert progress.ReasonForCancellation == why
        assert progress.ProcedureStepDiscontinuationReasonCodeSequence[0].CodeValue == "110513"
    assert not hospital.copies
    assert service.interrupt() == 130


def test_a_service_killed_whenever_a_work_item_changes_neither_loses_it_nor_does_it_twice(
    hospital: Hospital, tmp_path: Path
) -> None:
    item = hospital.schedule(ITEM, inputs_of(hospital))
    service, changed = served(hospital, tmp_path), threading.Event()

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


class Killed(BaseException):
    """The process is no more."""


class Inline:
    """Does in this process what a worker would do."""

    def __init__(self, work: Callable[..., Any]) -> None:
        self._work = work

    def do(self, _longest: float, *args: Any) -> Any:
        return self._work(*args)


def performing(root: Path, hospital: Hospital) -> tuple[Queue, Performing]:
    queue = Queue(root, 10**6, 10**6)
    archive = Node("127.0.0.1", hospital.port, "ARCHIVE")
    rules = (Rule("CT", "SEG"),)
    settings = Settings(
        root, archive, ("ARCHIVE",), archive, rules, 30, 10**6, 10**6, fetch=archive, worklist=hospital.node
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
    arrival = queue.arriving.arrival()
    arrival.write(bytes(100))
    arrival.finish()
    queue.arriving.store(arrival, STUDY, max(hospital.held))
    queue.arriving.ended({STUDY}, whole=True)


@pytest.mark.slow
@pytest.mark.parametrize("blocked", [False, True])
def test_killed_at_any_step_a_work_item_is_ended_once(
    blocked: bool, hospital: Hospital, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, sync = [-1], durable_files.sync

    def killing(path: Path) -> None:
        left[0] -= 1
        if left[0] == -1:
            raise Killed
        sync(path)

    monkeypatch.setattr(durable_files, "sync", killing)
    steps, killed = 0, True
    while killed:
        hospital.schedule(ITEM, inputs_of(hospital))
        hospital.changes.clear()
        queue, stage = performing(tmp_path / str(steps), hospital)
        made, killed = list[str](), False
        if blocked:
            another_form_comes(queue, hospital)
            try_again(stage)  # claimed
        left[0] = steps
        try:
            perform(queue, stage, hospital, made)
        except Killed:
            killed = True
            os.close(queue._held)
            queue, stage = performing(tmp_path / str(steps), hospital)
            perform(queue, stage, hospital, made)
        left[0] = -1
        queue.close()

        assert hospital.changes == [(ITEM, IN_PROGRESS), (ITEM, COMPLETED)], steps
        assert set(made) == {f"{STUDY}_1"}, (steps, made)
        (performed,) = hospital.items[ITEM].UnifiedProcedureStepPerformedProcedureSequence
        (output,) = performed.OutputInformationSequence
        assert output.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "1.2.6"
        steps += 3  # a third of them
    assert steps > 20


@pytest.mark.parametrize("matches", [True, False])
def test_a_work_item_is_ours_by_its_code_once_its_input_is_ready(matches: bool, hospital: Hospital) -> None:
    hospital.matches = matches
    worklist = Worklist(hospital.node, "FILLER", "http://127.0.0.1/dicom-web")
    hospital.schedule(OTHER, inputs_of(hospital), code="READ")
    item = hospital.schedule(ITEM, inputs_of(hospital), readiness="INCOMPLETE")
    assert worklist.scheduled() == []

    item.InputReadinessState = "READY"

    assert worklist.scheduled() == [ITEM]


def test_what_an_earlier_version_filled_is_no_output_and_the_reason_says_so() -> None:
    item = WorkItem("1.2.1", datetime(2026, 11, 30, 12), ((STUDY, f"{STUDY}.1"),), ("1.2.3",))
    record = {"series": [{"series": f"{STUDY}.1", "why": "", "status": "filled", "source": "1"}]}

    outcome = outcome_of(item, [record])

    assert outcome == ([], "It was filled by an earlier version, which did not note its results.")


def test_a_work_item_of_someone_else_is_not_ours(hospital: Hospital) -> None:
    worklist = Worklist(hospital.node, "FILLER", "http://127.0.0.1/dicom-web")
    hospital.schedule(ITEM, inputs_of(hospital))
    assert worklist.scheduled() == [ITEM]

    assert worklist.claim(ITEM, "1.2.1")
    assert worklist.claim(ITEM, "1.2.1")  # after a kill
    assert not worklist.claim(ITEM, "1.2.2")
    assert not worklist.cancel(ITEM, "1.2.2", "It is not ours.")
    assert not worklist.claim("1.2.404", "1.2.1")
    assert worklist.scheduled() == []
    assert worklist.inputs(ITEM) == inputs_of(hospital)
    started = datetime(2026, 11, 30, 12)
    for _ in range(2):  # after a kill
        assert worklist.complete(ITEM, "1.2.1", STUDY, [Output("1.2.5", SegmentationStorage, ("1.2.6",))], started)
    assert hospital.changes == [(ITEM, IN_PROGRESS), (ITEM, COMPLETED)]
    (performed,) = hospital.items[ITEM].UnifiedProcedureStepPerformedProcedureSequence
    (output,) = performed.OutputInformationSequence
    where = output.WADORSRetrievalSequence[0].RetrieveURL
    assert where == f"http://127.0.0.1/dicom-web/studies/{STUDY}/series/1.2.5"
    assert not worklist.cancel(ITEM, "1.2.1", "It is completed.")
