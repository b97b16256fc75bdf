"""Calls in a process of their own, whose memory and time are limited and measured."""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import resource
from collections.abc import Callable
from dataclasses import dataclass

ADDRESSES = 4 * 2**30  # bytes of address space; what is claimed and never used counts too
SECONDS = 20  # of the processor


@dataclass(frozen=True)
class Outcome:
    """What a call returned, what it wrote to stderr, the most memory it held in MB, and its seconds of processor."""

    returned: object
    stderr: str
    megabytes: float
    seconds: float


def limited(call: Callable, *args: object) -> Outcome:
    """Call a function of a module in a fresh process; both ends of the call are pickled.

    Raises:
        AssertionError: the process ended without an answer: out of memory, out of time, or crashed.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["numpy", "pydicom", "monai_inpaint.cli", "monai_inpaint.io.dicom.read", "PIL.Image"]
    )
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(theirs, call, args))
    process.start()
    theirs.close()
    try:
        return ours.recv()
    except EOFError:
        process.join()
        raise AssertionError(f"the process ended with {process.exitcode}") from None
    finally:
        process.join()


def command(*args: str) -> int:
    """The command line; its exit code."""
    from monai_inpaint.cli import main

    return main(args)


def _answer(pipe, call: Callable, args: tuple) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    stderr = io.StringIO()
    with contextlib.redirect_stderr(stderr):
        returned = call(*args)
    used = resource.getrusage(resource.RUSAGE_SELF)
    pipe.send(Outcome(returned, stderr.getvalue(), used.ru_maxrss / 1024, used.ru_utime + used.ru_stime))
