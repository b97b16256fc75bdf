"""A GPU through NVIDIA's own bindings: memory, streams, copies during computation, CUDA graphs."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from monai_inpaint.errors import InputError

_TO_DEVICE, _FROM_DEVICE = "cudaMemcpyHostToDevice", "cudaMemcpyDeviceToHost"


class OutOfMemory(Exception):
    """The memory of the GPU is too small."""


def gpu_is_here() -> bool:
    """Return whether the driver finds a GPU; asks the driver alone, which is quick where there is none."""
    for name in ("libcuda.so.1", "nvcuda.dll"):
        try:
            driver = ctypes.CDLL(name)
        except OSError:
            continue
        count = ctypes.c_int(0)
        return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0
    return False


@dataclass
class Buffer:
    """GPU memory for a number of float32, by its address, with pinned host memory of the same size if asked for."""

    size: int
    device: int
    host: np.ndarray


class Gpu:
    """The first GPU that is visible to this process.

    Raises:
        InputError: there is none, or the bindings are not installed.
    """

    def __init__(self) -> None:
        if not gpu_is_here():
            raise InputError("There is no NVIDIA GPU here; use --engine auto, openvino or onnxruntime.")
        try:
            from cuda.bindings import runtime  # pyright: ignore[reportMissingImports]
        except ModuleNotFoundError as error:
            raise InputError("The engine tensorrt needs NVIDIA's bindings: pip install cuda-bindings") from error
        self._cuda: Any = runtime
        facts = self._call("cudaGetDeviceProperties", 0)
        self.name: str = facts.name.decode()
        self.generation = f"sm_{facts.major}{facts.minor}"

    def stream(self) -> int:
        """Return a new queue of work."""
        return int(self._call("cudaStreamCreateWithFlags", self._cuda.cudaStreamNonBlocking))

    def buffer(self, size: int, *, pinned: bool = True) -> Buffer:
        """Room for so many float32, on both sides or on the GPU alone.

        Raises:
            OutOfMemory: there is none.
        """
        device = int(self._call("cudaMalloc", 4 * size))
        if not pinned:
            return Buffer(size, device, np.empty(0, np.float32))
        try:
            place = int(self._call("cudaHostAlloc", 4 * size, self._cuda.cudaHostAllocDefault))
        except OutOfMemory:
            self._call("cudaFree", device)
            raise
        return Buffer(size, device, np.ctypeslib.as_array((ctypes.c_float * size).from_address(place)))

    def free(self, buffer: Buffer) -> None:
        """Give the room back."""
        self._call("cudaFree", buffer.device)
        if buffer.host.size:
            self._call("cudaFreeHost", buffer.host.ctypes.data)

    def send(self, buffer: Buffer, size: int, stream: int) -> None:
        """Copy the first `size` numbers to the GPU, when the stream comes to it."""
        self._copy(buffer.device, buffer.host.ctypes.data, size, _TO_DEVICE, stream)

    def fetch(self, buffer: Buffer, size: int, stream: int) -> None:
        """Copy the first `size` numbers from the GPU, when the stream comes to it."""
        self._copy(buffer.host.ctypes.data, buffer.device, size, _FROM_DEVICE, stream)

    def wait(self, stream: int) -> None:
        """Until all work of a stream is done."""
        self._call("cudaStreamSynchronize", stream)

    def record(self, work: Callable[[int], None], stream: int) -> Callable[[int], None]:
        """Work as one unit that is started at once: a CUDA graph.

        Args:
            work: puts the work into a stream; called once, and nothing of it is done yet.
            stream: to record in.
        """
        mode = self._cuda.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        self._call("cudaStreamBeginCapture", stream, mode)
        try:
            work(stream)
        finally:
            graph = self._call("cudaStreamEndCapture", stream)
        ready = self._call("cudaGraphInstantiate", graph, 0)
        self._call("cudaGraphDestroy", graph)
        return lambda queue: self._call("cudaGraphLaunch", ready, queue)

    def _copy(self, to: int, source: int, size: int, kind: str, stream: int) -> None:
        direction = getattr(self._cuda.cudaMemcpyKind, kind)
        self._call("cudaMemcpyAsync", to, source, 4 * size, direction, stream)

    def _call(self, name: str, *arguments: Any) -> Any:
        """Call a function of the runtime; return its results without the status."""
        status, *given = getattr(self._cuda, name)(*arguments)
        if status == self._cuda.cudaError_t.cudaErrorMemoryAllocation:
            raise OutOfMemory
        if status != self._cuda.cudaError_t.cudaSuccess:
            raise RuntimeError(f"{name} failed on the GPU: {status.name}")
        return given[0] if given else None
