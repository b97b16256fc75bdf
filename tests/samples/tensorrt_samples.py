"""A stand-in for a GPU and for TensorRT: work waits in its stream until it is waited for, and onnxruntime computes."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from types import SimpleNamespace

import numpy as np
import onnxruntime

from monai_inpaint.engines.cuda import Buffer, OutOfMemory
from monai_inpaint.engines.tensorrt_builder import Backend

Work = Callable[[], None]
Mode = Enum("Mode", ["INPUT", "OUTPUT"])


class StandInGpu:
    """Streams are lists of work that is done when they are waited for; memory is the host's, and may run out.

    Args:
        memory: in float32.
    """

    name, generation = "stand-in", "sm_00"

    def __init__(self, memory: int = 2**40) -> None:
        self.memory, self.streams, self.devices = memory, list[list[Work]](), dict[int, np.ndarray]()
        self.recordings = 0

    def stream(self) -> int:
        self.streams.append([])
        return len(self.streams) - 1

    def buffer(self, size: int, *, pinned: bool = True) -> Buffer:
        if sum(place.size for place in self.devices.values()) + size > self.memory:
            raise OutOfMemory
        place = np.full(size, np.nan, np.float32)
        self.devices[place.ctypes.data] = place
        return Buffer(size, place.ctypes.data, np.full(size if pinned else 0, np.nan, np.float32))

    def free(self, buffer: Buffer) -> None:
        del self.devices[buffer.device]

    def send(self, buffer: Buffer, size: int, stream: int) -> None:
        def work() -> None:
            self.devices[buffer.device][:size] = buffer.host[:size]

        self.streams[stream].append(work)

    def fetch(self, buffer: Buffer, size: int, stream: int) -> None:
        def work() -> None:
            buffer.host[:size] = self.devices[buffer.device][:size]

        self.streams[stream].append(work)

    def wait(self, stream: int) -> None:
        for work in self.streams[stream]:
            work()
        self.streams[stream].clear()

    def record(self, work: Callable[[int], None], stream: int) -> Callable[[int], None]:
        assert not self.streams[stream], "what is there already would be recorded too"
        self.recordings += 1
        work(stream)
        recorded = self.streams[stream].copy()
        self.streams[stream].clear()
        return lambda queue: self.streams[queue].extend(recorded)


class StandInEngine:
    """A graph as an engine."""

    num_io_tensors = 2

    def __init__(self, graph: bytes, gpu: StandInGpu) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session, self.gpu = onnxruntime.InferenceSession(graph, options), gpu
        self.ports = {"image": self.session.get_inputs()[0], "pred": self.session.get_outputs()[0]}

    def get_tensor_name(self, number: int) -> str:
        return list(self.ports)[number]

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return tuple(size if isinstance(size, int) else -1 for size in self.ports[name].shape)

    def get_tensor_dtype(self, name: str) -> str:
        return self.ports[name].type

    def get_tensor_mode(self, name: str) -> Mode:
        return Mode.INPUT if name == "image" else Mode.OUTPUT

    def create_execution_context(self, strategy: str) -> StandInContext:
        assert strategy == "ours"
        return StandInContext(self)


class StandInContext:
    """Computes on addresses; like the real one it may not be changed while it has work to do."""

    def __init__(self, engine: StandInEngine) -> None:
        self.engine, self.places = engine, dict[str, int]()
        self.shape: tuple[int, ...] = ()

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        assert not self.shape, "a context that was recorded stays as it is"
        self.shape = shape
        return name == "image"

    def update_device_memory_size_for_shapes(self) -> int:
        return 4 * int(np.prod(self.shape))

    def set_device_memory(self, place: int, size: int) -> None:
        assert self.engine.gpu.devices[place].nbytes == size

    def set_tensor_address(self, name: str, place: int) -> bool:
        self.places[name] = place
        return True

    def execute_async_v3(self, stream: int) -> bool:
        def work() -> None:
            taken, given = (self.engine.gpu.devices[self.places[name]] for name in ("image", "pred"))
            image = taken[: np.prod(self.shape)].reshape(self.shape)
            filled = self.engine.session.run(None, {"image": image})[0]
            given[: filled.size] = filled.ravel()

        self.engine.gpu.streams[stream].append(work)
        return True


class StandInRuntime:
    """What is compiled is the graph with a mark before it; anything else is no engine."""

    MARK = b"compiled:"

    def __init__(self, gpu: StandInGpu) -> None:
        self.gpu = gpu

    def deserialize_cuda_engine(self, plan: bytes) -> StandInEngine | None:
        return StandInEngine(plan.removeprefix(self.MARK), self.gpu) if plan.startswith(self.MARK) else None


def stand_in_backend(gpu: StandInGpu) -> Backend:
    """TensorRT as the engine sees it."""
    library = SimpleNamespace(
        __version__="11.0",
        Logger=type("Logger", (), {"ERROR": 1, "__init__": lambda *_: None}),
        Runtime=lambda _: StandInRuntime(gpu),
        TensorIOMode=Mode,
        DataType=SimpleNamespace(FLOAT="tensor(float)"),
        ExecutionContextAllocationStrategy=SimpleNamespace(USER_MANAGED="ours"),
    )
    return Backend("tensorrt", library)
