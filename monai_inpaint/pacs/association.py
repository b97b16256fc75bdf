"""One association with a peer that sends: DICOM's upper layer (PS3.8), and C-ECHO, C-STORE and N-EVENT-REPORT (PS3.7).

PDUs and messages are those of pynetdicom. Its server is not used: it reads whatever length a PDU claims, waits as long
as a peer likes, and keeps in memory what is not answered yet. Here one message is read at a time, each part of it has
a length and a time, and data sets go to where they are kept as they come.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Protocol

from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom import PYNETDICOM_IMPLEMENTATION_UID, PYNETDICOM_IMPLEMENTATION_VERSION
from pynetdicom.dimse_messages import C_ECHO_RSP, C_STORE_RSP, N_EVENT_REPORT_RSP
from pynetdicom.dimse_primitives import C_ECHO, C_STORE, N_EVENT_REPORT
from pynetdicom.dsutils import decode
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
    SCP_SCU_RoleSelectionNegotiation,
)
from pynetdicom.presentation import PresentationContext, negotiate_as_acceptor
from pynetdicom.sop_class import StorageCommitmentPushModel  # type: ignore[attr-defined]

from monai_inpaint.pacs.wire import (
    ABORT,
    ASSOCIATE_AC,
    ASSOCIATE_RJ,
    ASSOCIATE_RQ,
    DATA,
    RELEASE_RP,
    RELEASE_RQ,
    Broken,
    Wire,
)  # fmt: skip

SUCCESS, NOT_SUPPORTED = 0x0000, 0x0122
_LONGEST_REQUEST, _MOST_ITEMS = 2**18, 2**13  # bytes; 128 contexts, each with all transfer syntaxes, take less
_LONGEST_DATA = 2**17  # bytes, announced to the peer
_LONGEST_COMMAND = 2**14
_LONGEST_REPORT = 2**21  # bytes; 20 000 instances take less
_OPENING = 10.0  # seconds for all that comes before the association
_SECONDS = 60.0  # for each PDU, the wait for it included
_APPLICATION = "1.2.840.10008.3.1.1.1"
_C_STORE, _C_ECHO, _N_EVENT_REPORT = 0x0001, 0x0030, 0x0100
_NO_DATA_SET = 0x0101
_HOLD_ITEMS = {0x20: 4, 0x50: 0}  # presentation context, user information: bytes before the items within
# result, source and reason (PS3.8, 9.3.4)
_NO_SUCH_CALLER, _NO_SUCH_TITLE, _NO_PLACE = (1, 1, 3), (1, 1, 7), (2, 3, 2)


class InstanceSink(Protocol):
    """An instance that is being received."""

    def write(self, data: bytes) -> None:
        """Take the next part of its data set; raises Broken where the peer is not to go on."""

    def answer(self) -> int:
        """Return the status of the C-STORE: all of it has come."""
        ...

    def discard(self) -> None:
        """It will not be complete."""


Begin = Callable[[str, str, str, int | None], InstanceSink]


@dataclass(frozen=True)
class Entity:
    """We as others see us: our title, the callers we know, and what we take."""

    title: str
    callers: Sequence[str]
    contexts: Sequence[PresentationContext]


class Association:
    """An association that a peer has asked for.

    Args:
        wire: to the peer; the time for all that comes first counts from when it came.
    """

    def __init__(self, wire: Wire, entity: Entity) -> None:
        self._wire, self._entity = wire, entity
        self._accepted: dict[int, PresentationContext] = {}
        self.caller = ""

    def open(self, is_known: Callable[[], bool]) -> str:
        """Take the request, and accept or reject it.

        Args:
            is_known: asked when the titles are right: whether there is a place.

        Returns:
            "" when the association stands, else why it was rejected.

        Raises:
            Broken: no request came.
        """
        left = self._wire.since + _OPENING - time.monotonic()
        _, body = self._wire.pdu({ASSOCIATE_RQ: _LONGEST_REQUEST}, max(left, 0.0))
        if len(body) < 68 or _items(body[68:]) > _MOST_ITEMS:
            raise Broken("a request is cut short, or contains too many items")
        called, self.caller = (_title(body[start : start + 16]) for start in (4, 20))
        for wrong, code, why in (
            (called != self._entity.title, _NO_SUCH_TITLE, "does not know our title"),
            (self.caller not in self._entity.callers, _NO_SUCH_CALLER, "is not listed"),
        ):
            if wrong:
                return self._reject(code, why)
        if not is_known():
            return self._reject(_NO_PLACE, "finds no place: there are too many associations")
        self._accept(body)
        return ""

    def serve(self, begin: Begin, report: Callable[[Dataset], int]) -> bool:
        """Answer what is asked until the association ends.

        Args:
            begin: is given SOP class, SOPInstanceUID and transfer syntax of an instance that comes, and the Message ID
                of our C-MOVE that it comes for, None if for none.
            report: is given the Event Information of a storage commitment, and returns the status.

        Returns:
            whether the peer has released it.

        Raises:
            Broken: it ends in another way.
        """
        for context, command, parts in self._messages():
            field = command.get("CommandField")
            if field == _C_ECHO:
                self._answer(C_ECHO_RSP(), C_ECHO(), context, command, SUCCESS)
            elif field == _C_STORE and parts:
                self._answer(C_STORE_RSP(), C_STORE(), context, command, self._store(context, command, parts, begin))
            elif field == _N_EVENT_REPORT and parts:
                status = report(self._information(context, parts))
                self._answer(N_EVENT_REPORT_RSP(), N_EVENT_REPORT(), context, command, status)
            else:
                raise Broken("a message is of a kind that is not accepted")
        return True

    def abort(self) -> None:
        """Send the peer an abort, if it listens."""
        self._wire.send(ABORT, bytes([0, 0, 2, 0]), 1.0)

    def _store(
        self,
        context: int,
        command: Dataset,
        parts: Iterator[bytes],
        begin: Begin,
    ) -> int:
        sop_class, uid = (str(command.get(f"AffectedSOP{kind}UID", "")) for kind in ("Class", "Instance"))
        accepted = self._accepted[context]
        if sop_class != accepted.abstract_syntax:
            for _ in parts:
                pass
            return NOT_SUPPORTED
        instance = begin(sop_class, uid, str(accepted.transfer_syntax[0]), self._asked_by_us(command))
        try:
            for part in parts:
                instance.write(part)
            return instance.answer()
        finally:
            instance.discard()

    def _asked_by_us(self, command: Dataset) -> int | None:
        """The Message ID of our C-MOVE that a C-STORE is a part of."""
        originator = str(command.get("MoveOriginatorApplicationEntityTitle", "")).strip()
        message = command.get("MoveOriginatorMessageID")
        # some, such as those made with pynetdicom, give the title of the archive instead of ours
        ours = originator in (self._entity.title, self.caller)
        return message if ours and isinstance(message, int) else None

    def _information(self, context: int, parts: Iterator[bytes]) -> Dataset:
        """The Event Information of an N-EVENT-REPORT."""
        accepted, received = self._accepted[context], bytearray()
        if accepted.abstract_syntax != StorageCommitmentPushModel:
            raise Broken("a report is not one of a storage commitment")
        for part in parts:
            received += part
            if len(received) > _LONGEST_REPORT:
                raise Broken("a report does not end")
        syntax = accepted.transfer_syntax[0]
        try:
            return decode(BytesIO(received), syntax.is_implicit_VR, syntax.is_little_endian)
        except Exception as error:  # of any kind, since pydicom reads what a peer made up
            raise Broken("a report cannot be read") from error

    def _messages(self) -> Iterator[tuple[int, Dataset, Iterator[bytes] | None]]:
        """Each message: its context, its command, and the parts of its data set, which must be read to the end."""
        fragments = self._fragments()
        for context, is_command, last, first in fragments:
            received = bytearray(first)
            while is_command and not last and len(received) <= _LONGEST_COMMAND:
                other, is_command, last, more = next(fragments, (0, False, False, b""))
                received += more
                if other != context:
                    raise Broken("a command is interrupted by something else")
            if len(received) > _LONGEST_COMMAND:
                raise Broken("a command does not end")
            if not is_command or context not in self._accepted:
                raise Broken("a command is not where it must be")
            try:
                command = decode(BytesIO(received), True, True)
                list(command)  # has all its elements read
                kind = command.get("CommandDataSetType")
            except Exception as error:  # of any kind, since pydicom reads what a peer made up
                raise Broken("a command cannot be read") from error
            yield context, command, None if kind == _NO_DATA_SET else _data_set(fragments, context)

    def _fragments(self) -> Iterator[tuple[int, bool, bool, bytes]]:
        """Of each fragment of a message: context, whether it is of the command, whether it is the last, and content.

        Ends when the peer releases the association.
        """
        while True:
            longest = {DATA: _LONGEST_DATA, RELEASE_RQ: 4, ABORT: 4}
            kind, body = self._wire.pdu(longest, _SECONDS)
            if kind == RELEASE_RQ:
                with suppress(Broken):  # some do not wait for the answer
                    self._wire.send(RELEASE_RP, bytes(4), _SECONDS)
                return
            if kind == ABORT:
                raise Broken("the peer has aborted the association")
            place = 0
            while place < len(body):
                if len(body) - place < 6:
                    raise Broken("a fragment is cut short")
                length, context, control = struct.unpack_from(">IBB", body, place)
                if not 2 <= length <= len(body) - place - 4:
                    raise Broken("a fragment is longer than what contains it")
                yield context, bool(control & 1), bool(control & 2), body[place + 6 : place + 4 + length]
                place += 4 + length

    def _answer(self, message: Any, answer: Any, context: int, command: Dataset, status: int) -> None:
        try:
            answer.MessageIDBeingRespondedTo = command.get("MessageID")
            answer.AffectedSOPClassUID = command.get("AffectedSOPClassUID")
            if isinstance(answer, N_EVENT_REPORT):
                answer.EventTypeID = command.get("EventTypeID")
            if not isinstance(answer, C_ECHO):
                answer.AffectedSOPInstanceUID = command.get("AffectedSOPInstanceUID")
            answer.Status = status
            message.primitive_to_message(answer)
            parts = [pdv for one in message.encode_msg(context, 0) for pdv in one.presentation_data_value_list]
        except (TypeError, ValueError, AttributeError) as error:
            raise Broken("a message lacks what an answer needs") from error
        body = b"".join(struct.pack(">IB", len(part) + 1, number) + part for number, part in parts)
        self._wire.send(DATA, body, _SECONDS)

    def _reject(self, code: tuple[int, int, int], why: str) -> str:
        self._wire.send(ASSOCIATE_RJ, bytes([0, *code]), 1.0)
        return why

    def _accept(self, body: bytes) -> None:
        try:
            request = A_ASSOCIATE_RQ()
            request.decode(bytes([ASSOCIATE_RQ, 0]) + struct.pack(">I", len(body)) + body)
            asked = request.to_primitive()
            offered = asked.presentation_context_definition_list
            roles = {
                UID(item.sop_class_uid or ""): (item.scu_role, item.scp_role)
                for item in asked.user_information
                if isinstance(item, SCP_SCU_RoleSelectionNegotiation)
            }
            results, accepted_roles = negotiate_as_acceptor(offered, list(self._entity.contexts), roles)
            longest, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
            version = ImplementationVersionNameNotification()
            longest.maximum_length_received = _LONGEST_DATA
            implementation.implementation_class_uid = UID(PYNETDICOM_IMPLEMENTATION_UID)
            version.implementation_version_name = PYNETDICOM_IMPLEMENTATION_VERSION
            answer = A_ASSOCIATE()
            answer.application_context_name = UID(_APPLICATION)
            answer.calling_ae_title, answer.called_ae_title = asked.calling_ae_title, asked.called_ae_title
            answer.result, answer.result_source = 0, 1
            answer.presentation_context_definition_results_list = results
            answer.user_information = [longest, implementation, version, *accepted_roles]
            accepted = A_ASSOCIATE_AC(answer).encode()
        except Exception as error:  # of any kind, since pynetdicom reads what a peer made up
            raise Broken("a request cannot be read") from error
        self._accepted = {one.context_id: one for one in results if one.context_id and one.result == 0}
        self._wire.send(ASSOCIATE_AC, accepted[6:], _SECONDS)


def _items(body: bytes, *, inner: bool = False) -> int:
    """Count the items of a request, nested ones too, without making objects of them."""
    count, place = 0, 0
    while place + 4 <= len(body):
        kind, length = struct.unpack_from(">BxH", body, place)
        count += 1
        if not inner and kind in _HOLD_ITEMS:
            count += _items(body[place + 4 + _HOLD_ITEMS[kind] : place + 4 + length], inner=True)
        place += 4 + length
    return count


def _data_set(fragments: Iterator[tuple[int, bool, bool, bytes]], context: int) -> Iterator[bytes]:
    for other, is_command, last, part in fragments:
        if is_command or other != context:
            raise Broken("a data set is interrupted by something else")
        yield part
        if last:
            return
    raise Broken("a data set is interrupted by a release")


def _title(field: bytes) -> str:
    """An AE title as it is sent, printable."""
    text = field.decode("latin-1").strip(" \0")
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text)
