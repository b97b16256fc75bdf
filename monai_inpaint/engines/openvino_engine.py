"""OpenVINO on the CPU: the default engine."""

from __future__ import annotations

import threading
from importlib.metadata import version
from typing import Any

import numpy as np
import openvino

from monai_inpaint.engines.base import Port, check_ports
from monai_inpaint.errors import InputError
from monai_inpaint.registry import BundleInfo

# Where the processor has it, else float32: see docs/decisions/openvino-computes-in-bfloat16.md.
_PRECISION = "bf16"


class OpenVinoEngine:
    """A compiled graph with dynamic batch and window size."""

    def __init__(self, compiled: openvino.CompiledModel, channels: int) -> None:
        self._compiled = compiled
        self.channels = channels
        self._request = compiled.create_infer_request()
        self._lock = threading.Lock()  # a request holds its own input and output: one caller at a time

    def run(self, windows: np.ndarray) -> np.ndarray:
        """See `Engine.run`."""
        with self._lock:
            self._request.infer([np.ascontiguousarray(windows, np.float32)])
            return self._request.get_output_tensor(0).data.copy()

    def describe(self) -> dict[str, str]:
        """See `Engine.describe`."""
        precision = self._compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
        return {"name": "openvino", "version": version("openvino"), "device": "CPU", "arithmetic": precision}


def load(bundle: BundleInfo) -> OpenVinoEngine:
    """Compile the bundle's graph."""
    core = openvino.Core()
    try:
        graph = core.read_model(bundle.graph)
        channels = check_ports([_port(port) for port in graph.inputs], [_port(port) for port in graph.outputs], bundle)
        hints = {"INFERENCE_PRECISION_HINT": _PRECISION, "PERFORMANCE_HINT": "LATENCY"}
        return OpenVinoEngine(core.compile_model(graph, "CPU", hints), channels)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise InputError(f"{bundle.graph}: the bundle's network is damaged ({reason}); install it again.") from None


def _port(port: Any) -> Port:
    shape = port.partial_shape
    sizes = () if shape.rank.is_dynamic else tuple(size.get_length() if size.is_static else None for size in shape)
    name = next(iter(sorted(port.names)), "without a name")
    return Port(name, sizes, port.element_type == openvino.Type.f32)
