"""serve-dicom: studies come by the network, are filled once, and go back, whenever it is interrupted or killed."""

from __future__ import annotations

import ctypes
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pydicom
import pytest
from cli_samples import run

from benchmarks.deploy.kills import send_and_kill, wrong_with
from benchmarks.deploy.service import Archive, Service, send_files, until
from benchmarks.deploy.studies import small_study

pytest.importorskip("highdicom", reason="needs the extra dicom")

SECONDS = 180


def until_only_the_record_stays(service: Service, folder: str) -> None:
    """Wait until a job has lost its results, which happens once it lies in its folder."""
    kept = ["input", "instances.json", "made.json", "record.json"]
    until(lambda: sorted(path.name for path in service.jobs(folder)[0].iterdir()) == kept, SECONDS, "results stay")


def test_a_study_comes_back_with_a_derived_series_and_nothing_outside_the_hole_changed(
    service: Service, archive: Archive, tmp_path: Path
) -> None:
    files = small_study(tmp_path / "study", "1.2.77")

    assert send_files(files, service.port) == [0, 0, 0]
    service.wait_sent()

    assert wrong_with(archive.of("1.2.77"), tmp_path / "study") == ""
    record = json.loads((service.jobs("sent")[0] / "record.json").read_text())
    assert [entry["status"] for entry in record["series"]] == ["filled"]
    until_only_the_record_stays(service, "sent")


def test_a_region_that_is_drawn_later_is_filled_and_nothing_else_is_done_again(
    service: Service, archive: Archive, tmp_path: Path
) -> None:
    *images, drawn = small_study(tmp_path / "study", "1.2.77")
    send_files(images, service.port)
    until(lambda: bool(service.jobs("failed")), SECONDS, "the study is not done")
    assert "nothing is filled. No SEG of the study refers to it." in service.lines()
    assert not archive.of("1.2.77")

    send_files([drawn], service.port)
    service.wait_sent()
    assert wrong_with(archive.of("1.2.77"), tmp_path / "study") == ""
    assert not service.jobs("failed")

    came = len(archive.of("1.2.77"))
    second = pydicom.dcmread(drawn)
    second.SOPInstanceUID = second.file_meta.MediaStorageSOPInstanceUID = "1.2.77.99"
    second.SeriesInstanceUID = "1.2.77.98"
    second.save_as(tmp_path / "second.dcm")
    send_files([tmp_path / "second.dcm"], service.port)
    service.wait_sent(2)
    assert len(archive.of("1.2.77")) == 2 * came
    assert all(len(copies) == 1 for copies in archive.received["1.2.77"].values())


def test_why_a_series_is_not_filled_goes_to_the_archive_once_as_a_report(archive: Archive, tmp_path: Path) -> None:
    service = Service(tmp_path / "service", archive.port, report_skipped=True).start()
    *images, drawn = small_study(tmp_path / "study", "1.2.77")
    send_files(images, service.port)
    until(lambda: bool(service.jobs("failed")), SECONDS, "the study is not done")

    (report,) = archive.of("1.2.77")
    texts = [item.TextValue for item in report.ContentSequence if item.RelationshipType == "CONTAINS"]
    assert texts == [
        "Research use only. Not for diagnosis.",
        "Series 1.2.77.1 (CT): No SEG of the study refers to it.",
    ]
    assert (report.PatientID, report.Modality, report.VerificationFlag) == ("P1", "SR", "UNVERIFIED")
    report.save_as(tmp_path / "report.dcm", enforce_file_format=True)
    if shutil.which("dciodvfy"):
        checked = subprocess.run(["dciodvfy", tmp_path / "report.dcm"], capture_output=True, text=True, check=False)
        assert "Error" not in checked.stderr, checked.stderr
    until_only_the_record_stays(service, "failed")

    send_files([tmp_path / "report.dcm"], service.port)  # what comes back is not taken
    send_files([drawn], service.port)
    service.wait_sent(2)
    assert len(archive.of("1.2.77")) == 8  # seven results, no second report
    assert not service.jobs("failed")
    assert send_files([tmp_path / "report.dcm"], service.port) == [0]
    assert not service.jobs("arriving")
    assert "Doe" not in service.lines()
    service.interrupt()


def test_a_study_sent_again_is_not_filled_again_and_results_that_come_back_are_not_taken(
    service: Service, archive: Archive, tmp_path: Path
) -> None:
    files = small_study(tmp_path / "study", "1.2.77")
    send_files(files, service.port)
    service.wait_sent()
    came = archive.of("1.2.77")
    back = tmp_path / "back"
    back.mkdir()
    for number, dataset in enumerate(came):
        dataset.save_as(back / f"{number}.dcm", enforce_file_format=True)

    assert set(send_files([*files, *back.iterdir()], service.port)) == {0}
    until(lambda: "dropped: it was sent before" in service.lines(), SECONDS, "the study is not dropped")

    assert len(archive.of("1.2.77")) == len(came)
    assert len(service.jobs("sent")) == 1
    assert not [job for state in ("arriving", "waiting", "sending") for job in service.jobs(state)]


@pytest.mark.slow
def test_ten_studies_arrive_exactly_once_whenever_the_service_is_killed(archive: Archive, tmp_path: Path) -> None:
    service = Service(tmp_path / "service", archive.port, quiet_seconds=2.0)

    kills = send_and_kill(service, tmp_path / "studies", studies=10, kills=12, seed=0)

    assert kills == 12
    for study in sorted((tmp_path / "studies").iterdir()):
        assert wrong_with(archive.of(study.name), study) == "", study.name
        for copies in archive.received[study.name].values():  # sent again after a kill: the very same instance
            assert all(copy == copies[0] for copy in copies)
    assert len(service.jobs("sent")) == 10
    assert not [job for state in ("arriving", "waiting", "sending", "failed") for job in service.jobs(state)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it_at_once_and_leaves_nothing_half_done(
    number: int, archive: Archive, tmp_path: Path
) -> None:
    service = Service(tmp_path / "service", archive.port, quiet_seconds=0.2).start()
    send_files(small_study(tmp_path / "study", "1.2.77"), service.port)
    until(lambda: bool(service.jobs("waiting")), SECONDS, "the study is not taken")

    assert service.interrupt(number) == 130

    assert "studies that are not done: 1" in service.lines()
    assert "Traceback" not in service.lines()
    service.start()
    service.wait_sent()
    assert wrong_with(archive.of("1.2.77"), tmp_path / "study") == ""
    service.interrupt()


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="signals to a single thread are sent by Linux's tgkill"
)
def test_an_interrupt_that_another_thread_takes_ends_it_too(service: Service) -> None:
    assert service.process is not None
    process = service.process.pid

    def others() -> list[int]:
        return [int(task.name) for task in Path(f"/proc/{process}/task").iterdir() if int(task.name) != process]

    until(lambda: len(others()) >= 3, SECONDS, "its threads do not start")
    time.sleep(0.5)  # so that the main thread waits

    assert ctypes.CDLL(None).tgkill(process, others()[0], signal.SIGINT) == 0

    assert service.process.wait(20) == 130
    assert "interrupted" in service.lines()


def test_two_services_cannot_hold_one_queue_or_one_port(service: Service, tmp_path: Path, capfd) -> None:
    path = service.folder / "settings.json"
    ran = run(capfd, "serve-dicom", path)
    assert (ran.code, len(ran.lines)) == (2, 1)
    assert "in use by another process" in ran.lines[0]

    other = tmp_path / "settings.json"
    other.write_text(json.dumps({**service.settings, "queue": "elsewhere"}))
    ran = run(capfd, "serve-dicom", other)
    assert ran.code == 2
    assert "cannot be listened on" in ran.lines[0]
