"""A worklist manager (UPS) and an archive (C-STORE, C-GET) in one; the worklist by DIMSE and by DICOMweb (UPS-RS)."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pydicom.dataset import Dataset
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, evt
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelGet, UnifiedProcedureStepPull

from benchmarks.deploy.service import free_port
from monai_inpaint.pacs.settings import Node, WebNode, WorklistSettings
from monai_inpaint.pacs.worklist import CANCELED, COMPLETED, IN_PROGRESS, SCHEDULED

CODE = ("FILL", "99TEST", "Fill a marked region")
_LACKS = 0x0120
_ALREADY = {COMPLETED: 0xB306, CANCELED: 0xB304}


class Hospital:
    """Work items with the states of PS3.4, CC.1.1, and the instances that they are about.

    Args:
        held: instances of the archive.

    Attributes:
        items: of each work item all attributes, its Transaction UID included, by its UID.
        held: instances by their UIDs.
        changes: each change of a state that was made: UID and state.
        copies: how often each instance was stored.
        fetched: how often a series was.
        matches: whether it answers a query with what matches it; else with all work items.
        refuses: "claim", "update" or "end": this is refused, as by a worklist that wants attributes that are not there.
        refusal: the HTTP status of that.
        state: path of the state of a work item, below that of the work item; "": none.
        after: is given each state that a work item gets.
    """

    def __init__(self, held: list[Dataset]) -> None:
        self.port, self.items, self.changes = free_port(), dict[str, Dataset](), list[tuple[str, str]]()
        self.held = {one.SOPInstanceUID: one for one in held}
        self.copies: dict[str, int] = {}
        self.fetched = 0
        self.matches, self.refuses, self.refusal, self.state = True, "", 400, "state"
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
        self._web = ThreadingHTTPServer(("127.0.0.1", 0), type("Front", (_Front,), {"hospital": self}))
        threading.Thread(target=self._web.serve_forever, daemon=True).start()

    @property
    def dimse(self) -> WorklistSettings:
        return WorklistSettings(Node("127.0.0.1", self.port, "ARCHIVE"), CODE, 0.1)

    @property
    def web(self) -> WorklistSettings:
        return WorklistSettings(WebNode(f"http://127.0.0.1:{self._web.server_port}/dicom-web"), CODE, 0.1)

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

    def found(self, query: Dataset) -> list[Dataset]:
        """The work items that a query is answered with."""
        return [item for item in list(self.items.values()) if not self.matches or is_match(item, query)]

    def update(self, uid: str, changes: Dataset) -> int:
        """The status of PS3.4, CC.2.6.4."""
        item = self.items.get(uid)
        wrong = self._wrong(item, changes)
        if self.refuses == "update" and not wrong and "UnifiedProcedureStepPerformedProcedureSequence" in changes:
            return _LACKS
        if item is not None and not wrong:
            item.update(changes)
        return wrong

    def change_state(self, uid: str, asked: Dataset) -> int:
        """The status of PS3.4, CC.2.1.3."""
        item, state = self.items.get(uid), asked.ProcedureStepState
        if item is not None and state == IN_PROGRESS:
            wrong = {IN_PROGRESS: 0xC302, COMPLETED: 0xC300, CANCELED: 0xC300}.get(item.ProcedureStepState, 0)
            wrong = _LACKS if self.refuses == "claim" and not wrong else wrong
            item.TransactionUID = item.TransactionUID if wrong else asked.TransactionUID
        elif item is not None and item.ProcedureStepState == state:
            wrong = _ALREADY[state]
        else:
            wrong = self._wrong(item, asked) or self._unmet(item, state)
        if item is not None and not wrong:
            item.ProcedureStepState = state
            self.changes.append((item.SOPInstanceUID, state))
            self.after(state)
        return wrong

    def close(self) -> None:
        self._server.shutdown()
        self._web.shutdown()
        self._web.server_close()

    @staticmethod
    def _wrong(item: Dataset | None, asked: Dataset) -> int:
        if item is None:
            return 0xC307
        if item.ProcedureStepState == SCHEDULED:
            return 0xC310
        if item.ProcedureStepState != IN_PROGRESS:
            return 0xC300
        return 0 if item.TransactionUID == asked.TransactionUID else 0xC301

    def _unmet(self, item: Dataset, state: str) -> int:
        """What dcm4chee demands of a work item that ends: that what it names as performed has valid codes."""
        performed = item.get("UnifiedProcedureStepPerformedProcedureSequence") or [Dataset()]
        codes = [
            performed[0].get(name) or [Dataset()]
            for name in ("PerformedStationNameCodeSequence", "PerformedWorkitemCodeSequence")
        ]
        lacks = not all(code[0].get("CodeValue") and code[0].get("CodingSchemeDesignator") for code in codes)
        return 0xC304 if self.refuses == "end" or (state == COMPLETED and lacks) else 0

    def _find(self, event: Any) -> Iterator[Any]:
        for item in self.found(event.identifier):
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
        status = self.update(event.request.RequestedSOPInstanceUID, event.modification_list)
        return status, None if status else event.modification_list

    def _action(self, event: Any) -> tuple[int, None]:
        return self.change_state(event.request.RequestedSOPInstanceUID, event.action_information), None

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


class _Front(BaseHTTPRequestHandler):
    """The transactions of PS3.18, chapter 11, that a performer uses: search, retrieve, update, change state.

    Wrong requests get 400, also those with another Transaction UID; those that the state does not allow get 409.
    """

    hospital: Hospital

    def do_GET(self) -> None:
        place = urlsplit(self.path)
        if place.path == "/dicom-web/workitems":
            found = self.hospital.found(_query(parse_qsl(place.query)))
            self._answer(200 if found else 204, found)
        else:
            item = self.hospital.items.get(place.path.rpartition("/")[2])
            self._answer(404) if item is None else self._answer(200, [item])

    def do_POST(self) -> None:
        place = urlsplit(self.path)
        changes = self._sent()
        changes.TransactionUID = place.query  # PS3.18, 11.6.1: POST /workitems/{workitem}?{transaction-uid}
        self._answer_with(self.hospital.update(place.path.rpartition("/")[2], changes))

    def do_PUT(self) -> None:
        uid, _, path = self.path.removeprefix("/dicom-web/workitems/").partition("/")
        sent = self._sent()
        self._answer_with(self.hospital.change_state(uid, sent) if path == self.hospital.state else 0xC307)

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _sent(self) -> Dataset:
        assert self.headers["Content-Type"] == "application/dicom+json"
        (content,) = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        return Dataset.from_json(content)

    def _answer_with(self, status: int) -> None:
        wrong = {0xC307: 404, 0xC301: 400, _LACKS: self.hospital.refusal, 0xC304: self.hospital.refusal}
        code = wrong.get(status, 409 if status >> 12 == 0xC else 200)
        self._answer(code, warning=f"299 hospital: status {status:04X}" if status else "")

    def _answer(self, code: int, items: list[Dataset] | None = None, warning: str = "") -> None:
        body = b"" if not items else json.dumps([_shown(item).to_json_dict() for item in items]).encode()
        self.send_response(code)
        if warning:
            self.send_header("Warning", warning)
        if body:
            self.send_header("Content-Type", "application/dicom+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(ConnectionError):  # who asked was killed
            self.wfile.write(body)


def _shown(item: Dataset) -> Dataset:
    """All but the Transaction UID, which is for the performer alone."""
    return Dataset({tag: item[tag] for tag in item.keys() if item[tag].keyword != "TransactionUID"})  # noqa: SIM118


def _query(parameters: list[tuple[str, str]]) -> Dataset:
    """The attributes that a search names; those of a sequence as SEQUENCE.ATTRIBUTE."""
    query, inner = Dataset(), dict[str, Dataset]()
    for name, value in parameters:
        sequence, _, attribute = name.rpartition(".")
        if name == "includefield":
            continue
        setattr(inner.setdefault(sequence, Dataset()) if sequence else query, attribute, value)
    for sequence, item in inner.items():
        setattr(query, sequence, [item])
    return query


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
