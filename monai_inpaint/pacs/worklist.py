"""Find, claim and end the work items of a worklist (DICOM Unified Procedure Step, PS3.4 Annex CC)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydicom.dataset import Dataset

from monai_inpaint.io.dicom.derive import SCHEME
from monai_inpaint.io.dicom.identity import is_uid
from monai_inpaint.pacs.archive import Unreachable
from monai_inpaint.pacs.settings import Node, WebNode, WorklistSettings
from monai_inpaint.pacs.worklist_service import (
    ALREADY_CANCELED,
    ALREADY_COMPLETED,
    CANCELED,
    COMPLETED,
    IN_PROGRESS,
    IN_PROGRESS_ALREADY,
    OVER,
    SCHEDULED,
    WorklistService,
)

_READY = "READY"  # of InputReadinessState: all input is there
_ALREADY = {ALREADY_CANCELED, ALREADY_COMPLETED}  # as asked before
_DISCONTINUED = ("110513", "DCM", "Discontinued for unspecified reason")
_MOST_LETTERS = 10240  # of VR LT


@dataclass(frozen=True)
class Output:
    """Instances of one series and SOP class that were made for a work item."""

    series: str
    sop_class: str
    instances: tuple[str, ...]


class Worklist:
    """A worklist, by DIMSE or DICOMweb.

    Args:
        worklist: where it is, and the code of the work items that are ours.
        title: our AE title.
        archive: where results are, by AE title or URL.

    All methods raise Unreachable where it does not answer now, and InputError where TLS cannot be set up.
    """

    def __init__(self, worklist: WorklistSettings, title: str, archive: Node | str) -> None:
        self._at, self._code, self._title, self._archive = worklist.at, worklist.code, title, archive

    def scheduled(self) -> list[str]:
        """Return the UIDs of the work items of our code that nobody performs yet, and whose input is ready."""
        query = Dataset()
        query.SOPInstanceUID = ""
        query.ProcedureStepState = SCHEDULED
        query.InputReadinessState = _READY
        value, scheme, _ = self._code
        # the meaning is words, which a worklist that matches them may have others for
        query.ScheduledWorkitemCodeSequence = [_coded(value, scheme, "")]
        with self._service() as service:
            found = [str(item.get("SOPInstanceUID", "")) for item in service.search(query) if self._is_ours(item)]
        return [uid for uid in found if is_uid(uid)]

    def claim(self, uid: str, transaction: str) -> bool:
        """Become the performer of a work item, by a Transaction UID; whether we are.

        Claimed again, with the same Transaction UID, it is still ours.
        """
        with self._service() as service:
            status = _change(service, uid, transaction, IN_PROGRESS)
            if status == IN_PROGRESS_ALREADY:  # by us, if it may be changed with our Transaction UID
                progress = Dataset()
                progress.ProcedureStepProgress = "0"
                status = _update(service, uid, transaction, _progress(progress))
        return self._is_done(status)

    def inputs(self, uid: str) -> list[tuple[str, str]]:
        """Return study and series UIDs of what a work item is to be done with; "" where one is missing."""
        with self._service() as service:
            return [
                (str(item.get("StudyInstanceUID", "")), str(item.get("SeriesInstanceUID", "")))
                for item in service.retrieve(uid).get("InputInformationSequence") or []
            ]

    def complete(self, uid: str, transaction: str, study: str, outputs: Sequence[Output], started: datetime) -> bool:
        """State what was made, and complete; whether the work item was still ours. Repeated, it has no effect."""
        performed = Dataset()
        # may be empty by PS3.4, table CC.2.5-3, but some worklists, such as dcm4chee, complete nothing without it
        performed.PerformedStationNameCodeSequence = [_coded(self._title, SCHEME, self._title)]
        performed.PerformedProcedureStepStartDateTime = _now(started)
        performed.PerformedProcedureStepEndDateTime = _now(datetime.now())
        performed.PerformedWorkitemCodeSequence = [_coded(*self._code)]
        performed.OutputInformationSequence = [self._referred(study, output) for output in outputs]
        changes = Dataset()
        changes.UnifiedProcedureStepPerformedProcedureSequence = [performed]
        return self._end(uid, transaction, changes, COMPLETED)

    def cancel(self, uid: str, transaction: str, why: str) -> bool:
        """Say why nothing is made, and cancel; whether the work item was still ours. Repeated, it has no effect."""
        progress = Dataset()
        progress.ProcedureStepCancellationDateTime = _now(datetime.now())
        progress.ReasonForCancellation = why[:_MOST_LETTERS]
        progress.ProcedureStepDiscontinuationReasonCodeSequence = [_coded(*_DISCONTINUED)]
        return self._end(uid, transaction, _progress(progress), CANCELED)

    def _end(self, uid: str, transaction: str, changes: Dataset, state: str) -> bool:
        with self._service() as service:
            status = _update(service, uid, transaction, changes)
            if not self._is_done(status):
                # ended by us before a kill, if it may be ended once more in the same way
                return _change(service, uid, transaction, state) in _ALREADY
            return self._is_done(_change(service, uid, transaction, state))

    def _is_done(self, status: int) -> bool:
        """Whether it was done; no: the work item is not ours."""
        if status == 0 or status >> 12 == 0xB:
            return True
        if status in OVER:
            return False
        raise Unreachable(f"{self._at.name} does not change a work item (status {status:04X})")

    def _is_ours(self, answer: Dataset) -> bool:
        """Whether the code is ours and the input is ready, as far as it says so; not every worklist matches these."""
        if (answer.get("InputReadinessState") or _READY) != _READY:
            return False
        codes = answer.get("ScheduledWorkitemCodeSequence") or []
        return any((code.get("CodeValue"), code.get("CodingSchemeDesignator")) == self._code[:2] for code in codes)

    def _referred(self, study: str, output: Output) -> Dataset:
        item, place = Dataset(), Dataset()
        item.TypeOfInstances, item.StudyInstanceUID, item.SeriesInstanceUID = "DICOM", study, output.series
        item.ReferencedSOPSequence = []
        for uid in output.instances:
            one = Dataset()
            one.ReferencedSOPClassUID, one.ReferencedSOPInstanceUID = output.sop_class, uid
            item.ReferencedSOPSequence.append(one)
        if isinstance(self._archive, Node):
            place.RetrieveAETitle = self._archive.title
            item.DICOMRetrievalSequence = [place]
        else:
            place.RetrieveURL = f"{self._archive}/studies/{study}/series/{output.series}"
            item.WADORSRetrievalSequence = [place]
        return item

    @contextmanager
    def _service(self) -> Iterator[WorklistService]:
        if isinstance(self._at, WebNode):
            from monai_inpaint.pacs.worklist_web import web_worklist

            with web_worklist(self._at, self._title) as service:
                yield service
        else:
            from monai_inpaint.pacs.worklist_dimse import dimse_worklist

            with dimse_worklist(self._at, self._title) as service:
                yield service


def _update(service: WorklistService, uid: str, transaction: str, changes: Dataset) -> int:
    changes.TransactionUID = transaction
    return service.update(uid, changes)


def _change(service: WorklistService, uid: str, transaction: str, state: str) -> int:
    change = Dataset()
    change.ProcedureStepState, change.TransactionUID = state, transaction
    return service.change_state(uid, change)


def _coded(value: str, scheme: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


def _progress(item: Dataset) -> Dataset:
    changes = Dataset()
    changes.ProcedureStepProgressInformationSequence = [item]
    return changes


def _now(moment: datetime) -> Any:
    return moment.strftime("%Y%m%d%H%M%S")
