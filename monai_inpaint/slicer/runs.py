"""Runs in the background, one after another."""

import shutil
import tempfile
import threading
import time
from enum import Enum
from pathlib import Path
from typing import Any

from .environment import Environment, check_temporary
from .errors import InpaintError
from .jobs import Job
from .process import Process
from .progress import RunProgress

_TURN = 0.004  # seconds that a tick leaves to the threads


class State(Enum):
    """Outcome of a run."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Run:
    """One job in a separate thread: write the inputs, run the command, read the outputs, remove the files.

    Attributes:
        job: the job.
        state: of the run; once it is DONE, `result` contains the result of the job, once FAILED `error` a sentence.
        progress: how far it is.
        log: every line of output, to be copied.
        seconds: that it took.
    """

    def __init__(self, job: Job, environment: Environment) -> None:
        self.job = job
        self.state = State.WAITING
        self.progress = RunProgress()
        self.log: list[str] = []
        self.result: Any = None
        self.error = ""
        self.seconds = 0.0
        self._environment = environment
        self._process: Process | None = None
        self._cancelled = threading.Event()
        self._lock = threading.Lock()  # between starting the process and cancelling it
        self._thread = threading.Thread(target=self._work, name=job.title, daemon=True)

    @property
    def ended(self) -> bool:
        """Nothing of it is running or on disk any more."""
        return self.state in (State.DONE, State.FAILED, State.CANCELLED)

    def start(self) -> None:
        """Begin; returns at once."""
        self.state = State.RUNNING
        self._thread.start()

    def cancel(self) -> None:
        """End it and all that it started; returns at once, and within a second it has ended."""
        self._cancelled.set()
        if self.state is State.WAITING:
            self.state = State.CANCELLED
            return
        with self._lock:
            process = self._process
        if process is not None:
            threading.Thread(target=process.end, daemon=True).start()

    def _work(self) -> None:
        start = time.monotonic()
        try:
            result = self._in_folder()
            state = State.DONE
        except InpaintError as error:
            state, self.error = State.FAILED, str(error)
        except OSError as error:
            state, self.error = State.FAILED, f"{error.filename or 'A file'}: {error.strerror or error}."
        except Exception as error:  # a defect of ours must not look like a run that never ends
            state, self.error = State.FAILED, f"A fault of the extension: {type(error).__name__}: {error}."
        self.seconds = time.monotonic() - start
        if self._cancelled.is_set():
            self.state = State.CANCELLED
            return
        if state is State.DONE:
            self.result = result
        self.state = state

    def _in_folder(self) -> Any:
        check_temporary(self._environment.temporary)
        folder = Path(tempfile.mkdtemp(prefix="inpaint-", dir=self._environment.temporary))
        try:
            words = self.job.prepare(folder)
            place = folder / "work"
            place.mkdir()
            self._run(words, place)
            return self.job.collect(folder, self.progress.sentences)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _run(self, words: list[str], place: Path) -> None:
        """Run Python in an empty folder, and with -P, so that no file in the working folder is imported as a module."""
        with self._lock:
            if self._cancelled.is_set():
                raise InpaintError("Cancelled.")
            command = [self._environment.python, "-P", *words]
            self._process = Process(command, self._environment.variables, place)
        for line in self._process.lines():
            self.log.append(line)
            self.progress.feed(line)
        code = self._process.wait()
        if code:
            raise InpaintError(_reason(code, self.progress.last_sentence))


class RunQueue:
    """Runs, one at a time; `tick` is called on the main thread, by a timer."""

    def __init__(self) -> None:
        self._waiting: list[Run] = []
        self.current: Run | None = None

    def __len__(self) -> int:
        return len(self._waiting) + (self.current is not None)

    def add(self, run: Run) -> Run:
        """Put it at the end; returns it."""
        self._waiting.append(run)
        return run

    def tick(self) -> Run | None:
        """Go on; returns the run that has ended since the last call, if any."""
        # Slicer may hold Python's lock while it waits for events: this gives the threads their turn.
        time.sleep(_TURN)
        ended = None
        if self.current is not None and self.current.ended:
            ended, self.current = self.current, None
        while self.current is None and self._waiting:
            run = self._waiting.pop(0)
            if not run.ended:
                self.current = run
                run.start()
        return ended

    def cancel(self) -> None:
        """End the current run and drop those that wait."""
        for run in [*self._waiting, *([self.current] if self.current else [])]:
            run.cancel()
        self._waiting.clear()

    def end(self) -> None:
        """End all, and wait until nothing of it is left."""
        self.cancel()
        while self.current is not None and not self.current.ended:
            time.sleep(_TURN)


def _reason(code: int, sentence: str) -> str:
    """The command's own error, or the meaning of its exit code."""
    if "No module named monai_inpaint" in sentence:
        return "The package monai-inpaint is not installed; press Install under Before you start."
    if code < 0 or code in (137, 3221225477):
        return f"The command was ended from outside (code {code}); most often the machine ran out of memory."
    return sentence or f"The command failed without a message (code {code}); copy the log and report it."
