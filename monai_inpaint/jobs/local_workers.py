"""Workers of `batch --workers`: processes of this machine, each with its own engine and share of the cores."""

from __future__ import annotations

import multiprocessing
import os
import signal
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from monai_inpaint.jobs.cohort import CohortCase, Outcome, fill_case


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    number: int
    case: CohortCase | None = None


class LocalWorkers:
    """So many processes; one that ends is replaced.

    Args:
        count: of them.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._context = multiprocessing.get_context("spawn")  # engines have threads, which a fork would lose
        self._workers = [self._started(number) for number in range(count)]

    @property
    def idle(self) -> int:
        """See `Workers`."""
        return sum(worker.case is None for worker in self._workers)

    def begin(self, case: CohortCase) -> None:
        """See `Workers`."""
        worker = next(worker for worker in self._workers if worker.case is None)
        worker.case = case
        try:
            worker.connection.send(case)
        except OSError:  # it has just ended, which `finished` finds out
            return

    def finished(self) -> list[tuple[CohortCase, Outcome | None]]:
        """See `Workers`."""
        busy = {worker.connection: worker for worker in self._workers if worker.case is not None}
        ended: list[tuple[CohortCase, Outcome | None]] = []
        for connection in wait(list(busy)):
            worker = busy[connection]  # type: ignore[index]
            assert worker.case is not None
            try:
                outcome = worker.connection.recv()
            except (EOFError, OSError):
                outcome = None
                self._end(worker)
                self._workers[worker.number] = self._started(worker.number)
            ended.append((worker.case, outcome))
            worker.case = None
        return ended

    def close(self) -> None:
        """See `Workers`."""
        for worker in self._workers:
            self._end(worker)

    def _started(self, number: int) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(theirs, number, self._count), daemon=True)
        process.start()
        theirs.close()
        return _Worker(process, ours, number)

    def _end(self, worker: _Worker) -> None:
        worker.connection.close()
        worker.process.kill()
        worker.process.join()


def _serve(connection: Connection, number: int, count: int) -> None:
    """Fill cases until the other end is closed, as it is when the driver ends in whatever way."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the driver
    if hasattr(os, "sched_setaffinity"):  # engines take as many threads as there are cores for them
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[number::count] or cores)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)  # the driver reports what went wrong
    while True:
        try:
            case = connection.recv()
        except EOFError:
            return
        connection.send(fill_case(case))
