"""Ask an archive to commit itself to the safekeeping of results (DICOM Storage Commitment SCU, PS3.4 Annex J)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from pydicom.dataset import Dataset
from pynetdicom import build_context, evt
from pynetdicom.association import Association
from pynetdicom.sop_class import (
    StorageCommitmentPushModel,  # type: ignore[attr-defined]
    StorageCommitmentPushModelInstance,
)

from monai_inpaint.errors import InputError
from monai_inpaint.io.dicom.identity import is_uid
from monai_inpaint.pacs.archive import Unreachable
from monai_inpaint.pacs.pending_commitment import CommitmentReport
from monai_inpaint.pacs.requestor import UNCOMPRESSED, associated, status_of
from monai_inpaint.pacs.settings import Node

SUCCESS, CANNOT_PROCESS, NO_RESOURCES = 0x0000, 0x0110, 0x0213  # PS3.7, annex C
_REQUEST = 1  # Action Type ID (PS3.4, J.3.2)
_TOGETHER = 10.0  # seconds in which the report may come on the association of the request
_LOOK = 0.05


def report_of(information: Dataset) -> CommitmentReport:
    """Read the Event Information of an N-EVENT-REPORT.

    Raises:
        InputError: it is not that of a storage commitment.
    """
    try:
        transaction = str(information.get("TransactionUID", ""))
        kept = tuple(str(item.ReferencedSOPInstanceUID) for item in information.get("ReferencedSOPSequence") or [])
        failed = tuple(
            (str(item.ReferencedSOPInstanceUID), int(item.get("FailureReason") or CANNOT_PROCESS))
            for item in information.get("FailedSOPSequence") or []
        )
    except Exception as error:  # of any kind, since pydicom reads what a peer made up
        raise InputError("A report of a storage commitment cannot be read.") from error
    if not is_uid(transaction):
        raise InputError("A report of a storage commitment has no Transaction UID.")
    return CommitmentReport(transaction, kept, failed)


def request_commitment(
    instances: Sequence[tuple[str, str]],
    transaction: str,
    to: Node,
    title: str,
    keep: Callable[[CommitmentReport], None],
    has_come: Callable[[], bool],
) -> None:
    """Ask for the commitment to instances (N-ACTION), and wait a moment for the report (N-EVENT-REPORT).

    An archive may report on this association or, whenever it likes, on one of its own, which the listener accepts.

    Args:
        instances: SOP class and SOPInstanceUID of each.
        transaction: a new UID.
        title: our AE title.
        keep: takes the report if it comes on this association; it is acknowledged when this returns.
        has_come: whether the report has come, by whatever way.

    Raises:
        Unreachable: the request was not taken; another time it may be.
        Exception: what `keep` raised.
        InputError: TLS cannot be set up.
    """
    failures: list[Exception] = []

    def take(event: Any) -> tuple[int, None]:
        try:
            report = report_of(event.event_information)
            if report.transaction == transaction:
                keep(report)
        except Exception as error:  # raised below: here pynetdicom would swallow it
            failures.append(error)
            return CANNOT_PROCESS, None
        return SUCCESS, None

    contexts = [build_context(StorageCommitmentPushModel, UNCOMPRESSED)]
    with associated(to, title, contexts, "storage commitment", [(evt.EVT_N_EVENT_REPORT, take)]) as association:
        status = _ask(association, instances, transaction, to.title)
        end = time.monotonic() + _TOGETHER
        while status == SUCCESS and association.is_established and not (has_come() or failures):
            if time.monotonic() > end:
                break
            time.sleep(_LOOK)
    if failures:
        raise failures[0]
    if status != SUCCESS:
        raise Unreachable(f"{to.title} accepts no request for a storage commitment (status {status:04X})")


def _ask(association: Association, instances: Sequence[tuple[str, str]], transaction: str, name: str) -> int:
    """The status of the N-ACTION."""
    request = Dataset()
    request.TransactionUID = transaction
    request.ReferencedSOPSequence = []
    for sop_class, uid in instances:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, uid
        request.ReferencedSOPSequence.append(item)
    try:
        answer, _ = association.send_n_action(
            request, _REQUEST, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
        )
    except RuntimeError:  # no longer established
        raise Unreachable(f"{name} ended the association") from None
    return status_of(answer, name)
