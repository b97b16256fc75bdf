"""Read an image in a separate process, which may crash, hang or run out of memory without harm to the caller.

Each program has one process that waits for paths. For each path it forks a copy of itself, limits it in time and
memory, and lets it read; the result is returned in an unnamed file. The copy ends after one image, so none can affect
the next.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import warnings
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.io import FORMATS, read_image, suffix_of
from monai_inpaint.io.handover import Refusal, hand_over, take_over
from monai_inpaint.paths import is_folder, regular_file

SECONDS, SECONDS_PER_MEGABYTE = 8.0, 0.3  # of the processor; the slowest codecs take a tenth of a second for 1 MB
MEMORY, MEMORY_PER_BYTE = 2 * 2**30, 8
_WAITING = 3.0  # times as long it may take by the clock: the processor is not its own, disks are slow
_DECODED_IN_C = ("pictures", "tiff", "dicom.read")
_CAN_ISOLATE = hasattr(os, "fork")  # not on Windows


def read_image_isolated(path: str | Path, *, seconds: float | None = None, memory: int | None = None) -> Image:
    """Read an image like `read_image`, in a separate process.

    Args:
        path: see `read_image`.
        seconds: of the processor; three times as many by the clock. None: 8, and 0.3 for each megabyte of the file.
        memory: largest address space in bytes. None: 2 GiB, and 8 times the file.

    Raises:
        InputError: see `read_image`; or reading took longer or more memory, or crashed.
    """
    path = Path(path)
    if not _CAN_ISOLATE:
        return read_image(path)
    size = _size(path)
    seconds = SECONDS + SECONDS_PER_MEGABYTE * size / 1e6 if seconds is None else seconds
    memory = MEMORY + MEMORY_PER_BYTE * size if memory is None else memory
    with _nameless() as file:
        request = {"path": str(path), "folder": "" if path.is_absolute() else str(Path.cwd())}
        code = _ask({**request, "seconds": seconds, "memory": memory}, file.fileno())
        if code:
            raise InputError(_why(path, code, seconds))
        _import_reader(path)
        read = take_over(file)
    if isinstance(read, Refusal) and read.kind == "memory":
        raise InputError(
            f"{path} could not be decoded within {memory / 2**30:.1f} GiB of memory: it is damaged, made to harm, or "
            "too large for this machine."
        )
    if isinstance(read, Refusal):
        raise read.error()
    return read


def read_image_guarded(path: str | Path) -> Image:
    """Read an image like `read_image`, in a separate process if C libraries decode it.

    For the user's own files, which may use all memory of the machine.

    Raises:
        InputError: see `read_image_isolated`.
    """
    if not _CAN_ISOLATE or _module_of(Path(path)) not in _DECODED_IN_C:
        return read_image(path)
    return read_image_isolated(path, memory=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))


def fork_reader(*paths: Path) -> None:
    """Start the process that reads as a copy of this one, which costs milliseconds.

    Only for a process with one thread, like commands at their start. Without this call, a separate Python is started
    with the first image, which takes some tenths of a second.

    Args:
        paths: that will be read; what they need is imported once, for both processes.
    """
    global _reader
    for path in paths:
        _import_reader(path)
    if _CAN_ISOLATE and not _is_there():
        _reader = _forked()


@dataclass(frozen=True)
class _Reader:
    """The process that waits for paths: its id, the socket to it, and the process it was started by."""

    pid: int
    socket: socket.socket
    asked_by: int

    def end(self) -> None:
        """Kill it, and what it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)
        self.socket.close()


_reader: _Reader | None = None
_one_at_a_time = threading.Lock()


def _ask(request: dict[str, Any], file: int) -> int:
    """Have a path read into an open file; returns 0, or how the process that read it ended: minus its signal."""
    global _reader
    with _one_at_a_time:
        for _ in range(2):  # somebody may have killed the reader since
            if not _is_there():
                _reader = _fresh()
            assert _reader is not None
            try:
                socket.send_fds(_reader.socket, [json.dumps(request).encode() + b"\n"], [file])
                answer = _reader.socket.recv(64)
            except OSError:
                answer = b""
            except BaseException:  # Ctrl-C
                _reader.end()
                _reader = None
                raise
            if answer:
                return int(answer)
            _reader.end()
            _reader = None
    return -signal.SIGKILL


def _is_there() -> bool:
    return _reader is not None and _reader.asked_by == os.getpid()


def _why(path: Path, code: int, seconds: float) -> str:
    if code in (-signal.SIGXCPU, -signal.SIGALRM):
        return f"{path} could not be decoded within {seconds:.0f} s: it is damaged or made to harm; get it again."
    return f"{path} could not be decoded: a library ended with {-code} on it, so it is damaged or made to harm."


def _size(path: Path) -> int:
    """Bytes of a file, or of the files in a folder."""
    if not is_folder(path):
        return regular_file(path)
    return sum(entry.stat().st_size for entry in path.iterdir() if entry.is_file())


def _module_of(path: Path) -> str:
    suffix = suffix_of(path)
    return FORMATS[suffix][0] if suffix else "dicom.read"


def _import_reader(path: Path) -> None:
    import_module(f"monai_inpaint.io.{_module_of(path)}")


def _nameless() -> IO[bytes]:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("image"), "w+b")
    return tempfile.TemporaryFile()


def _forked() -> _Reader:
    ours, theirs = socket.socketpair()
    with warnings.catch_warnings(action="ignore"):  # of threads, since Python 3.12
        pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            nowhere = os.open(os.devnull, os.O_RDWR)
            for stream in range(3):
                os.dup2(nowhere, stream)
            sys.stdout = sys.stderr = os.fdopen(2, "w", closefd=False)
            kept = theirs.fileno()
            _close_all_but(kept)
            serve(kept)
        finally:
            os._exit(1)
    theirs.close()
    return _Reader(pid, ours, os.getpid())


def _close_all_but(kept: int) -> None:
    """Close all files but the standard streams and one: others wait for the end of some, or lock them."""
    listed = Path("/proc/self/fd")
    numbers = [int(entry.name) for entry in listed.iterdir()] if listed.exists() else range(1024)
    for number in numbers:
        if number > 2 and number != kept:
            with contextlib.suppress(OSError):
                os.close(number)


def _fresh() -> _Reader:
    ours, theirs = socket.socketpair()
    package = Path(__file__).parents[2]
    paths = [str(package), *filter(None, [os.environ.get("PYTHONPATH")])]
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", f"from monai_inpaint.io.isolated import serve; serve({theirs.fileno()})"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
            cwd="/",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"},
        )
    process.returncode = 0  # `end` waits for it, not Popen
    return _Reader(process.pid, ours, os.getpid())


def serve(number: int) -> None:
    """Read the requested paths until the other end of the socket closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with socket.socket(fileno=number) as asked:
        while True:
            message, files, _, _ = socket.recv_fds(asked, 2**16, 1)
            while message and not message.endswith(b"\n"):
                message += asked.recv(2**16)
            if not message:
                return
            code = _in_a_copy(json.loads(message), files[0], asked)
            os.close(files[0])
            asked.send(str(code).encode())


def _in_a_copy(request: dict[str, Any], file: int, asked: socket.socket) -> int:
    """Read in a copy of this process; return how it ended. If the caller has ended, all processes end."""
    _import_reader(Path(request["path"]))  # here, once, for all copies
    gc.freeze()  # else the copies would go through all that was imported, and so make it their own
    ended, alive = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            asked.close()
            _read(request, file)
            os._exit(0)
        finally:
            os._exit(1)
    os.close(alive)
    ready, _, _ = select.select([ended, asked], [], [])
    if ended not in ready:
        os.kill(pid, signal.SIGKILL)
    os.close(ended)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _read(request: dict[str, Any], file: int) -> None:
    """Read within limits; the image, or why there is none, goes into the file."""
    import resource

    seconds, memory = request["seconds"], request["memory"]
    used = (
        int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() if sys.platform == "linux" else 0
    )
    for kind, limit in (
        (resource.RLIMIT_CPU, max(round(seconds), 1)),
        (resource.RLIMIT_AS, used + memory),
        (resource.RLIMIT_FSIZE, memory),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (limit, hard))
    signal.setitimer(signal.ITIMER_REAL, _WAITING * seconds)
    if request["folder"]:
        os.chdir(request["folder"])
    try:
        read: object = read_image(Path(request["path"]))
    except Exception as error:
        read = Refusal.of(error)
    with os.fdopen(file, "wb") as out:
        hand_over(read, out)
