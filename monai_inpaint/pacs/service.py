"""Run the service: studies are received, filled and sent back one by one; none is lost or processed twice.

A study that cannot be handled is given up (`failed`) and logged, and the next one goes on. While the disk is full
nothing is taken, and what is on its way waits until there is room.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from monai_inpaint.pacs import queue as places
from monai_inpaint.pacs import tasks
from monai_inpaint.pacs.archive import instances_below
from monai_inpaint.pacs.disk_space import is_full, reason_of
from monai_inpaint.pacs.durable_files import bytes_below
from monai_inpaint.pacs.listener import Log, listening
from monai_inpaint.pacs.log import log_as
from monai_inpaint.pacs.monitor import monitored
from monai_inpaint.pacs.queue import Queue
from monai_inpaint.pacs.settings import Settings, sending_tls
from monai_inpaint.pacs.worker import Lost, Stopped, Worker
from monai_inpaint.private import private_files

_LOOK = 0.1  # seconds between two looks into the queue
_LONGEST_FILL = _LONGEST_SENDING = _LONGEST_FETCH = 3600.0  # seconds that one study may take
_WAIT, _LONGEST_WAIT = 1.0, 60.0  # seconds before something is tried again: at first, and at most


def serve(settings: Settings, log: Log, stop: threading.Event | None = None) -> None:
    """Run until `stop` is set or this thread is interrupted; what is on its way is taken up at the next start.

    Args:
        settings: as read from the file.
        log: takes a sentence; it holds UIDs, AE titles and numbers, nothing else of what is received.

    Raises:
        InputError: the queue is in use, the port is taken, or TLS cannot be set up.
    """
    stop = stop or threading.Event()
    log = log_as(settings.log, log)
    warnings.simplefilter("ignore")  # libraries quote what they warn of
    for archive in (settings.send, settings.fetch):
        if archive and archive.tls:
            sending_tls(archive.tls)  # refused now rather than when the first study is done
    with private_files():
        queue = Queue(settings.queue, settings.study_bytes, settings.quota_bytes, log, settings.keep_seconds)
        try:
            _run(settings, queue, log, stop)
        finally:
            queue.close()


def _run(settings: Settings, queue: Queue, log: Log, stop: threading.Event) -> None:
    ended, waits = threading.Event(), dict[str, str]()
    steps = {
        "fetching": _Fetching(queue, settings, log, ended, waits),
        "filling": _Filling(queue, settings, log, ended),
        "sending": _Sending(queue, settings, log, ended, waits),
    }
    loops = [
        threading.Thread(target=_loop, args=(step, what, ended, log, waits), daemon=True)
        for what, step in steps.items()
    ]
    with monitored(settings.monitor, queue, waits), listening(settings, queue, log):
        try:
            for loop in loops:
                loop.start()
            while not stop.wait(_LOOK):  # a signal that another thread takes does not wake this one
                pass
        finally:
            ended.set()
            for loop, step in zip(loops, steps.values(), strict=True):
                if loop.ident:  # started
                    loop.join()  # soon, since it waits for nothing but its worker, and looks up
                step.worker.close()
            log(f"stopped; studies that are not done: {queue.waiting_studies()}")


def _loop(step: Callable[[], bool], what: str, ended: threading.Event, log: Log, waits: dict[str, str]) -> None:
    """Do the next thing, or wait a moment; where something is wrong with the place, longer each time."""
    wait = _WAIT
    while not ended.is_set():
        try:
            if not step():
                ended.wait(_LOOK)
        except Exception as error:
            if ended.is_set():
                return
            why = "the disk is full." if is_full(error) else reason_of(error)
            if wait == _WAIT:
                log(f"{what} waits: {why}")
            waits[what] = why
            ended.wait(wait)
            wait = min(2 * wait, _LONGEST_WAIT)
        else:
            if wait != _WAIT:
                log(f"{what} goes on")
                waits.pop(what, None)
            wait = _WAIT


class _Fetching:
    """Fetches what the next study lacks; where nothing can be fetched, it is filled as it is.

    One that the archive does not answer for now waits, longer each time.
    """

    def __init__(
        self, queue: Queue, settings: Settings, log: Log, ended: threading.Event, waits: dict[str, str]
    ) -> None:
        self._queue, self._settings, self._log, self._waits = queue, settings, log, waits
        self.worker = Worker(ended, tasks.fetcher, settings.rules, settings.fetch, settings.listen.title)
        self._later = _Later()

    def __call__(self) -> bool:
        job = self._queue.next(places.FETCHING, self._later.jobs())
        if job is None:
            return False
        try:
            if self._settings.fetch is None or self._fetch(job):  # where it is no longer in the settings
                self._queue.move(job, places.WAITING)
                self._later.drop(job)
        except Stopped:
            return False
        except Exception as error:
            self._queue.quarantine(job, error)
        return True

    def _fetch(self, job: Path) -> bool:
        """Fetch in a process of its own; whether there is nothing more to wait for."""
        place = Path(tempfile.mkdtemp(suffix=".partial", dir=job))
        try:
            (place / places.INPUT).mkdir()
            limit = self._queue.room_for(max(self._settings.study_bytes - bytes_below(job), 0))
            how, why = _done(self.worker, _LONGEST_FETCH, job / places.INPUT, place / places.INPUT, limit)
            if how == tasks.LATER:
                if self._later.put(job):
                    self._log(f"study {job.name} waits for what it lacks: {why}")
                self._waits["fetching"] = why
                return False
            self._waits.pop("fetching", None)
            if how == tasks.DONE:
                self._queue.keep_fetched(job, place)
                self._log(f"study {job.name}: fetched {why}")
            elif how == tasks.FAILED:
                self._log(f"study {job.name}: nothing is fetched. {why}")
        finally:
            shutil.rmtree(place, ignore_errors=True)
        return True


class _Filling:
    """Takes studies that are complete, and fills the next one."""

    def __init__(self, queue: Queue, settings: Settings, log: Log, ended: threading.Event) -> None:
        self._queue, self._settings, self._log = queue, settings, log
        self.worker = Worker(ended, tasks.filler, settings.rules, settings.report_skipped)

    def __call__(self) -> bool:
        into = places.FETCHING if self._settings.fetch else places.WAITING
        for study, sentence in self._queue.take(self._settings.quiet_seconds, into):
            self._log(f"study {study} {sentence}")
        job = self._queue.next(places.WAITING)
        if job is None:
            return False
        try:
            # A process killed after the results were made and before the job moved on has left them there.
            if (job / places.RESULTS).is_dir() or self._fill(job):
                self._queue.move(job, places.SENDING)
        except Stopped:
            return False
        except Exception as error:
            self._queue.quarantine(job, error)
        return True

    def _fill(self, job: Path) -> bool:
        """Make the results in a process of its own; whether there are some to send."""
        place = Path(tempfile.mkdtemp(suffix=".partial", dir=job))
        try:
            filled = self._queue.filled(job)
            how, why = _done(self.worker, _LONGEST_FILL, job / places.INPUT, place / places.RESULTS, filled)
            if how == tasks.FAILED:
                self._queue.fail(job, why)
                self._log(f"study {job.name} failed: {why}")
                return False
            if how == tasks.NOTHING:
                self._log(f"study {job.name}: nothing is filled. {why}")
            made = [instance.uid for instance in instances_below(place / places.RESULTS)]
            if how == tasks.NOTHING and not made:
                self._queue.set_aside(job, place / places.RESULTS / places.RECORD)
                return False
            self._queue.keep_results(job, place / places.RESULTS, made)
        finally:
            shutil.rmtree(place, ignore_errors=True)
        self._log(f"study {job.name} filled: {len(made)} results")
        return True


class _Sending:
    """Sends the results of the next study; one that the archive does not take now waits, longer each time."""

    def __init__(
        self, queue: Queue, settings: Settings, log: Log, ended: threading.Event, waits: dict[str, str]
    ) -> None:
        self._queue, self._log, self._waits = queue, log, waits
        self.worker = Worker(ended, tasks.sender, settings.send, settings.listen.title)
        self._later = _Later()

    def __call__(self) -> bool:
        job = self._queue.next(places.SENDING, self._later.jobs())
        if job is None:
            return False
        try:
            how, why = _done(self.worker, _LONGEST_SENDING, job / places.RESULTS)
            if how == tasks.LATER:
                if self._later.put(job):
                    self._log(f"study {job.name} waits to be sent: {why}")
                self._waits["sending"] = why
                return True
            self._waits.pop("sending", None)
            if how == tasks.FAILED:
                self._queue.fail(job, why)
                self._log(f"study {job.name} failed: {why}")
            else:
                self._queue.finish(job, why if how == tasks.PARTLY else "")
                self._log(f"study {job.name} done: {why}")
            self._later.drop(job)
        except Stopped:
            return False
        except Exception as error:
            self._queue.quarantine(job, error)
        return True


class _Later:
    """Jobs that are tried again, each after a while that grows."""

    def __init__(self) -> None:
        self._jobs: dict[Path, tuple[float, float]] = {}  # when, after how long

    def jobs(self) -> set[Path]:
        """Those that are not due."""
        now = time.monotonic()
        return {job for job, (when, _) in self._jobs.items() if when > now}

    def put(self, job: Path) -> bool:
        """Try a job again later; whether it is the first time."""
        first = job not in self._jobs
        wait = _WAIT if first else min(2 * self._jobs[job][1], _LONGEST_WAIT)
        self._jobs[job] = time.monotonic() + wait, wait
        return first

    def drop(self, job: Path) -> None:
        """It is done."""
        self._jobs.pop(job, None)


def _done(worker: Worker, longest: float, *args: Any) -> tasks.Outcome:
    """What a worker has done; raises OSError where it found the disk full, and Stopped."""
    try:
        how, why = worker.do(longest, *args)
    except Lost as error:
        return tasks.FAILED, str(error)
    if how == tasks.FULL:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return how, why
