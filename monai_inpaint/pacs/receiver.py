"""Write the instances of an association into the queue."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_partial
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import UID
from pynetdicom.dsutils import create_file_meta

from monai_inpaint.io.dicom.identity import is_uid
from monai_inpaint.pacs.arrival import Arrival, Full
from monai_inpaint.pacs.arriving import DifferentInstance, TooLarge
from monai_inpaint.pacs.moves import TooLate
from monai_inpaint.pacs.queue import Queue
from monai_inpaint.pacs.wire import Broken

SUCCESS, DUPLICATE, NO_RESOURCES, DOES_NOT_MATCH, CANNOT_UNDERSTAND = 0x0000, 0x0111, 0xA700, 0xA900, 0xC000
_HEAD = 2**21  # bytes that are read to learn whose an instance is; what is skipped does not count
_INSTANCE_UID, _STUDY_UID, _SERIES_UID = 0x00080018, 0x0020000D, 0x0020000E


class Receiver:
    """Stores what comes in one association.

    Args:
        study_bytes: of the largest study; whoever sends a larger instance is cut off.

    Attributes:
        caller: AE title, for the log.
        studies: that instances were stored of.
    """

    def __init__(self, queue: Queue, study_bytes: int, log: Callable[[str], None], caller: str = "") -> None:
        self.queue, self.study_bytes, self.caller = queue, study_bytes, caller
        self.studies: set[str] = set()
        self._log = log
        self._logged: set[str] = set()

    def begin(self, sop_class: str, uid: str, syntax: str, move: int | None) -> Incoming:
        """Begin an instance that arrives; `move` is the Message ID of our C-MOVE that it comes for."""
        return Incoming(self, sop_class, uid, syntax, move)

    def say(self, sentence: str) -> None:
        """Log a sentence, once."""
        if sentence not in self._logged:
            self._logged.add(sentence)
            self._log(sentence)


class Incoming:
    """An instance that arrives: written as it comes; the rest of a refused one is skipped."""

    def __init__(self, receiver: Receiver, sop_class: str, uid: str, syntax: str, move: int | None) -> None:
        self._receiver, self._uid, self._move = receiver, uid, move
        self._bytes, self._status = 0, SUCCESS
        self._arrival: Arrival | None = None
        if not (is_uid(sop_class) and is_uid(uid)):
            self._refuse(CANNOT_UNDERSTAND, f"an instance from {receiver.caller} has no valid UIDs and is refused")
            return
        with self._room():
            self._arrival = receiver.queue.arriving.arrival()
            self._arrival.write(_preamble(sop_class, uid, syntax))

    def write(self, data: bytes) -> None:
        """Take the next part of the data set; raises Broken where the peer sends more than a study may hold."""
        self._bytes += len(data)
        if self._bytes > self._receiver.study_bytes:
            self._receiver.say(
                f"the association of {self._receiver.caller} is ended: it sends more than a study may hold"
            )
            raise Broken("an instance is larger than a study may be")
        if self._arrival:
            with self._room():
                self._arrival.write(data)

    def answer(self) -> int:
        """Return the status; the instance is on the disk before."""
        if self._arrival:
            with self._room():
                self._store(self._arrival)
        return self._status

    def discard(self) -> None:
        """Remove what has not become the queue's."""
        if self._arrival:
            self._arrival.discard()
            self._arrival = None

    def _store(self, arrival: Arrival) -> None:
        caller, queue = self._receiver.caller, self._receiver.queue
        arrival.finish()
        try:
            head = _head(arrival.path)
            study, series, uid = (str(head.get(f"{of}InstanceUID", "")) for of in ("Study", "Series", "SOP"))
        except Exception:  # of any kind, since pydicom reads what a peer made up
            self._refuse(CANNOT_UNDERSTAND, f"an instance from {caller} cannot be read and is refused")
            return
        if uid != self._uid:
            self._refuse(DOES_NOT_MATCH, f"an instance from {caller} is another one than announced, and is refused")
        elif not is_uid(study):
            self._refuse(CANNOT_UNDERSTAND, f"an instance from {caller} has no valid UIDs and is refused")
        else:
            try:
                if not queue.moves.keep(self._move, arrival, study, series, uid):
                    queue.arriving.store(arrival, study, uid)
                    self._receiver.studies.add(study)
            except TooLate:
                self._refuse(
                    NO_RESOURCES, f"instances from {caller} are refused: they come after their request is over"
                )
            except TooLarge:
                self._refuse(NO_RESOURCES, f"study {study} is refused: it is larger than a study may be")
            except DifferentInstance:
                self._refuse(
                    DUPLICATE, f"study {study}: an instance from {caller} is refused: another one with its UID is there"
                )

    @contextmanager
    def _room(self) -> Iterator[None]:
        """Refuse the instance where the quota or the disk is full in the block."""
        caller = self._receiver.caller
        try:
            yield
        except Full:
            self._refuse(NO_RESOURCES, f"instances from {caller} are refused: there is no room for them in the queue")
        except OSError as error:
            why = os.strerror(error.errno or errno.EIO)
            self._refuse(NO_RESOURCES, f"instances from {caller} are refused: they cannot be kept ({why})")

    def _refuse(self, status: int, sentence: str) -> None:
        self._status = status
        if status == NO_RESOURCES:
            self._receiver.queue.moves.lacks_room(self._move)
        self.discard()
        self._receiver.say(sentence)


def _preamble(sop_class: str, uid: str, syntax: str) -> bytes:
    """Preamble and file meta information before the data set of a DICOM file (PS3.10, 7.1)."""
    meta = create_file_meta(sop_class_uid=UID(sop_class), sop_instance_uid=UID(uid), transfer_syntax=UID(syntax))
    head = DicomBytesIO()
    write_file_meta_info(head, meta)
    return bytes(128) + b"DICM" + head.getvalue()


class _Frugal(FileIO):
    """A file of which only so much is read, whatever lengths its elements claim."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._left = _HEAD

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= self._left:
            raise ValueError("an element is longer than what is read")
        self._left -= size
        return super().read(size) or b""


def _head(path: Path) -> Dataset:
    """The elements that say whose an instance is."""
    with _Frugal(path) as file:
        return read_partial(
            file,
            stop_when=lambda tag, _vr, _length: tag > _SERIES_UID,
            specific_tags=[_INSTANCE_UID, _STUDY_UID, _SERIES_UID],
        )
