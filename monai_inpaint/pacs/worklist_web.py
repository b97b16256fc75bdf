"""Ask a worklist by DICOMweb (UPS-RS, PS3.18 chapter 11); dicomweb-client does not know it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import requests
from pydicom.dataset import Dataset

from monai_inpaint.pacs.archive import Unreachable
from monai_inpaint.pacs.settings import WebNode
from monai_inpaint.pacs.web_session import SECONDS, asking, web_session
from monai_inpaint.pacs.worklist_service import (
    ALREADY_CANCELED,
    ALREADY_COMPLETED,
    CANCELED,
    COMPLETED,
    DOES_NOT_EXIST,
    ENDED,
    IN_PROGRESS,
    IN_PROGRESS_ALREADY,
    NOT_IN_PROGRESS,
    OTHER_TRANSACTION,
    SCHEDULED,
)

_JSON = "application/dicom+json"
GONE, REFUSED = (404, 410), (400, 409)
_NO_SUCH_RESOURCE = (404, 405)
# a warning with a success says that a work item had the state before
_BEFORE = {CANCELED: ALREADY_CANCELED, COMPLETED: ALREADY_COMPLETED}


class WebWorklist:
    """The worklist of a DICOMweb service; `title` is our AE title."""

    def __init__(self, session: requests.Session, url: str, title: str) -> None:
        self._session, self._url, self._title = session, url, title

    def search(self, query: Dataset) -> list[Dataset]:
        """Search; see `WorklistService`."""
        wanted = [(path, value) for path, value in _paths(query) if value]
        fields = [("includefield", element.keyword) for element in query]
        answer = self._session.get(f"{self._url}/workitems", params=[*wanted, *fields], timeout=SECONDS)
        answer.raise_for_status()
        return [] if answer.status_code == 204 else _datasets(answer)

    def retrieve(self, uid: str) -> Dataset:
        """Retrieve; see `WorklistService`."""
        answer = self._retrieve(uid)
        answer.raise_for_status()
        return _datasets(answer)[0]

    def update(self, uid: str, changes: Dataset) -> int:
        """Update; see `WorklistService`."""
        return self._status(self._update(uid, changes), uid, changes.TransactionUID)

    def change_state(self, uid: str, change: Dataset) -> int:
        """Change the state; see `WorklistService`."""
        state, answer = change.ProcedureStepState, self._change(uid, change)
        status = self._status(answer, uid, change.TransactionUID, claimed=state == IN_PROGRESS)
        return _BEFORE.get(state, 0) if status == 0 and "Warning" in answer.headers else status

    def _status(self, answer: requests.Response, uid: str, transaction: str, *, claimed: bool = False) -> int:
        """The status of DIMSE that an answer stands for.

        HTTP does not state why a request is refused, so the work item is read. Raises HTTPError or Unreachable
        where it does not explain the refusal.
        """
        if answer.status_code not in GONE + REFUSED:
            answer.raise_for_status()
            return 0
        state = self._state(uid)
        if state is None:
            return DOES_NOT_EXIST
        if state in _BEFORE:
            return ENDED
        if state == SCHEDULED and not claimed:
            return NOT_IN_PROGRESS
        if state == IN_PROGRESS and claimed:
            return IN_PROGRESS_ALREADY
        if state == IN_PROGRESS and not self._is_ours(uid, transaction):
            return OTHER_TRANSACTION
        raise Unreachable(f"{self._url} does not change a work item that is {state} (HTTP {answer.status_code})")

    def _state(self, uid: str) -> str | None:
        """The state of a work item; None where it does not exist."""
        answer = self._retrieve(uid)
        if answer.status_code in GONE:
            return None
        answer.raise_for_status()
        return _datasets(answer)[0].ProcedureStepState

    def _is_ours(self, uid: str, transaction: str) -> bool:
        """Whether our Transaction UID is that of a work item: whether it takes the least that can be stated."""
        least, progress = Dataset(), Dataset()
        progress.ProcedureStepProgress = "0"
        least.TransactionUID, least.ProcedureStepProgressInformationSequence = transaction, [progress]
        answer = self._update(uid, least)
        if answer.status_code in REFUSED:
            return False
        answer.raise_for_status()
        return True

    def _retrieve(self, uid: str) -> requests.Response:
        return self._session.get(f"{self._url}/workitems/{uid}", timeout=SECONDS)

    def _change(self, uid: str, change: Dataset) -> requests.Response:
        url = f"{self._url}/workitems/{uid}/state"
        answer = self._session.put(url, _body(change), timeout=SECONDS)
        if answer.status_code in _NO_SUCH_RESOURCE:  # dcm4chee has it below the title of who asks alone
            answer = self._session.put(f"{url}/{quote(self._title, safe='')}", _body(change), timeout=SECONDS)
        return answer

    def _update(self, uid: str, changes: Dataset) -> requests.Response:
        # the Transaction UID is the query (PS3.18, 11.6.1); dcm4chee reads it in the content, as in that of an N-SET
        url = f"{self._url}/workitems/{uid}?{changes.TransactionUID}"
        return self._session.post(url, _body(changes), timeout=SECONDS)


@contextmanager
def web_worklist(at: WebNode, title: str) -> Iterator[WebWorklist]:
    """A worklist, as long as the block runs; `title` is our AE title.

    Raises:
        Unreachable: it does not answer as such.
    """
    with web_session(at) as session, asking(at):
        session.headers["Content-Type"] = _JSON
        yield WebWorklist(session, at.url, title)


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
