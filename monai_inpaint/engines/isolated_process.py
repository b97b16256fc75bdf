"""Main program of the process in which `IsolatedEngine` runs a bundle from elsewhere.

It describes the opened network as one line of JSON on stdout. Then it reads windows from stdin (their shape as a line
of JSON, then float32) and writes the network's output in the same form. An error is a line {"fault": sentence}. The
process ends when its stdin is closed, whatever it is doing.
"""

from __future__ import annotations

import json
import math
import os
import signal
import sys
import threading
import traceback
from dataclasses import replace
from importlib import import_module
from queue import SimpleQueue
from typing import Any, BinaryIO

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.failure import DEBUG, one_line
from monai_inpaint.machine import available_memory_mb
from monai_inpaint.registry import find_bundle


def main(name: str, folder: str, network: str) -> None:
    """Open the bundle and compute until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # is for who started us, and ends us
    answers = os.fdopen(os.dup(1), "wb")
    _silence()
    questions: SimpleQueue[np.ndarray] = SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, questions), daemon=True).start()
    _limit_memory()
    try:
        bundle = replace(find_bundle(folder), network=network)
        engine = import_module(f"monai_inpaint.engines.{name}_engine").load(bundle)
    except Exception as error:
        _say(answers, {"fault": _sentence(error, folder)})
        return
    facts = {name: getattr(engine, name) for name in ("channels", "side", "voxels_at_once")}
    _say(answers, {**facts, "engine": engine.describe()})
    while True:
        windows = questions.get()
        try:
            filled = np.ascontiguousarray(engine.run(windows), np.float32)
        except Exception as error:
            _say(answers, {"fault": _sentence(error, folder)})
        else:
            _say(answers, {"shape": filled.shape}, filled.tobytes())


def _sentence(error: Exception, folder: str) -> str:
    """Whatever a network from elsewhere raises is a fault of the network; engines share no class of exceptions."""
    if os.environ.get(DEBUG) == "1":
        traceback.print_exception(error)
    reason = one_line(error)
    if isinstance(error, InputError):
        return reason
    return f"{folder}: the bundle's network fails ({reason[-300:] or type(error).__name__}); use another bundle."


def _say(answers: BinaryIO, message: dict[str, Any], content: bytes = b"") -> None:
    answers.write(json.dumps(message).encode() + b"\n" + content)
    answers.flush()


def _listen(pipe: BinaryIO, questions: SimpleQueue[np.ndarray]) -> None:
    """Pass on requests in a separate thread, so that the end of the other process is noticed at once."""
    while line := pipe.readline():
        shape = json.loads(line)
        content = pipe.read(4 * math.prod(shape))
        if len(content) < 4 * math.prod(shape):
            break
        questions.put(np.frombuffer(content, np.float32).reshape(shape))
    os._exit(0)


def _silence() -> None:
    """Keep output of libraries out of the answers, and out of the terminal unless faults are looked for."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in (1,) if os.environ.get(DEBUG) == "1" else (1, 2):
        os.dup2(nowhere, number)


def _limit_memory() -> None:
    """Limit the memory of this process to what is free now, if the system supports it."""
    available = available_memory_mb()
    try:
        import resource
    except ImportError:  # Windows
        return
    if available:
        most = int(available * 2**20)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
