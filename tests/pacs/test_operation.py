"""What operators see of serve-dicom: log, records, health and metrics; nothing of the patient."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime
from http.client import HTTPConnection
from pathlib import Path

import pydicom
import pytest

from benchmarks.deploy.service import Archive, Service, free_port, send_files, until
from benchmarks.deploy.studies import small_study

pytest.importorskip("highdicom", reason="needs the extra dicom")

SECONDS = 180


def test_the_log_and_the_records_hold_no_patient_data(service: Service, tmp_path: Path) -> None:
    files = small_study(tmp_path / "study", "1.2.77")
    odd = pydicom.dcmread(files[0])
    odd.SOPInstanceUID, odd.SeriesInstanceUID = "1.2.77.9", "1.2.77.8"
    odd.file_meta.MediaStorageSOPInstanceUID = "1.2.77.9"
    odd.PatientBirthDate = "Doe"  # no date
    odd.save_as(tmp_path / "odd.dcm")
    send_files([*files, tmp_path / "odd.dcm"], service.port)
    service.wait_sent()

    # what was filled and made is removed after the study counts as sent
    kept = "".join(path.read_text() for path in service.jobs("sent")[0].glob("*.json"))
    for text in (service.lines(), kept):
        assert "Doe" not in text
        assert "P1" not in text
        assert "Thorax" not in text


def test_health_and_metrics_tell_what_waits_and_the_log_is_json_on_request(archive: Archive, tmp_path: Path) -> None:
    port = free_port()
    service = Service(tmp_path / "service", archive.port, monitor=port, log="json").start()
    assert ask(port, "/health") == (200, '{"status": "works", "waits": {}}\n')
    archive.status = 0xA700
    send_files(small_study(tmp_path / "study", "1.2.77"), service.port)
    until(lambda: ask(port, "/health")[0] == 503, SECONDS, "nothing waits")
    assert json.loads(ask(port, "/health")[1]) == {
        "status": "waits",
        "waits": {"sending": "ARCHIVE has no room now (status A700)."},
    }
    assert 'monai_inpaint_waits{part="sending"} 1.0' in ask(port, "/metrics")[1]
    archive.status = 0
    service.wait_sent()

    # The study is moved to `sent` a moment before its stage notes that nothing waits any more.
    until(lambda: ask(port, "/health")[0] == 200, SECONDS, "something still waits")
    metrics = ask(port, "/metrics")[1]
    assert 'monai_inpaint_studies{state="sent"} 1.0' in metrics
    assert 'monai_inpaint_studies{state="sending"} 0.0' in metrics
    assert "1.2.77" not in metrics
    assert ask(port, "/")[0] == 404
    other = tmp_path / "other.json"
    other.write_text(json.dumps({**service.settings, "queue": "elsewhere"}))
    taken = subprocess.run(
        [sys.executable, "-m", "monai_inpaint", "serve-dicom", other], capture_output=True, text=True, check=False
    )
    assert taken.returncode == 2
    assert f"127.0.0.1:{port} cannot be listened on" in taken.stderr
    assert service.interrupt() == 130
    lines = [json.loads(line) for line in service.lines().splitlines() if line.startswith("{")]
    assert {line["study"] for line in lines} == {None, "1.2.77"}
    assert all(datetime.fromisoformat(line["time"]).utcoffset() is not None for line in lines)


def ask(port: int, path: str) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()
