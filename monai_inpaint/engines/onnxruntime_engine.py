"""onnxruntime on the CPU."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from monai_inpaint.engines.base import GraphEngine, Port
from monai_inpaint.registry import BundleInfo


class OnnxRuntimeEngine(GraphEngine):
    """A session on the bundle's graph."""

    def describe(self) -> dict[str, str]:
        """See `Engine.describe`."""
        return {"name": "onnxruntime", "version": onnxruntime.__version__, "device": "CPU", "arithmetic": "f32"}

    def _open(self, path: Path) -> tuple[Any, Sequence[Port], Sequence[Port]]:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        inputs, outputs = ([_port(port) for port in ports] for ports in (session.get_inputs(), session.get_outputs()))
        return session, inputs, outputs

    def _compute(self, windows: np.ndarray) -> np.ndarray:
        (filled,) = self._graph.run(None, {"image": windows})
        return np.asarray(filled)


def load(bundle: BundleInfo) -> OnnxRuntimeEngine:
    """Open a session on the bundle's graph."""
    return OnnxRuntimeEngine(bundle)


def _port(port: Any) -> Port:
    # A free size is a name or None.
    sizes = tuple(size if isinstance(size, int) else None for size in port.shape)
    return Port(port.name, sizes, port.type == "tensor(float)")
