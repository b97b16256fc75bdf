"""A process whose whole tree can be ended.

Slicer's own `launchConsoleProcess` creates no process group: Python is started through a launcher, and ending the
launcher alone leaves its child processes.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

GRACE = 0.5  # seconds to clean up in before a process is killed


class Process:
    """A command with its output, both streams together, line by line.

    Args:
        command: the executable and its words.
        variables: of its environment, besides ours.
        folder: that it works in.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self, command: Sequence[str], variables: Mapping[str, str], folder: Path) -> None:
        self._popen = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            cwd=folder,
            env={**os.environ, **variables, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"},
            **_apart(),
        )

    def lines(self) -> Iterator[str]:
        """Its output, until it ends."""
        assert self._popen.stdout is not None
        for line in self._popen.stdout:
            yield line.rstrip()

    def wait(self) -> int:
        """Its exit code; negative where a signal ended it."""
        code = self._popen.wait()
        if self._popen.stdout is not None:
            self._popen.stdout.close()
        return code

    def end(self) -> None:
        """End it and all its child processes; takes half a second at most."""
        if os.name == "nt":
            subprocess.run(["taskkill", "/F", "/T", "/PID", str(self._popen.pid)], capture_output=True, check=False)
            return
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(GRACE)
        self._signal(signal.SIGKILL)  # also what it started and left behind

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # none of its group is left
            os.killpg(self._popen.pid, number)


def _apart() -> dict:
    """A separate process group, and no console window on Windows."""
    if os.name == "nt":
        return {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}
