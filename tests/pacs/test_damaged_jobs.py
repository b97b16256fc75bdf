"""Jobs of the queue that are damaged, and errors of the disk: no other job is lost or held up."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from queue_samples import INSTANCES, LARGE, STUDY, opened, received, waiting_job, work

from monai_inpaint import InputError
from monai_inpaint.pacs import durable_files
from monai_inpaint.pacs import job_layout as places
from monai_inpaint.pacs.job_layout import FAILED, SENT, WAITING
from monai_inpaint.pacs.queue import Queue


def test_a_job_whose_note_is_damaged_goes_to_failed_and_its_study_may_come_again(tmp_path: Path) -> None:
    said: list[str] = []
    queue = Queue(tmp_path, LARGE, LARGE, said.append)
    work(queue, set(), [])
    (tmp_path / SENT / f"{STUDY}_1" / places.INSTANCES).write_text("")

    queue.arriving.store(received(queue), STUDY, INSTANCES[0])

    assert queue.arriving.take(0) == [(STUDY, "complete with 1 instances")]
    assert [job.name for job in (tmp_path / FAILED).iterdir()] == [f"{STUDY}_1"]
    assert len(said) == 1
    assert said[0].startswith(f"study {STUDY}_1 failed: What is kept of it cannot be used.")


def test_a_damaged_job_takes_the_place_of_no_other_in_failed(tmp_path: Path) -> None:
    queue = opened(tmp_path)
    job = waiting_job(queue)
    (tmp_path / FAILED / f"{STUDY}_1").mkdir()
    (tmp_path / FAILED / f"{STUDY}_1" / "kept").touch()

    queue.fail(job, "It was too hard.")

    assert sorted(job.name for job in (tmp_path / FAILED).iterdir()) == [f"{STUDY}_1", f"{STUDY}_2"]


def test_a_job_that_cannot_even_be_moved_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    queue = Queue(tmp_path, LARGE, LARGE, said.append)
    queue.arriving.store(received(queue), STUDY, INSTANCES[0])
    queue.arriving.store(received(queue), "1.2.4", "1.2.4.1")
    queue.arriving.take(0)
    job = queue.next(WAITING)
    assert job is not None

    def denied(*_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(durable_files, "rename", denied)
        queue.quarantine(job, PermissionError(13, "Permission denied"))

    assert said == [f"study {job.name} is damaged and cannot be moved to failed: it is left alone"]
    other = queue.next(WAITING)
    assert other is not None
    assert other != job
    job.chmod(0o700)  # whoever keeps the queue has seen to it
    assert queue.next(WAITING) in (job, other)


def test_a_full_disk_is_no_fault_of_a_job(tmp_path: Path) -> None:
    queue = opened(tmp_path)
    job = waiting_job(queue)
    error = InputError("It cannot be written.")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(InputError):
        queue.quarantine(job, error)

    assert queue.next(WAITING) == job
