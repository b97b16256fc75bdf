"""Orthanc, the archive of Debian's package, started in a folder on free ports of this machine."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import urllib.request
from collections.abc import Mapping, Sequence
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset

from benchmarks.deploy.service import free_port, send_files, until

PROGRAM = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin:/usr/local/sbin")
DICOMWEB = next((path for folder in ("/usr/share/orthanc/plugins", "/usr/local/share/orthanc/plugins")
                 for path in Path(folder).glob("libOrthancDicomWeb.so*")), None)  # fmt: skip


class Orthanc:
    """A server with an empty archive; stopped and removed with the block that it is used in.

    Args:
        folder: for its data.
        modalities: AE titles on this machine that it may send to, and their ports.
        settings: others of Orthanc's.
    """

    def __init__(
        self, folder: Path, modalities: Mapping[str, int] | None = None, settings: Mapping[str, Any] | None = None
    ) -> None:
        self.dicom, self.http = free_port(), free_port()
        self._folder = folder
        self._settings = {
            "Name": "tests",
            "StorageDirectory": str(folder / "storage"),
            "IndexDirectory": str(folder / "storage"),
            "Plugins": [str(DICOMWEB)],
            "DicomAet": "ARCHIVE",
            "DicomPort": self.dicom,
            "HttpPort": self.http,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "UnknownSopClassAccepted": True,
            "OverwriteInstances": False,
            "DicomModalities": {name: [name, "127.0.0.1", port] for name, port in (modalities or {}).items()},
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
            **(settings or {}),
        }

    def __enter__(self) -> Orthanc:
        (self._folder / "storage").mkdir(parents=True)
        path = self._folder / "orthanc.json"
        path.write_text(json.dumps(self._settings))
        self._log = (self._folder / "orthanc.log").open("w")
        self._process = subprocess.Popen([str(PROGRAM), str(path)], stdout=self._log, stderr=self._log)
        until(self._answers, 60, "Orthanc does not answer", 0.2)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)
        self._log.close()

    @property
    def dicomweb(self) -> str:
        """The URL of its DICOMweb service."""
        return self._url("/dicom-web")

    def store(self, files: Sequence[Path]) -> None:
        """By C-STORE."""
        assert set(send_files(files, self.dicom, called="ARCHIVE")) == {0}

    def send(self, study: str, modality: str) -> None:
        """Have it send a study by C-STORE."""
        number = self.ask("/tools/lookup", study.encode())[0]["ID"]
        self.ask(f"/modalities/{modality}/store", json.dumps([number]).encode())

    def uids(self) -> set[str]:
        """The SOPInstanceUIDs of all instances."""
        return {entry["MainDicomTags"]["SOPInstanceUID"] for entry in self.ask("/instances?expand")}

    def holds(self, uid: str) -> bool:
        """Whether an instance of that SOPInstanceUID is there."""
        return any(entry["Type"] == "Instance" for entry in self.ask("/tools/lookup", uid.encode()))

    def series(self, study: str) -> list[dict[str, Any]]:
        """The series of a study, by DICOMweb (QIDO-RS): what DICOM JSON tells of each."""
        return json.loads(self._get(f"/dicom-web/studies/{study}/series", accept="application/dicom+json"))

    def retrieve(self, study: str) -> list[Dataset]:
        """All instances of a study, by DICOMweb (WADO-RS)."""
        request = urllib.request.Request(
            self._url(f"/dicom-web/studies/{study}"), headers={"Accept": 'multipart/related; type="application/dicom"'}
        )
        with urllib.request.urlopen(request) as answer:
            kind, body = answer.headers["Content-Type"], answer.read()
        message = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
        return [pydicom.dcmread(io.BytesIO(part.get_payload(decode=True))) for part in message.get_payload()]

    def ask(self, path: str, body: bytes | None = None) -> Any:
        """Its own REST interface."""
        return json.loads(self._get(path, body))

    def _get(self, path: str, body: bytes | None = None, accept: str = "*/*") -> bytes:
        request = urllib.request.Request(self._url(path), data=body, headers={"Accept": accept})
        with urllib.request.urlopen(request) as answer:
            return answer.read()

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.http}{path}"

    def _answers(self) -> bool:
        assert self._process.poll() is None, (self._folder / "orthanc.log").read_text()
        try:
            return bool(self.ask("/system"))
        except OSError:
            return False
