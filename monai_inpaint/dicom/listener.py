"""The storage service (DICOM SCP): takes instances from those who may send, and stores them in the queue."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydicom.uid import UID, DeflatedExplicitVRLittleEndian
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, _config, evt
from pynetdicom.events import Event
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from monai_inpaint.dicom.queue import Full, Queue, TooLarge
from monai_inpaint.dicom.settings import Settings, listening_tls
from monai_inpaint.errors import InputError
from monai_inpaint.io.dicom_file import load

SUCCESS, NO_RESOURCES, DOES_NOT_MATCH, CANNOT_UNDERSTAND = 0x0000, 0xA700, 0xA900, 0xC000
_ASSOCIATIONS = 8  # at a time
_SECONDS = 60.0  # without a word, after which an association is ended
_PDU = 2**17  # bytes
_LOCAL = ("127.0.0.1", "::1", "localhost")

Log = Callable[[str], None]


@contextmanager
def listening(settings: Settings, queue: Queue, log: Log) -> Iterator[None]:
    """Take instances as long as the block runs.

    Callers must know our AE title and be in the list of those who may send; the association of all others is rejected.
    Deflated data sets are not taken, since a small one can unpack to any size.

    Raises:
        InputError: the port is taken, or TLS cannot be set up.
    """
    # Instances go to the disk as they come, into the folder of the queue, whatever their size.
    _config.STORE_RECV_CHUNKED_DATASET = True
    tempfile.tempdir = str(queue.incoming)
    entity = AE(settings.listen.title)
    entity.require_calling_aet = list(settings.callers)
    entity.require_called_aet = True
    entity.maximum_associations = _ASSOCIATIONS
    entity.maximum_pdu_size = _PDU
    entity.network_timeout = entity.dimse_timeout = entity.acse_timeout = _SECONDS
    syntaxes = [syntax for syntax in ALL_TRANSFER_SYNTAXES if syntax != DeflatedExplicitVRLittleEndian]
    for context in AllStoragePresentationContexts:
        entity.add_supported_context(context.abstract_syntax or UID(""), syntaxes)
    entity.add_supported_context(Verification)
    tls = listening_tls(settings.listen.tls) if settings.listen.tls else None
    receiver = _Receiver(queue, settings.study_bytes, log)
    handlers = [
        (evt.EVT_C_STORE, receiver.store),
        (evt.EVT_C_ECHO, lambda _event: SUCCESS),
        (evt.EVT_DATA_RECV, receiver.count),
        (evt.EVT_RELEASED, receiver.released),
        (evt.EVT_CONN_CLOSE, receiver.closed),
        (evt.EVT_REJECTED, lambda event: log(f"caller {_title(event)} refused")),
    ]
    where = f"{settings.listen.host}:{settings.listen.port}"
    try:
        server = entity.start_server(
            (settings.listen.host, settings.listen.port), block=False, ssl_context=tls, evt_handlers=handlers
        )
    except OSError as error:
        raise InputError(f"{where} cannot be listened on ({error.strerror}); name another port or host.") from error
    assert server is not None
    if tls is None and settings.listen.host not in _LOCAL:
        log(f"{where} is open to the network without TLS: what is sent can be read, and AE titles prove nothing")
    log(f"{settings.listen.title} listens on {where}{' with TLS' if tls else ''}; research use only, not for diagnosis")
    try:
        yield
    finally:
        server.shutdown()
        tempfile.tempdir = None


class _Receiver:
    """Stores what comes, and ends associations that send more than a study may hold."""

    def __init__(self, queue: Queue, study_bytes: int, log: Log) -> None:
        self._queue = queue
        self._study_bytes = study_bytes
        self._log = log
        # by association: bytes of the instance that is being sent, and the studies that instances came of
        self._received: dict[int, int] = {}
        self._studies: dict[int, set[str]] = {}

    def store(self, event: Event) -> int:
        """Answer a C-STORE request; the instance is on the disk before."""
        self._received.pop(id(event.assoc), None)
        path = Path(event.dataset_path)
        try:
            head = load(path, head=True, only=["StudyInstanceUID", "SOPInstanceUID"])
            study, instance = str(head.get("StudyInstanceUID", "")), str(head.get("SOPInstanceUID", ""))
        except Exception:
            self._log(f"an instance from {_title(event)} cannot be read and is refused")
            return CANNOT_UNDERSTAND
        if instance != str(getattr(event.request, "AffectedSOPInstanceUID", "")):
            self._log(f"an instance from {_title(event)} is another one than announced, and is refused")
            return DOES_NOT_MATCH
        try:
            self._queue.store(path, study, instance)
            self._studies.setdefault(id(event.assoc), set()).add(study)
        except ValueError:
            self._log(f"an instance from {_title(event)} has no valid UIDs and is refused")
            return CANNOT_UNDERSTAND
        except TooLarge:
            self._log(f"study {study} is refused: it is larger than a study may be")
            return NO_RESOURCES
        except (Full, OSError):
            self._log(f"an instance of study {study} is refused: there is no room for it")
            return NO_RESOURCES
        return SUCCESS

    def count(self, event: Event) -> None:
        """Watch the size of what is being sent."""
        received = self._received.get(id(event.assoc), 0) + len(event.data)
        self._received[id(event.assoc)] = received
        if received > self._study_bytes + 2**20 and received - len(event.data) <= self._study_bytes + 2**20:
            self._log(f"the association of {_title(event)} is ended: it sends more than a study may hold")
            # not from this thread, which the association would wait for
            threading.Thread(target=event.assoc.abort, daemon=True).start()

    def released(self, event: Event) -> None:
        """The caller has sent all it wanted to."""
        self._queue.ended(self._studies.pop(id(event.assoc), set()), whole=True)

    def closed(self, event: Event) -> None:
        """The association is over; one that was not released has broken off."""
        self._received.pop(id(event.assoc), None)
        self._queue.ended(self._studies.pop(id(event.assoc), set()), whole=False)


def _title(event: Event) -> str:
    """The AE title that a caller says it has, printable."""
    title = str(event.assoc.requestor.ae_title or "").strip()
    return "".join(letter if " " <= letter <= "~" else "?" for letter in title) or "without a title"
