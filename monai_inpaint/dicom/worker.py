"""A process that fills studies for the service, one after the other, and may end as it likes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from monai_inpaint.dicom.rules import Rule

_LOOK = 0.1  # seconds between two looks whether it is to end
_TOGETHER = 1.0  # seconds in which whoever kills the worker has killed the service too


class Worker:
    """Started when the first study comes; networks stay loaded for those that follow.

    Args:
        rules: what is filled.
        ended: set when the service ends.
    """

    def __init__(self, rules: Sequence[Rule], ended: threading.Event) -> None:
        self._rules, self._ended = tuple(rules), ended
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None

    def fill(self, study: Path, output: Path, longest: float) -> str | None:
        """`process_study`, in the worker.

        Args:
            longest: seconds that it may take.

        Returns:
            "" when it is done, a sentence when it cannot be, None when the service ends.
        """
        if self._pipe is None:
            self._start()
        assert self._pipe is not None
        waited = 0.0
        try:
            self._pipe.send((study, output))
            while not self._ended.is_set() and waited < longest:
                if self._pipe.poll(_LOOK):
                    return self._pipe.recv()
                waited += _LOOK
        except (EOFError, OSError):
            code = self._end()
            if code < 0 and self._ended.wait(_TOGETHER):
                return None
            return f"The process that filled it ended with {code}."
        self._end()
        return None if self._ended.is_set() else f"To fill it took more than {longest:.0f} s."

    def close(self) -> None:
        """End the worker, whatever it does."""
        if self._process is not None:
            self._end()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        process = context.Process(target=_work, args=(other, self._rules), daemon=True)
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


def _work(pipe: Connection, rules: tuple[Rule, ...]) -> None:
    """What the worker does until the service ends."""
    for number in (signal.SIGINT, signal.SIGTERM):  # are for the service, which ends us
        signal.signal(number, signal.SIG_IGN)
    warnings.simplefilter("ignore")
    threading.Thread(target=_end_with_service, daemon=True).start()
    from monai_inpaint.dicom.sentences import sentence_of
    from monai_inpaint.dicom.study import Bundles, process_study

    bundles = Bundles()
    while True:
        try:
            study, output = pipe.recv()
        except EOFError:
            return
        why = ""
        try:
            process_study(study, output, rules, bundles)
        except Exception as error:
            why = sentence_of(error, {str(study): "The study", str(output): "The folder of the results"})
        pipe.send(why)


def _end_with_service() -> None:
    service = multiprocessing.parent_process()
    assert service is not None
    service.join()
    os._exit(1)
