"""Run a bundle from elsewhere in a separate process, so that a hang or a crash ends there.

OpenVINO cannot be stopped inside a loop of a graph, and a graph can crash the process. This is not a sandbox: the
process has the rights of its user. `monai_inpaint.engines.isolated_process` is its other side.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.registry import BundleInfo

# Seconds. The slowest network that comes with the package takes 0.014 ms a voxel on two busy cores of an AMD EPYC.
_TO_OPEN, _TO_COMPUTE, _A_VOXEL = 300.0, 60.0, 0.25e-3
_LONGEST_ANSWER = 1 << 16  # bytes of a line
# This very package, wherever it was found, and nothing else from there.
_START = (
    "import sys; sys.path.insert(0, sys.argv[1]); import monai_inpaint; del sys.path[0]; "
    "from monai_inpaint.engines.isolated_process import main; main(*sys.argv[2:])"
)
_PACKAGES = str(Path(__file__).parents[2])


class IsolatedEngine:
    """An engine in another process, which is restarted after an interrupt or a fault.

    Args:
        name: of the engine.
        bundle: that it runs.

    Raises:
        InputError: an error of the engine, or the bundle does not open in time.
    """

    def __init__(self, name: str, bundle: BundleInfo) -> None:
        self._name, self._bundle = name, bundle
        self._lock = threading.Lock()  # one caller at a time
        self._process, answer = self._open()
        self.channels: int = answer["channels"]
        self.side: int | None = answer["side"]
        self.voxels_at_once: int = answer["voxels_at_once"]
        self._engine: dict[str, str] = answer["engine"]

    def run(self, windows: np.ndarray) -> np.ndarray:
        """See `Engine.run`.

        Raises:
            InputError: the network takes too long, fails, or its output has another size or is not finite.
        """
        windows = np.ascontiguousarray(windows, np.float32)
        shape = [len(windows), 1, *windows.shape[2:]]
        with self._lock:
            if self._process.poll() is not None:
                self._process, _ = self._open()
            with self._in_time(self._process, _TO_COMPUTE + _A_VOXEL * math.prod(shape)) as (questions, answers):
                questions.write(json.dumps(windows.shape).encode() + b"\n" + windows.tobytes())
                questions.flush()
                answer = _answer(answers)
                if answer["shape"] != shape:
                    raise self._fault(f"gives {answer['shape']} for {list(windows.shape)}, and must give {shape}")
                filled = np.frombuffer(_exactly(answers, 4 * math.prod(shape)), np.float32).reshape(shape)
                if not np.isfinite(filled).all():
                    raise self._fault("gives values that are not numbers")
                return filled

    def describe(self) -> dict[str, str]:
        """See `Engine.describe`."""
        return self._engine

    def _open(self) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
        """Start a process with the bundle ready to run; return it and its description."""
        asked = (self._name, str(self._bundle.path.resolve()), self._bundle.network)
        command = [sys.executable, "-P", "-c", _START, _PACKAGES, *asked]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        weakref.finalize(self, _end, process)
        with self._in_time(process, _TO_OPEN) as (_, answers):
            return process, _answer(answers)

    @contextmanager
    def _in_time(self, process: subprocess.Popen[bytes], seconds: float) -> Iterator[tuple[Any, Any]]:
        """The pipes to a process and from it; after that time, and after any exception, the process is gone."""
        late = threading.Event()

        def expire() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(seconds, expire)
        timer.start()
        try:
            yield process.stdin, process.stdout
        except (OSError, EOFError):
            code = _end(process)
            raise self._fault(f"takes more than {seconds:.0f} s" if late.is_set() else f"crashes ({code})") from None
        except BaseException:
            _end(process)
            raise
        finally:
            timer.cancel()

    def _fault(self, what: str) -> InputError:
        return InputError(f"{self._bundle.path}: the bundle's network {what}; use another bundle.")


def _answer(answers: Any) -> dict[str, Any]:
    """A line of JSON; a fault is raised as the bundle's."""
    line = answers.readline(_LONGEST_ANSWER)
    if not line.endswith(b"\n"):
        raise EOFError
    answer = json.loads(line)
    if "fault" in answer:
        raise InputError(answer["fault"])
    return answer


def _exactly(answers: Any, size: int) -> bytes:
    content = answers.read(size)
    if len(content) < size:
        raise EOFError
    return content


def _end(process: subprocess.Popen[bytes]) -> int:
    """Kill a process; its exit code."""
    process.kill()
    code = process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(BrokenPipeError):  # what it did not take any more
                pipe.close()
    return code
