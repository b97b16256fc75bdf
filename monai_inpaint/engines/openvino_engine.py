"""OpenVINO on the CPU: the default engine."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from monai_inpaint.engines.base import GraphEngine, Port
from monai_inpaint.engines.cache import bound, cache_folder
from monai_inpaint.engines.quiet_openvino import openvino
from monai_inpaint.registry import BundleInfo

# Where the processor has it, else float32: see docs/decisions/openvino-computes-in-bfloat16.md.
_PRECISION = "bf16"
_PATIENCE_MS = 100
_CACHE = 512 << 20  # bytes of compiled graphs that are kept


class OpenVinoEngine(GraphEngine):
    """A compiled graph with dynamic batch and window size.

    Args:
        bundle: with the graph.
        precision: "bf16" or "f32"; a processor without bfloat16 falls back to f32.
    """

    def __init__(self, bundle: BundleInfo, precision: str = _PRECISION) -> None:
        self._hints = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
        self._lock = threading.Lock()  # a request holds its own input and output: one caller at a time
        super().__init__(bundle)

    def describe(self) -> dict[str, str]:
        """See `Engine.describe`."""
        precision = self._graph.get_compiled_model().get_property("INFERENCE_PRECISION_HINT").to_string()
        return {"name": "openvino", "version": version("openvino"), "device": "CPU", "arithmetic": precision}

    def _open(self, path: Path) -> tuple[Any, Sequence[Port], Sequence[Port]]:
        cache = self._cache()
        hints = {**self._hints, "CACHE_DIR": str(cache)} if cache else self._hints
        graph = openvino.Core().compile_model(path, "CPU", hints)
        if cache and not graph.get_property("LOADED_FROM_CACHE"):
            bound(cache.parent, _CACHE)
        inputs, outputs = ([_port(port) for port in ports] for ports in (graph.inputs, graph.outputs))
        return graph.create_infer_request(), inputs, outputs

    def _cache(self) -> Path | None:
        """The cache folder of this compiled graph; OpenVINO itself identifies files only by path, time and size."""
        if not self._bundle.ours:
            return None
        folder, weights = cache_folder("openvino"), self._bundle.facts().get("sha256", "")
        return folder and folder / f"{version('openvino')}-{weights[:24]}"

    def _compute(self, windows: np.ndarray) -> np.ndarray:
        with self._lock:
            self._graph.start_async([windows])
            try:
                while not self._graph.wait_for(_PATIENCE_MS):  # in Python now and then, where Ctrl-C is handled
                    pass
            except BaseException:
                self._graph.cancel()
                with suppress(RuntimeError):  # says that it was cancelled
                    self._graph.wait()
                raise
            return self._graph.get_output_tensor(0).data.copy()


def load(bundle: BundleInfo) -> OpenVinoEngine:
    """Compile the bundle's graph."""
    return OpenVinoEngine(bundle)


def _port(port: Any) -> Port:
    shape = port.partial_shape
    sizes = () if shape.rank.is_dynamic else tuple(size.get_length() if size.is_static else None for size in shape)
    names = tuple(sorted(port.names)) or ("without a name",)
    return Port(names, sizes, port.element_type == openvino.Type.f32)
