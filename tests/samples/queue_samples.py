"""A queue with a study of three instances, in a process that is killed at a chosen moment."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from monai_inpaint.pacs import durable_files
from monai_inpaint.pacs import job_layout as places
from monai_inpaint.pacs.arrival import Arrival
from monai_inpaint.pacs.job_layout import FETCHING, SENDING, WAITING
from monai_inpaint.pacs.queue import Queue

STUDY, INSTANCES = "1.2.3", ["1.2.3.1", "1.2.3.2", "1.2.3.3"]
LARGE = 10**6


class Killed(BaseException):
    """The process is no more."""


class Disk:
    """Counts how often something is put on the disk, and kills the process at one of these moments."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._left: int | None = None
        self._sync = durable_files.sync
        monkeypatch.setattr(durable_files, "sync", self)

    def __call__(self, path: Path) -> None:
        if self._left == 0:
            self._left = None
            raise Killed
        if self._left is not None:
            self._left -= 1
        self._sync(path)

    def kills(self, steps: int, act: Callable[..., object], *args: Any) -> bool:
        """Act, and be killed after so many steps; whether there were as many."""
        self._left = steps
        try:
            act(*args)
        except Killed:
            return True
        finally:
            self._left = None
        return False


def opened(root: Path, study_bytes: int = LARGE, quota_bytes: int = LARGE) -> Queue:
    return Queue(root, study_bytes, quota_bytes)


def restarted(queue: Queue) -> Queue:
    """The queue of the next process, after one that was killed."""
    os.close(queue._held)
    return opened(queue.root)


def received(queue: Queue, size: int = 100, content: bytes = b"\0") -> Arrival:
    """An instance that has just been received."""
    arrival = queue.arriving.arrival()
    arrival.write(content * size)
    arrival.finish()
    return arrival


def waiting_job(queue: Queue, size: int = 100) -> Path:
    """Receive a study of one instance, and take the job that it becomes."""
    queue.arriving.store(received(queue, size), STUDY, INSTANCES[0])
    queue.arriving.take(0)
    job = queue.next(WAITING)
    assert job is not None
    return job


def work(queue: Queue, acknowledged: set[str], sent: list[dict[str, str]]) -> None:
    """What sender and service do: send what was not acknowledged, take the study, fetch the rest, fill, send."""
    for instance in INSTANCES[:-1]:
        if instance not in acknowledged:
            queue.arriving.store(received(queue), STUDY, instance)
            acknowledged.add(instance)
    queue.arriving.take(0, FETCHING)
    job = queue.next(FETCHING)
    if job:
        fetched = job / "fetched.partial"
        (fetched / places.INPUT).mkdir(parents=True)
        for instance in INSTANCES[-2:]:
            (fetched / places.INPUT / f"{instance}.dcm").write_bytes(bytes(100))
        queue.keep_fetched(job, fetched)
        shutil.rmtree(fetched)
        queue.move(job, WAITING)
    job = queue.next(WAITING)
    if job:
        if not (job / places.RESULTS).is_dir():
            results = job / "made.partial" / places.RESULTS
            results.mkdir(parents=True)
            made = [str(uuid.uuid4()) for _ in range(2)]  # new ones each time that results are made
            for number, uid in enumerate(made):
                (results / f"{number}.dcm").write_text(uid)
            (results / places.RECORD).write_text("{}")
            queue.keep_results(job, results, made)
        queue.move(job, SENDING)
    job = queue.next(SENDING)
    if job:
        sent.append({path.name: path.read_text() for path in (job / places.RESULTS).glob("*.dcm")})
        queue.finish(job)
