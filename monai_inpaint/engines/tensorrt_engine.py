"""TensorRT or TensorRT-RTX on an NVIDIA GPU, compiled once and kept in the user's cache."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from monai_inpaint.engines.base import CHANNELS, ON_GPU, Engine, Port, check_ports
from monai_inpaint.engines.cache import bound, cache_folder, keep
from monai_inpaint.engines.cuda import Buffer, Gpu, OutOfMemory
from monai_inpaint.engines.tensorrt_builder import (
    Backend,
    Precision,
    build,
    engine_name,
    find_backend,
    graph_of,
    profile_of,
)
from monai_inpaint.errors import InputError
from monai_inpaint.registry import BundleInfo

_CACHE = 2 << 30  # bytes of engines that are kept
_PRECISION: Precision = "fp16"
_SHAPES = 16  # recorded for a lane at most
_LANES = 2  # while one computes, the windows of the other are copied


class TensorRtEngine:
    """A compiled graph on the GPU; what the GPU has no room for, and what it was not compiled for, the CPU computes.

    Args:
        bundle: with the graph.
        backend: what compiles and runs it.
        gpu: the device.
        on_cpu: returns the engine that takes over.
        precision: of convolutions and matrix products; all else is float32.
    """

    voxels_at_once = ON_GPU

    def __init__(
        self,
        bundle: BundleInfo,
        backend: Backend,
        gpu: Gpu,
        on_cpu: Callable[[BundleInfo], Engine],
        precision: Precision = _PRECISION,
    ) -> None:
        self._bundle, self._backend, self._gpu = bundle, backend, gpu
        self._precision: Precision = precision
        self._profile = profile_of(bundle)
        self._on_cpu, self._cpu = on_cpu, None
        self._most = self._profile.batch[2]  # windows at once, 0: the GPU is not asked any more
        self._lock = threading.Lock()
        self._runtime = backend.library.Runtime(backend.library.Logger(backend.library.Logger.ERROR))
        self._engine, self._jit = self._opened()
        self.channels = check_ports(*self._ports(), bundle.graph, CHANNELS[bundle.kind])
        self.side = bundle.capabilities.window
        self._lanes = [_Lane(self._context, gpu, self._keep_kernels) for _ in range(_LANES)]

    def run(self, windows: np.ndarray) -> np.ndarray:
        """See `Engine.run`."""
        windows = np.ascontiguousarray(windows, np.float32)
        with self._lock:
            while self._most and self._profile.takes(windows.shape):
                try:
                    return self._in_chunks(windows)
                except OutOfMemory:
                    for lane in self._lanes:
                        lane.clear()
                    self._most //= 2
            self._cpu = self._cpu or self._on_cpu(self._bundle)
        return self._cpu.run(windows)

    def describe(self) -> dict[str, str]:
        """See `Engine.describe`."""
        facts = {
            "name": "tensorrt",
            "version": f"{self._backend.name} {self._backend.version}",
            "device": self._gpu.name,
            "arithmetic": "f16 products, f32" if self._precision == "fp16" else "f32",
        }
        if self._most < self._profile.batch[2]:
            facts["out_of_memory"] = f"{self._most} windows at once instead of {self._profile.batch[2]}"
        if self._cpu:
            facts["took_over"] = " ".join(self._cpu.describe()[key] for key in ("name", "version", "device"))
        return facts

    def _in_chunks(self, windows: np.ndarray) -> np.ndarray:
        filled = np.empty((len(windows), 1, *windows.shape[2:]), np.float32)
        running: deque[tuple[_Lane, slice]] = deque()
        for lane, part in zip(cycle(self._lanes), _chunks(len(windows), self._most), strict=False):
            if len(running) == _LANES:
                first, its = running.popleft()
                filled[its] = first.result()
            lane.start(windows[part])
            running.append((lane, part))
        for lane, part in running:
            filled[part] = lane.result()
        return filled

    def _opened(self) -> tuple[Any, _KernelCache | None]:
        """The engine out of the cache, or compiled and kept there."""
        gpus = f"{self._gpu.generation} {self._gpu.name}"
        folder = cache_folder("tensorrt")
        path = folder and folder / engine_name(self._bundle, self._precision, self._profile, self._backend, gpus)
        engine = self._runtime.deserialize_cuda_engine(path.read_bytes()) if path and path.is_file() else None
        if engine is None:
            timing = folder and folder / f"{self._backend.name}-{self._backend.version}-{self._gpu.generation}.timing"
            known = timing.read_bytes() if timing and timing.is_file() else b""
            graph = graph_of(self._bundle, self._precision)
            plan, measured = build(graph, self._profile, self._backend, timing=known)
            engine = self._runtime.deserialize_cuda_engine(plan)
            if engine is None:
                raise InputError(
                    f"{self._backend.name} {self._backend.version} does not run on {self._gpu.name}; use --engine auto."
                )
            if folder and path and timing:
                keep(path, plan)
                if measured:
                    keep(timing, measured)
                bound(folder, _CACHE)
        if not self._backend.compiles_without_gpu:
            return engine, None
        return engine, _KernelCache(engine, self._backend.library, path and path.with_suffix(".kernels"))

    def _context(self) -> Any:
        """A new execution context with memory that we allocate."""
        strategy = self._backend.library.ExecutionContextAllocationStrategy.USER_MANAGED
        context = self._engine.create_execution_context(self._jit.config(strategy) if self._jit else strategy)
        if context is None:
            raise OutOfMemory
        return context

    def _keep_kernels(self) -> None:
        if self._jit:
            self._jit.keep()

    def _ports(self) -> tuple[list[Port], list[Port]]:
        library, engine = self._backend.library, self._engine
        ports: dict[Any, list[Port]] = {library.TensorIOMode.INPUT: [], library.TensorIOMode.OUTPUT: []}
        for name in map(engine.get_tensor_name, range(engine.num_io_tensors)):
            sizes = tuple(size if size >= 0 else None for size in engine.get_tensor_shape(name))
            exact = engine.get_tensor_dtype(name) == library.DataType.FLOAT
            ports[engine.get_tensor_mode(name)].append(Port((name,), sizes, exact))
        return ports[library.TensorIOMode.INPUT], ports[library.TensorIOMode.OUTPUT]


class _KernelCache:
    """Cache of the code that RTX compiles for this GPU when a shape is first run, shared by processes."""

    def __init__(self, engine: Any, library: Any, path: Path | None) -> None:
        self._engine, self._library, self._path = engine, library, path
        self._cache = engine.create_runtime_config().create_runtime_cache()
        if path and path.is_file():
            self._cache.deserialize(path.read_bytes())  # refuses by itself what another driver has made

    def config(self, strategy: Any) -> Any:
        """For a new context."""
        config = self._engine.create_runtime_config()
        config.set_execution_context_allocation_strategy(strategy)
        config.set_runtime_cache(self._cache)
        # kernels for a shape are ready before it is recorded
        config.dynamic_shapes_kernel_specialization_strategy = (
            self._library.DynamicShapesKernelSpecializationStrategy.EAGER
        )
        return config

    def keep(self) -> None:
        """Store it in a file beside that of the engine."""
        if self._path:
            keep(self._path, bytes(self._cache.serialize()))


@dataclass
class _Recorded:
    """A shape's work: copies and computing as one unit, or step by step where it cannot be recorded."""

    context: Any
    start: Callable[[int], None]


class _Lane:
    """A stream with buffers that are used again, and a recording for each shape.

    A CUDA graph contains addresses and the state of its context, so each has its own context, and all are recorded
    again when a buffer grows.
    """

    def __init__(self, make_context: Callable[[], Any], gpu: Gpu, prepared: Callable[[], None]) -> None:
        self._make_context, self._gpu, self._prepared = make_context, gpu, prepared
        self._stream = gpu.stream()
        self._buffers: dict[str, Buffer] = {}
        self._recorded: dict[tuple[int, ...], _Recorded] = {}
        self._shape: tuple[int, ...] = ()

    def start(self, windows: np.ndarray) -> None:
        """Copy a batch to the GPU and compute; returns at once."""
        self._shape = windows.shape
        recorded = self._recorded.get(self._shape) or self._prepare(self._shape)
        self._buffers["image"].host[: windows.size] = windows.ravel()
        recorded.start(self._stream)

    def result(self) -> np.ndarray:
        """(B, 1, H, W) of the batch that was started last, when it is done; a view of what the next one overwrites."""
        self._gpu.wait(self._stream)
        batch, _, *plane = self._shape
        return self._buffers["pred"].host[: batch * int(np.prod(plane))].reshape(batch, 1, *plane)

    def clear(self) -> None:
        """Give all memory back."""
        self._gpu.wait(self._stream)
        self._recorded.clear()
        for buffer in self._buffers.values():
            self._gpu.free(buffer)
        self._buffers.clear()

    def _prepare(self, shape: tuple[int, ...]) -> _Recorded:
        if len(self._recorded) == _SHAPES:
            self._recorded.clear()
        context = self._make_context()
        if not context.set_input_shape("image", shape):
            raise InputError(f"The engine does not accept windows of {shape}; use --engine auto.")
        sizes = {"image": int(np.prod(shape)), "pred": shape[0] * int(np.prod(shape[2:]))}
        sizes["scratch"] = -(-context.update_device_memory_size_for_shapes() // 4)
        for name, size in sizes.items():
            self._grow(name, max(size, 1))
        context.set_device_memory(self._buffers["scratch"].device, 4 * self._buffers["scratch"].size)
        for name in ("image", "pred"):
            context.set_tensor_address(name, self._buffers[name].device)

        def work(stream: int) -> None:
            self._gpu.send(self._buffers["image"], sizes["image"], stream)
            if not context.execute_async_v3(stream):
                raise RuntimeError(f"The GPU did not compute windows of {shape}.")
            self._gpu.fetch(self._buffers["pred"], sizes["pred"], stream)

        work(self._stream)  # once before it is recorded: what is prepared on the way is not a part of the recording
        self._gpu.wait(self._stream)
        able = getattr(context, "is_stream_capturable", None)
        start = self._gpu.record(work, self._stream) if able is None or able(self._stream) else work
        self._recorded[shape] = _Recorded(context, start)
        self._prepared()
        return self._recorded[shape]

    def _grow(self, name: str, size: int) -> None:
        held = self._buffers.get(name)
        if held is not None and held.size >= size:
            return
        self._recorded.clear()
        if held is not None:
            self._gpu.free(self._buffers.pop(name))
        self._buffers[name] = self._gpu.buffer(size, pinned=name != "scratch")


def _chunks(count: int, most: int) -> Iterator[slice]:
    """Parts of a batch whose sizes are powers of two, so that few shapes are compiled and recorded."""
    first = 0
    while first < count:
        size = min(1 << (count - first).bit_length() - 1, most)
        yield slice(first, first + size)
        first += size


def load(bundle: BundleInfo) -> TensorRtEngine:
    """Compile the bundle's graph for the GPU of this machine, or load it from the cache.

    Raises:
        InputError: neither library, or no GPU.
    """
    from monai_inpaint.engines.load import on_cpu

    return TensorRtEngine(bundle, find_backend(), Gpu(), on_cpu)
