"""serve-dicom and what goes wrong around it: a damaged job, a stray file or a full disk never stops it for good."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.deploy.kills import wrong_with
from benchmarks.deploy.service import Archive, Service, free_port, send_files, send_until_taken, until
from benchmarks.deploy.studies import small_study
from monai_inpaint.pacs import job_layout as places
from monai_inpaint.pacs.service import serve
from monai_inpaint.pacs.settings import read_settings
from monai_inpaint.pacs.worker import Lost, Stopped, Worker

pytest.importorskip("highdicom", reason="needs the extra dicom")

SECONDS = 180

# the worker says that it has begun, which is after it has learned to ignore what is for the service
_ENDS_WHILE_A_WORKER_IS_BUSY = """
import sys, threading, time
from pathlib import Path
from monai_inpaint.pacs.worker import Worker

def sleeper(begun):
    begun.touch()
    return time.sleep

if __name__ == "__main__":
    begun = Path(__file__).with_name("begun")
    worker = Worker(threading.Event(), sleeper, begun)
    threading.Thread(target=worker.do, args=(600.0, 600), daemon=True).start()
    while not begun.exists():
        time.sleep(0.01)
    sys.exit(3)
"""


def job(service: Service, state: str, name: str) -> Path:
    folder = service.queue / state / name
    (folder / places.INPUT).mkdir(parents=True)
    return folder


def test_damaged_jobs_and_stray_things_are_reported_once_and_the_next_study_is_done(
    archive: Archive, tmp_path: Path
) -> None:
    service = Service(tmp_path / "service", archive.port)
    (job(service, "sent", "1.2.77_1") / places.INSTANCES).write_text("")  # of the study that comes
    (job(service, "sent", "1.2.78_1") / places.MADE).write_text("{}")
    job(service, "waiting", "1.2.79_1")
    (job(service, "waiting", "1.2.80_1") / places.RESULTS).write_text("no folder")
    damaged = job(service, "sending", "1.2.81_1") / places.RESULTS
    damaged.mkdir()
    (damaged / "1.dcm").write_bytes(b"DICM?")
    for state in places.STATES:
        job(service, state, "Doe Jane")
        (service.queue / state / "Doe.txt").write_text("Doe")
    job(service, "failed", "1.2.77_copy")
    (service.queue / "failed" / "1.2.77_9").symlink_to(tmp_path)
    service.start()

    files = small_study(tmp_path / "study", "1.2.77")
    send_until_taken(files, service.port)
    until(lambda: (service.queue / "sent" / "1.2.77_10").is_dir(), SECONDS, "the study is not done")

    assert wrong_with(archive.of("1.2.77"), tmp_path / "study") == ""
    failed = {path.name for path in service.jobs("failed")}
    assert {"1.2.77_1", "1.2.79_1", "1.2.80_1", "1.2.81_1"} <= failed
    assert service.interrupt() == 130
    service.start()
    assert service.interrupt() == 130
    lines = service.lines()
    assert "Doe" not in lines
    assert "Traceback" not in lines
    for name in ("1.2.77_1", "1.2.79_1", "1.2.80_1", "1.2.81_1"):
        assert lines.count(f"study {name} failed: ") == 1, lines
    for state in places.STATES:
        assert lines.count(f"the queue's folder {state} contains") == 2, lines  # once a start


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 16 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(place)], capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill_up(disk: Path) -> Path:
    """Leave no room on a disk."""
    ballast = disk / "ballast"
    with ballast.open("ab", buffering=0) as file:
        for size in (2**16, 2**12):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                continue
    return ballast


def test_a_full_disk_pauses_it_and_nothing_is_lost(archive: Archive, tmp_path: Path, small_disk: Path) -> None:
    service = Service(tmp_path / "service", archive.port, queue=str(small_disk / "queue"), quiet_seconds=3).start()
    first, second = (small_study(tmp_path / uid, uid) for uid in ("1.2.77", "1.2.78"))
    assert send_files(first, service.port) == [0, 0, 0]
    ballast = fill_up(small_disk)

    assert set(send_files(second, service.port)) == {0xA700}
    until(lambda: "filling waits: the disk is full" in service.lines(), SECONDS, "nothing is said")
    assert "No space left" in service.lines()
    assert service.is_listening()
    ballast.unlink()

    assert send_files(second, service.port) == [0, 0, 0]
    until(lambda: len(archive.received) == 2, SECONDS, "the studies are not done")
    until(lambda: "filling goes on" in service.lines(), 10, "nothing is said")
    until(lambda: not list((small_disk / "queue" / "sending").iterdir()), SECONDS, "not all is sent")
    for uid in ("1.2.77", "1.2.78"):
        assert wrong_with(archive.of(uid), tmp_path / uid) == ""
    assert service.interrupt() == 130


def test_what_it_keeps_is_the_owners_alone_even_in_folders_that_were_open(archive: Archive, tmp_path: Path) -> None:
    service = Service(tmp_path / "service", free_port())  # nobody takes the results, so that they stay
    for state in places.STATES:
        (service.queue / state).mkdir(parents=True)
        (service.queue / state).chmod(0o755)
    service.queue.chmod(0o755)
    service.start()
    send_files(small_study(tmp_path / "study", "1.2.77"), service.port)
    until(lambda: "waits to be sent" in service.lines(), SECONDS, "nothing waits")

    found = [service.queue, *service.queue.rglob("*")]
    assert any(path.name == places.RECORD for path in found)
    for path in found:
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path
    assert service.interrupt() == 130


# --- the process that works


def _sleeper():
    return time.sleep


def _greedy():
    return bytes


def test_work_that_hangs_is_ended_and_the_next_is_done() -> None:
    worker = Worker(threading.Event(), _sleeper)
    started = time.monotonic()

    with pytest.raises(Lost, match="took more than 1 s"):
        worker.do(1.0, 600)

    assert time.monotonic() - started < 10
    assert worker.do(60.0, 0) is None
    worker.close()


def test_work_that_takes_all_memory_ends_alone() -> None:
    worker = Worker(threading.Event(), _greedy)
    with pytest.raises(Lost, match="ended with"):
        worker.do(60.0, 2**50)
    assert worker.do(60.0, 3) == bytes(3)
    worker.close()


def test_work_stops_with_the_service() -> None:
    ended = threading.Event()
    worker = Worker(ended, _sleeper)
    threading.Timer(1.0, ended.set).start()
    with pytest.raises(Stopped):
        worker.do(600.0, 600)


def test_a_program_that_ends_without_closing_its_worker_ends_and_takes_it_along(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(_ENDS_WHILE_A_WORKER_IS_BUSY)
    ran = subprocess.run([sys.executable, script], timeout=60, check=False)
    assert ran.returncode == 3


# --- what may not stop it


def test_an_archive_that_takes_one_study_not_now_gets_the_others(tmp_path: Path) -> None:
    archive = Archive()
    service = Service(tmp_path / "service", archive.port)
    for uid in ("1.2.77", "1.2.78"):
        results = job(service, "sending", f"{uid}_1") / places.RESULTS
        results.mkdir()
        for path in small_study(tmp_path / uid, uid):
            shutil.copy(path, results)
    archive.busy_with = "1.2.77"
    service.start()

    until(lambda: (service.queue / "sent" / "1.2.78_1").is_dir(), SECONDS, "the other study is not sent")
    assert "study 1.2.77_1 waits to be sent: ARCHIVE has no room now (status A700)." in service.lines()
    archive.busy_with = ""
    until(lambda: (service.queue / "sent" / "1.2.77_1").is_dir(), SECONDS, "the study is not sent")
    assert service.interrupt() == 130
    archive.close()


def test_it_ends_at_once_while_an_archive_says_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        service = Service(tmp_path / "service", silent.getsockname()[1])
        results = job(service, "sending", "1.2.77_1") / places.RESULTS
        results.mkdir()
        shutil.copy(small_study(tmp_path / "study", "1.2.77")[0], results)
        service.start()
        silent.accept()

        started = time.monotonic()
        assert service.interrupt(signal.SIGTERM) == 130

    assert time.monotonic() - started < 5
    assert "studies that are not done: 1" in service.lines()


def test_records_of_damaged_jobs_say_why(archive: Archive, tmp_path: Path) -> None:
    service = Service(tmp_path / "service", archive.port)
    job(service, "waiting", "1.2.79_1")
    service.start()
    until(lambda: (service.queue / "failed" / "1.2.79_1").is_dir(), SECONDS, "the job does not fail")

    why = json.loads((service.queue / "failed" / "1.2.79_1" / places.RECORD).read_text())["why"]
    assert why.startswith("The study")
    service.interrupt()


@pytest.mark.parametrize("target", ["_loop", "listen"])
def test_ctrl_c_before_a_thread_has_started_ends_the_service_in_order(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = Service(tmp_path / "service", free_port())
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(described.settings))
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        if getattr(thread, "_target").__name__ != target:  # noqa: B009
            return start(thread)
        thread._ident = 1  # type: ignore[attr-defined] # as start() sets it before the thread counts as started
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)

    with pytest.raises(KeyboardInterrupt):
        serve(read_settings(file), lambda _: None)

    with socket.create_server(("127.0.0.1", described.port)):
        pass  # nothing holds the port
