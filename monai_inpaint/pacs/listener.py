"""The storage service (DICOM SCP): takes instances from those who may send, and stores them in the queue."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ssl import SSLContext

from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian
from pynetdicom import ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, build_context
from pynetdicom.sop_class import StorageCommitmentPushModel, Verification  # type: ignore[attr-defined]

from monai_inpaint.errors import InputError
from monai_inpaint.pacs.admission import KNOWN, UNKNOWN, Admission
from monai_inpaint.pacs.anonymous_errors import sentence_of
from monai_inpaint.pacs.association import Association, Entity
from monai_inpaint.pacs.commitment import CANNOT_PROCESS, NO_RESOURCES, SUCCESS, report_of
from monai_inpaint.pacs.machine_faults import reason_of
from monai_inpaint.pacs.queue import Queue
from monai_inpaint.pacs.receiver import Receiver
from monai_inpaint.pacs.requestor import UNCOMPRESSED
from monai_inpaint.pacs.settings import Settings, listening_tls
from monai_inpaint.pacs.wire import Broken, Wire

_BACKLOG = 128
_LOOK = 0.2  # seconds between two looks whether the service ends
_ENDING = 3.0  # seconds in which associations end with the service
_HANDSHAKE = 10.0  # seconds
_THREADS = 2 * (UNKNOWN + KNOWN)
_LINES = 30  # of the log per minute that unknown callers may cause
_LOCAL = ("127.0.0.1", "::1", "localhost")

Log = Callable[[str], None]


@contextmanager
def listening(settings: Settings, queue: Queue, log: Log) -> Iterator[None]:
    """Take instances as long as the block runs.

    Callers must know our AE title and be in the list of those who may send; the association of all others is rejected.
    Deflated data sets are not taken, since a small one can unpack to any size. All that a peer may do has a length, a
    time and a number, whether it is known or not: see `wire`, `association` and `admission`.

    Raises:
        InputError: the port is taken, or TLS cannot be set up.
    """
    tls = listening_tls(settings.listen.tls) if settings.listen.tls else None
    host, port = settings.listen.host, settings.listen.port
    where = f"{host}:{port}"
    try:
        families = {found[0] for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
        family = socket.AF_INET if socket.AF_INET in families else socket.AF_INET6
        door = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise InputError(f"{where} cannot be listened on ({error.strerror}); name another port or host.") from error
    if tls is None and host not in _LOCAL:
        log(f"{where} is open to the network without TLS: what is sent can be read, and AE titles prove nothing")
    log(f"{settings.listen.title} listens on {where}{' with TLS' if tls else ''}; research use only, not for diagnosis")
    listener = _Listener(door, tls, settings, queue, log)
    thread = threading.Thread(target=listener.listen, daemon=True)
    try:
        thread.start()
        yield
    finally:
        listener.close()
        if thread.is_alive():  # not if Ctrl-C came before it had started
            thread.join()
        door.close()


class _Listener:
    """Takes connections, each into a thread of its own; nothing that a peer does holds up the one that takes them."""

    def __init__(self, door: socket.socket, tls: SSLContext | None, settings: Settings, queue: Queue, log: Log) -> None:
        self._door, self._tls, self._queue, self._log = door, tls, queue, log
        self._log_unknown = _LimitedLog(log)
        self._admission = Admission(self._log_unknown)
        syntaxes = [syntax for syntax in ALL_TRANSFER_SYNTAXES if syntax != DeflatedExplicitVRLittleEndian]
        contexts = [build_context(one.abstract_syntax or "", syntaxes) for one in AllStoragePresentationContexts]
        contexts.append(build_context(Verification))
        if settings.storage_commitment:
            reports = build_context(StorageCommitmentPushModel, UNCOMPRESSED)
            reports.scu_role, reports.scp_role = False, True  # who asks for the association provides the service
            contexts.append(reports)
        self._entity = Entity(settings.listen.title, settings.callers, contexts)
        self._study_bytes = settings.study_bytes
        self._threads: set[threading.Thread] = set()
        self._ended = threading.Event()

    def listen(self) -> None:
        """Take connections until `close`."""
        self._door.settimeout(_LOOK)
        while not self._ended.is_set():
            if len(self._threads) > _THREADS:  # of connections that are ended, and end soon
                self._ended.wait(_LOOK / 10)
                continue
            try:
                connection, address = self._door.accept()
            except TimeoutError:
                continue
            except OSError:  # the peer has gone again, or there are too many files: others may come
                self._ended.wait(_LOOK)
                continue
            try:
                if self._tls:
                    connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            except (OSError, ValueError):  # gone again
                connection.close()
                continue
            wire = Wire(connection, str(address[0]))
            self._admission.come(wire)
            thread = threading.Thread(target=self._serve, args=(wire,), daemon=True)
            self._threads.add(thread)
            try:
                thread.start()
            except RuntimeError:  # there are too many threads: others may come
                self._threads.discard(thread)
                self._admission.leave(wire)
                wire.close()

    def close(self) -> None:
        """End all associations, as if their lines broke."""
        self._ended.set()
        self._admission.close()
        end = time.monotonic() + _ENDING
        for thread in list(self._threads):
            thread.join(max(end - time.monotonic(), 0.0))

    def _serve(self, wire: Wire) -> None:
        """Take what one peer sends."""
        association = Association(wire, self._entity)
        receiver, whole = Receiver(self._queue, self._study_bytes, self._log), False
        try:
            if self._tls:
                wire.shake_hands(_HANDSHAKE)
            why = association.open(lambda: self._admission.is_known(wire))
            if why:
                self._log_unknown(f"caller {association.caller or 'without a title'} refused: it {why}")
                return
            receiver.caller = association.caller
            whole = association.serve(receiver.begin, self._report)
        except Broken:
            with suppress(Broken):
                association.abort()
        except Exception as error:
            self._log_unknown(f"an association is ended. {sentence_of(error)}")
        finally:
            wire.close()
            self._admission.leave(wire)
            self._threads.discard(threading.current_thread())
            self._queue.arriving.ended(receiver.studies, whole=whole)

    def _report(self, information: Dataset) -> int:
        """Take a report on a storage commitment; returns the status."""
        try:
            if not self._queue.keep_report(report_of(information)):
                self._log_unknown("a report on a storage commitment is passed over: none of the studies waits for it")
        except InputError:
            self._log_unknown("a report on a storage commitment is refused: it cannot be read")
            return CANNOT_PROCESS
        except OSError as error:
            self._log(f"a report on a storage commitment cannot be kept. {reason_of(error)}")
            return NO_RESOURCES
        return SUCCESS


class _LimitedLog:
    """Logs what unknown callers cause, at most a few lines a minute."""

    def __init__(self, log: Log) -> None:
        self._log, self._mutex = log, threading.Lock()
        self._minute, self._lines = 0, 0

    def __call__(self, sentence: str) -> None:
        with self._mutex:
            minute = int(time.monotonic() // 60)
            if minute != self._minute:
                self._minute, self._lines = minute, 0
            self._lines += 1
            lines = self._lines
        if lines <= _LINES:
            self._log(sentence if lines < _LINES else "callers are refused; no more of it is logged for a minute")
