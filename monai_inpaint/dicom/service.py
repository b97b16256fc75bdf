"""The service: studies are taken, filled and sent back, one after the other, and none is lost or made twice."""

from __future__ import annotations

import tempfile
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

from monai_inpaint.dicom import queue as places
from monai_inpaint.dicom.listener import Log, listening
from monai_inpaint.dicom.queue import Queue
from monai_inpaint.dicom.sender import Refused, Unreachable, instances_below, send
from monai_inpaint.dicom.settings import Settings, sending_tls
from monai_inpaint.dicom.worker import Worker

_LOOK = 0.1  # seconds between two looks into the queue
_LONGEST = 3600.0  # seconds that one study may take
_WAIT, _LONGEST_WAIT = 1.0, 60.0  # seconds before results are sent again: at first, and at most


def serve(settings: Settings, log: Log, stop: threading.Event | None = None) -> None:
    """Run until `stop` is set or this thread is interrupted; what is on its way is taken up at the next start.

    Args:
        settings: as read from the file.
        log: takes a sentence; it holds UIDs, AE titles and numbers, nothing else of what is received.

    Raises:
        InputError: the queue is in use, the port is taken, or TLS cannot be set up.
    """
    stop = stop or threading.Event()
    warnings.simplefilter("ignore")  # libraries quote what they warn of
    if settings.send.tls:
        sending_tls(settings.send.tls)  # refused now rather than when the first study is done
    queue = Queue(settings.queue, settings.study_bytes, settings.quota_bytes)
    ended = threading.Event()
    faults: list[BaseException] = []
    filling, sending = _Filling(queue, settings, log, ended), _Sending(queue, settings, log, ended)
    loops = [threading.Thread(target=_loop, args=(step, ended, faults), daemon=True) for step in (filling, sending)]
    try:
        with listening(settings, queue, log):
            for loop in loops:
                loop.start()
            try:
                while not stop.wait(_LOOK) and not faults:
                    pass
            finally:
                ended.set()
                for loop in loops:
                    loop.join()
                filling.close()
                log(f"stopped; studies that are not done: {queue.waiting_studies()}")
    finally:
        queue.close()
    if faults:
        raise faults[0]


def _loop(step: Callable[[], bool], ended: threading.Event, faults: list[BaseException]) -> None:
    """Do the next thing, or wait a moment; a fault ends the service, which can then be started again."""
    while not ended.is_set():
        try:
            if not step():
                ended.wait(_LOOK)
        except BaseException as error:
            faults.append(error)
            return


class _Filling:
    """Takes studies that are complete, and fills the next one."""

    def __init__(self, queue: Queue, settings: Settings, log: Log, ended: threading.Event) -> None:
        self._queue, self._settings, self._log = queue, settings, log
        self._worker = Worker(settings.rules, ended)

    def __call__(self) -> bool:
        for study, sentence in self._queue.take(self._settings.quiet_seconds):
            self._log(f"study {study} {sentence}")
        job = self._queue.next(places.WAITING)
        if job is None:
            return False
        # A process killed after the results were made and before the job moved on has left them there.
        if not (job / places.RESULTS).is_dir() and not self._fill(job):
            return False
        self._queue.move(job, places.SENDING)
        return True

    def _fill(self, job: Path) -> bool:
        """Make the results in a process of its own; whether they are there."""
        place = Path(tempfile.mkdtemp(suffix=".partial", dir=job))
        why = self._worker.fill(job / places.INPUT, place / places.RESULTS, _LONGEST)
        if why is None:
            return False
        if why:
            self._queue.fail(job, why)
            self._log(f"study {job.name} failed: {why}")
            return False
        made = [instance.uid for instance in instances_below(place / places.RESULTS)]
        self._queue.keep_results(job, place / places.RESULTS, made)
        place.rmdir()
        self._log(f"study {job.name} filled: {len(made)} results")
        return True

    def close(self) -> None:
        """End the process that fills."""
        self._worker.close()


class _Sending:
    """Sends the results of the next study; while the archive cannot be reached, waits longer each time."""

    def __init__(self, queue: Queue, settings: Settings, log: Log, ended: threading.Event) -> None:
        self._queue, self._settings, self._log, self._ended = queue, settings, log, ended
        self._wait = _WAIT

    def __call__(self) -> bool:
        job = self._queue.next(places.SENDING)
        if job is None:
            return False
        instances = instances_below(job / places.RESULTS)
        try:
            if instances:
                send(instances, self._settings.send, self._settings.listen.title)
        except Unreachable as error:
            if self._wait == _WAIT:
                self._log(f"study {job.name} waits to be sent: {error}")
            self._ended.wait(self._wait)
            self._wait = min(2 * self._wait, _LONGEST_WAIT)
            return True
        except Refused as error:
            self._queue.fail(job, f"{error}.")
            self._log(f"study {job.name} failed: {error}")
            return True
        self._wait = _WAIT
        self._queue.finish(job)
        self._log(f"study {job.name} done: {len(instances)} results sent")
        return True
