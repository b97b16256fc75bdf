"""Progress of a command on stderr: a line for people, JSON for programs, or nothing."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Self, TextIO

KINDS = ("auto", "json", "none")
_QUIET_SECONDS = 2.0  # what is done by then needs no progress line
_REDRAW_SECONDS = 0.1


Steps = Callable[[int, int], None]  # one stage, in one piece: the steps done and their number


def part(progress: Steps | None, first: int, total: int, size: int = 1) -> Steps | None:
    """Scale the progress of one part to the progress of the whole.

    Args:
        progress: of the whole; called in hundredths, or unchanged if the part is the whole.
        first: number of the parts before.
        total: number of all parts.
        size: the number of parts that this one counts as.
    """
    if progress is None or size == total:
        return progress
    return lambda done, steps: progress(100 * first + 100 * size * done // steps, 100 * total)


class Progress:
    """Reports nothing; the others extend it.

    Call it with the stage's name, the steps done and the total (0 where it is not known). `with` clears it at the end.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Report nothing."""

    def stage(self, name: str) -> Callable[[int, int], None]:
        """Return a callable (done, total) for one stage, for `Filler`."""
        return lambda done, total: self(name, done, total)

    def clear(self) -> None:
        """Take the line away, so that something else can be printed."""


class JsonProgress(Progress):
    """One JSON object a line: {"stage": str, "done": int, "total": int, "seconds": float since the start}."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._start = time.monotonic()

    def __call__(self, stage: str, done: int, total: int) -> None:
        seconds = round(time.monotonic() - self._start, 3)
        line = json.dumps({"stage": stage, "done": done, "total": total, "seconds": seconds})
        self._stream.write(line + "\n")
        self._stream.flush()


class LineProgress(Progress):
    """One line of a terminal, redrawn in place; appears only when the command takes longer than two seconds."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._start = time.monotonic()
        self._drawn = 0.0
        self._width = 0

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._start < _QUIET_SECONDS or now - self._drawn < _REDRAW_SECONDS:
            return
        self._drawn = now
        self._draw(f"{stage}: {done} of {total}, {now - self._start:.0f} s" if total else f"{stage}: {done}")

    def clear(self) -> None:
        if self._width:
            self._draw("")
            self._stream.write("\r")
            self._stream.flush()
            self._width = 0

    def _draw(self, text: str) -> None:
        self._stream.write("\r" + text.ljust(self._width))
        self._stream.flush()
        self._width = len(text)


def make_progress(kind: str, stream: TextIO | None = None) -> Progress:
    """The progress for "auto" (a line where `stream` is a terminal), "json" or "none"; `stream` is stderr if None."""
    stream = stream or sys.stderr
    if stream is None:  # closed by whoever started us
        return Progress()
    if kind == "json":
        return JsonProgress(stream)
    if kind == "auto" and stream.isatty():
        return LineProgress(stream)
    return Progress()
