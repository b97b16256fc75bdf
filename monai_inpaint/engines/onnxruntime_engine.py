"""onnxruntime on the CPU."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import onnxruntime

from monai_inpaint.engines.base import Port, check_ports
from monai_inpaint.errors import InputError
from monai_inpaint.registry import BundleInfo


class OnnxRuntimeEngine:
    """A session on the bundle's graph."""

    def __init__(self, session: onnxruntime.InferenceSession, channels: int) -> None:
        self._session = session
        self.channels = channels

    def run(self, windows: np.ndarray) -> np.ndarray:
        """See `Engine.run`."""
        (filled,) = self._session.run(None, {"image": np.ascontiguousarray(windows, np.float32)})
        return np.asarray(filled)

    def describe(self) -> dict[str, str]:
        """See `Engine.describe`."""
        return {"name": "onnxruntime", "version": onnxruntime.__version__, "device": "CPU", "arithmetic": "f32"}


def load(bundle: BundleInfo) -> OnnxRuntimeEngine:
    """Open a session on the bundle's graph."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    try:
        session = onnxruntime.InferenceSession(bundle.graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions share no base class below Exception
        reason = str(error).strip().splitlines()[-1]
        raise InputError(f"{bundle.graph}: the bundle's network is damaged ({reason}); install it again.") from None
    inputs, outputs = ([_port(port) for port in ports] for ports in (session.get_inputs(), session.get_outputs()))
    return OnnxRuntimeEngine(session, check_ports(inputs, outputs, bundle))


def _port(port: Any) -> Port:
    # A free size is a name or None.
    sizes = tuple(size if isinstance(size, int) else None for size in port.shape)
    return Port(port.name, sizes, port.type == "tensor(float)")
