"""A process that works for the service, one task after another, and may hang, crash or exhaust the memory."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

_LOOK = 0.1  # seconds between two looks whether it is to end
_TOGETHER = 1.0  # seconds in which whoever kills the worker has killed the service too


class Lost(Exception):
    """The process ended, or was ended since it took too long; the message is a sentence."""


class Stopped(Exception):
    """The service ends."""


class Worker:
    """Started when there is something to do; what it has loaded stays for what follows.

    Args:
        ended: set when the service ends.
        make: a function of a module; called in the process with `given` it returns what does the work.
    """

    def __init__(self, ended: threading.Event, make: Callable[..., Callable[..., Any]], *given: Any) -> None:
        self._ended, self._make, self._given = ended, make, given
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        # else the interpreter would ask it to end, which it ignores, and wait for it
        atexit.register(self.close)

    def do(self, longest: float, *args: Any) -> Any:
        """Return the result of the work for `args`; all of it is pickled.

        Args:
            longest: seconds that it may take.

        Raises:
            Lost, Stopped: as they say.
        """
        if self._pipe is None:
            self._start()
        assert self._pipe is not None
        end = time.monotonic() + longest
        try:
            self._pipe.send(args)
            while not self._ended.is_set() and time.monotonic() < end:
                if self._pipe.poll(_LOOK):
                    return self._pipe.recv()
        except (EOFError, OSError):
            code = self._end()
            if code < 0 and self._ended.wait(_TOGETHER):
                raise Stopped from None
            raise Lost(f"The process that did it ended with {code}.") from None
        self._end()
        if self._ended.is_set():
            raise Stopped
        raise Lost(f"It took more than {longest:.0f} s.")

    def close(self) -> None:
        """End the process, whatever it does."""
        if self._process is not None:
            self._end()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        process = context.Process(target=_work, args=(other, self._make, self._given), daemon=True)
        process.start()
        self._process = process
        other.close()  # so that the end of the worker is the end of the pipe

    def _end(self) -> int:
        """The exit code."""
        assert self._process is not None
        assert self._pipe is not None
        self._pipe.close()
        self._process.join(_TOGETHER if self._process.exitcode is None and not self._ended.is_set() else 0)
        self._process.kill()
        self._process.join()
        code = self._process.exitcode
        self._process = self._pipe = None
        return code or 0


def _work(pipe: Connection, make: Callable[..., Callable[..., Any]], given: tuple) -> None:
    """Main function of the process until the service ends."""
    for number in (signal.SIGINT, signal.SIGTERM):  # are for the service, which ends us
        signal.signal(number, signal.SIG_IGN)
    warnings.simplefilter("ignore")
    _bound_memory()
    threading.Thread(target=_end_with_service, daemon=True).start()
    work = make(*given)
    while True:
        try:
            args = pipe.recv()
        except EOFError:
            return
        pipe.send(work(*args))


def _bound_memory() -> None:
    """Have this process, not the service or another program, end or fail where memory runs out."""
    import resource

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if soft == resource.RLIM_INFINITY or memory < soft:
        resource.setrlimit(resource.RLIMIT_DATA, (memory, hard))
    with suppress(OSError):  # of Linux only
        Path("/proc/self/oom_score_adj").write_text("1000")


def _end_with_service() -> None:
    service = multiprocessing.parent_process()
    assert service is not None
    service.join()
    os._exit(1)
