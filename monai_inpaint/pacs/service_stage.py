"""Take the jobs of one state, one after another; one that cannot go on now is tried again later."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from monai_inpaint.pacs import tasks
from monai_inpaint.pacs.queue import Queue
from monai_inpaint.pacs.settings import Settings
from monai_inpaint.pacs.worker import Lost, Stopped, Worker

WAIT, LONGEST_WAIT = 1.0, 60.0  # seconds before something is tried again: at first, and at most


@dataclass(frozen=True)
class Shared:
    """State that all stages of a service share; `waits` contains the reason of each stage that cannot go on."""

    queue: Queue
    settings: Settings
    log: Callable[[str], None]
    ended: threading.Event
    waits: dict[str, str]


class ServiceStage(ABC):
    """One stage of the service, and the process that works for it.

    Attributes:
        name: what it does, for the log.
        what: the kind of its jobs, for the log.
        state: whose jobs it takes.
        waits: what the log says of a job that cannot go on now.
        longest: seconds that one job may take.

    Args:
        make, given: of the worker.
    """

    name: ClassVar[str]
    what: ClassVar[str] = "study"
    state: ClassVar[str] = ""
    waits: ClassVar[str] = "waits"
    longest: ClassVar[float] = 3600.0

    def __init__(self, shared: Shared, make: Callable[..., Callable[..., tasks.TaskOutcome]], *given: Any) -> None:
        self.shared, self.queue, self.log = shared, shared.queue, shared.log
        self.worker = Worker(shared.ended, make, *given)
        self.later = Later()

    def __call__(self) -> bool:
        """Do the next job; whether there was one."""
        try:
            job = self.next()
            if job is not None:
                self._do(job)
        except Stopped:
            return False
        if why := self.later.reason():
            self.shared.waits[self.name] = why
        else:
            self.shared.waits.pop(self.name, None)
        return job is not None

    def _do(self, job: Path) -> None:
        try:
            why = self.work(job)
        except Stopped:
            raise
        except Exception as error:
            self.give_up(job, error)
            why = None
        if why is None:
            self.later.drop(job)
        elif self.later.put(job, why):
            self.log(f"{self.what} {job.name} {self.waits}: {why}")

    def next(self) -> Path | None:
        """Return the job that is to be done now; None if there is none."""
        return self.queue.next(self.state, self.later.jobs())

    def give_up(self, job: Path, error: Exception) -> None:
        """Take a job out of the way that cannot be done; raises the error where it says that the disk is full."""
        self.queue.quarantine(job, error)

    @abstractmethod
    def work(self, job: Path) -> str | None:
        """Do a job, and move it on: None; or why it is to be tried again later, "" where that is as usual."""

    def done(self, *args: Any) -> tasks.TaskOutcome:
        """Result of the worker; raises OSError where it found the disk full, and Stopped."""
        try:
            outcome = self.worker.do(self.longest, *args)
        except Lost as error:
            return tasks.TaskOutcome(tasks.FAILED, str(error))
        if outcome.how == tasks.FULL:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return outcome

    @staticmethod
    @contextmanager
    def beside(job: Path) -> Iterator[Path]:
        """A folder in that of a job, for what is not complete yet."""
        place = Path(tempfile.mkdtemp(suffix=".partial", dir=job))
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)


class Later:
    """Jobs that are tried again, each after a while that grows."""

    def __init__(self) -> None:
        # when, after how long, why ("": as usual), whether the log says why
        self._jobs: dict[Path, tuple[float, float, str, bool]] = {}

    def jobs(self) -> set[Path]:
        """Those that are not due."""
        now = time.monotonic()
        return {job for job, (when, *_) in self._jobs.items() if when > now}

    def put(self, job: Path, why: str) -> bool:
        """Try a job again later; whether the log is to say why, which it does once."""
        _, wait, _, logged = self._jobs.get(job, (0.0, WAIT / 2, "", False))
        wait = min(2 * wait, LONGEST_WAIT)
        self._jobs[job] = time.monotonic() + wait, wait, why, logged or bool(why)
        return bool(why) and not logged

    def reason(self) -> str:
        """Why one of them cannot go on; "" where all wait as usual."""
        # whoever keeps the queue may have taken a job away
        return next((why for job, (_, _, why, _) in self._jobs.items() if why and job.exists()), "")

    def drop(self, job: Path) -> None:
        """It is done."""
        self._jobs.pop(job, None)
