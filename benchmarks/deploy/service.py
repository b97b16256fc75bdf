"""`serve-dicom` in a process of its own, an archive that takes its results, and a sender; the tests use them too."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, evt

RULES = [{"modality": "CT", "hole": "SEG"}]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Archive:
    """Takes everything that is sent to it, and keeps it by study and instance; a list for all that came twice.

    Attributes:
        refused: SOP classes that it does not take.
    """

    def __init__(self, title: str = "ARCHIVE", tls: ssl.SSLContext | None = None, status: int = 0) -> None:
        self.port, self.title, self.status = free_port(), title, status
        self.busy_with = ""  # a study that is not taken now
        self.refused: set[str] = set()
        self.received: dict[str, dict[str, list[Dataset]]] = defaultdict(lambda: defaultdict(list))
        self._lock = threading.Lock()
        entity = AE(title)
        for context in AllStoragePresentationContexts:
            entity.add_supported_context(context.abstract_syntax, ALL_TRANSFER_SYNTAXES)
        self._server = entity.start_server(
            ("127.0.0.1", self.port), block=False, ssl_context=tls, evt_handlers=[(evt.EVT_C_STORE, self._store)]
        )

    def _store(self, event: Any) -> int:
        if self.status:
            return self.status
        dataset = event.dataset
        if dataset.StudyInstanceUID == self.busy_with:
            return 0xA700
        if dataset.SOPClassUID in self.refused:
            return 0x0122
        dataset.file_meta = event.file_meta
        with self._lock:
            self.received[dataset.StudyInstanceUID][dataset.SOPInstanceUID].append(dataset)
        return 0

    def of(self, study: str) -> list[Dataset]:
        """One copy of every instance of a study."""
        with self._lock:
            return [copies[0] for copies in self.received[study].values()]

    def close(self) -> None:
        self._server.shutdown()


class Service:
    """`monai-inpaint serve-dicom` in a process of its own, that can be killed and started again."""

    def __init__(self, folder: Path, archive_port: int, **changes: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.port, self.log = folder, free_port(), folder / "log.txt"
        self.settings: dict[str, Any] = {
            "queue": "queue",
            "listen": {"port": self.port, "title": "FILLER", "callers": ["SENDER"]},
            "send": {"port": archive_port, "title": "ARCHIVE"},
            "rules": RULES,
            "quiet_seconds": 1.0,
        }
        for key, value in changes.items():
            if isinstance(value, dict):
                self.settings[key] |= value
            else:
                self.settings[key] = value
        self.process: subprocess.Popen | None = None

    @property
    def queue(self) -> Path:
        return self.folder / "queue"

    def start(self, *, wait: bool = True) -> Service:
        path = self.folder / "settings.json"
        path.write_text(json.dumps(self.settings))
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "monai_inpaint", "serve-dicom", str(path)],
                stdout=log, stderr=log, env={**os.environ, "OMP_NUM_THREADS": "1"},
                # a shell that starts the tests in the background has them ignore Ctrl-C
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            )  # fmt: skip
        if wait:
            until(self.is_listening, 60, "the service does not listen")
        return self

    def is_listening(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def interrupt(self, number: int = signal.SIGINT) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(60)

    def jobs(self, state: str) -> list[Path]:
        return sorted((self.queue / state).iterdir()) if (self.queue / state).is_dir() else []

    def lines(self) -> str:
        return self.log.read_text()

    def wait_sent(self, count: int = 1, seconds: float = 300) -> None:
        """Wait until so many studies are done and their results sent."""
        until(lambda: len(self.jobs("sent")) >= count, seconds, f"{count} studies are not sent; see {self.log}")


def send_files(
    files: Sequence[Path], port: int, *, caller: str = "SENDER", called: str = "FILLER", tls: Any = None
) -> list[int | None]:
    """The status of each instance; None where none came; nothing where the association was not accepted."""
    entity = AE(caller)
    entity.connection_timeout = entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 30
    datasets = [dcmread(path) for path in files]
    for one in {(dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID) for dataset in datasets}:
        entity.add_requested_context(*one)
    association = entity.associate("127.0.0.1", port, ae_title=called, tls_args=tls)
    if not association.is_established:
        return []
    answers = []
    for dataset in datasets:
        try:
            answers.append(association.send_c_store(dataset).get("Status"))
        except RuntimeError:  # the association has ended
            answers.append(None)
    if association.is_established:
        association.release()
    return answers


def send_until_taken(files: Sequence[Path], port: int, seconds: float = 120) -> None:
    """As archives do: what was not acknowledged is sent again, with all else of its study."""
    until(lambda: send_files(files, port) == [0] * len(files), seconds, "the study is not taken", 0.2)


def until(holds: Callable[[], bool], seconds: float, why: str, pause: float = 0.05) -> None:
    """Wait for something to hold."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, why
        time.sleep(pause)
