"""Ask a worklist by DICOMweb (UPS-RS, PS3.18 chapter 11); dicomweb-client does not know it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import requests
from pydicom.dataset import Dataset

from monai_inpaint.pacs.archive import Unreachable
from monai_inpaint.pacs.settings import WebNode
from monai_inpaint.pacs.web_session import SECONDS, asking, web_session
from monai_inpaint.pacs.worklist_service import (
    ALREADY_CANCELED,
    ALREADY_COMPLETED,
    DOES_NOT_EXIST,
    IN_PROGRESS_ALREADY,
    OTHER_TRANSACTION,
)

_JSON = "application/dicom+json"
GONE, REFUSED = (404, 410), (400, 409)
# of the states; a warning with a success says that a work item had the state before
_REFUSALS = {"IN PROGRESS": IN_PROGRESS_ALREADY}
_BEFORE = {"CANCELED": ALREADY_CANCELED, "COMPLETED": ALREADY_COMPLETED}


class WebWorklist:
    """The worklist of a DICOMweb service."""

    def __init__(self, session: requests.Session, url: str) -> None:
        self._session, self._url = session, url

    def search(self, query: Dataset) -> list[Dataset]:
        """Search; see `WorklistService`."""
        wanted = [(path, value) for path, value in _paths(query) if value]
        fields = [("includefield", element.keyword) for element in query]
        answer = self._session.get(f"{self._url}/workitems", params=[*wanted, *fields], timeout=SECONDS)
        answer.raise_for_status()
        return [] if answer.status_code == 204 else _datasets(answer)

    def retrieve(self, uid: str) -> Dataset:
        """Retrieve; see `WorklistService`."""
        answer = self._session.get(f"{self._url}/workitems/{uid}", timeout=SECONDS)
        answer.raise_for_status()
        return _datasets(answer)[0]

    def update(self, uid: str, changes: Dataset) -> int:
        """Update; see `WorklistService`."""
        answer = self._update(uid, changes)
        if answer.status_code == 400 and self._is_ours(uid, changes.TransactionUID):
            raise Unreachable(f"{self._url} does not take what is stated of a work item (HTTP 400)")
        return _status(answer, OTHER_TRANSACTION)

    def change_state(self, uid: str, change: Dataset) -> int:
        """Change the state; see `WorklistService`."""
        state = change.ProcedureStepState
        answer = self._session.put(f"{self._url}/workitems/{uid}/state", _body(change), timeout=SECONDS)
        status = _status(answer, _REFUSALS.get(state, OTHER_TRANSACTION))
        return _BEFORE.get(state, 0) if status == 0 and "Warning" in answer.headers else status

    def _is_ours(self, uid: str, transaction: str) -> bool:
        """Whether our Transaction UID is that of a work item: whether it takes the least that can be stated."""
        least, progress = Dataset(), Dataset()
        progress.ProcedureStepProgress = "0"
        least.TransactionUID, least.ProcedureStepProgressInformationSequence = transaction, [progress]
        return self._update(uid, least).ok

    def _update(self, uid: str, changes: Dataset) -> requests.Response:
        # the Transaction UID is the query (PS3.18, 11.6.1); dcm4chee reads it in the content, as in that of an N-SET
        url = f"{self._url}/workitems/{uid}?{changes.TransactionUID}"
        return self._session.post(url, _body(changes), timeout=SECONDS)


@contextmanager
def web_worklist(at: WebNode) -> Iterator[WebWorklist]:
    """A worklist, as long as the block runs; raises Unreachable where it does not answer as such."""
    with web_session(at) as session, asking(at):
        session.headers["Content-Type"] = _JSON
        yield WebWorklist(session, at.url)


def _paths(query: Dataset) -> Iterator[tuple[str, str]]:
    """The attributes of a query with their values; those of a sequence as SEQUENCE.ATTRIBUTE (PS3.18, 8.3.4)."""
    for element in query:
        if element.VR != "SQ":
            yield element.keyword, str(element.value or "")
        for item in element.value if element.VR == "SQ" else ():
            yield from ((f"{element.keyword}.{path}", value) for path, value in _paths(item))


def _body(dataset: Dataset) -> str:
    return json.dumps([dataset.to_json_dict()])


def _datasets(answer: requests.Response) -> list[Dataset]:
    return [Dataset.from_json(item) for item in answer.json()]


def _status(answer: requests.Response, refusal: int) -> int:
    """The status of DIMSE that an answer stands for; raises HTTPError where it stands for none."""
    if answer.status_code in GONE:
        return DOES_NOT_EXIST
    if answer.status_code in REFUSED:
        return refusal
    answer.raise_for_status()
    return 0
