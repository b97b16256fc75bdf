"""onnxruntime: on a GPU if there is one and the installed build supports it, else on the CPU."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from monai_inpaint.engines.base import ON_CPU, ON_GPU, GraphEngine, Port
from monai_inpaint.engines.cuda import gpu_is_here
from monai_inpaint.registry import BundleInfo

_GPU = "CUDAExecutionProvider"


class OnnxRuntimeEngine(GraphEngine):
    """A session on the bundle's graph."""

    def describe(self) -> dict[str, str]:
        """See `Engine.describe`."""
        device = "cuda" if self._on_gpu else "CPU"
        return {"name": "onnxruntime", "version": onnxruntime.__version__, "device": device, "arithmetic": "f32"}

    @property
    def _on_gpu(self) -> bool:
        return self._graph.get_providers()[0] == _GPU

    def _open(self, path: Path) -> tuple[Any, Sequence[Port], Sequence[Port]]:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
        providers: list[Any] = ["CPUExecutionProvider"]
        if gpu_is_here() and _GPU in onnxruntime.get_available_providers():
            if preload := getattr(onnxruntime, "preload_dlls", None):  # CUDA's libraries as torch's wheels bring them
                with redirect_stdout(None):
                    preload()
            # float32 as everywhere else, not TF32
            providers.insert(0, (_GPU, {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}))
        session = onnxruntime.InferenceSession(path, options, providers=providers)
        self.voxels_at_once = ON_GPU if session.get_providers()[0] == _GPU else ON_CPU
        inputs, outputs = ([_port(port) for port in ports] for ports in (session.get_inputs(), session.get_outputs()))
        return session, inputs, outputs

    def _compute(self, windows: np.ndarray) -> np.ndarray:
        binding = self._graph.io_binding()
        binding.bind_cpu_input("image", windows)
        binding.bind_output("pred")  # in the host's memory, of the size that comes out
        self._graph.run_with_iobinding(binding)
        return binding.copy_outputs_to_cpu()[0]


def load(bundle: BundleInfo) -> OnnxRuntimeEngine:
    """Open a session on the bundle's graph."""
    return OnnxRuntimeEngine(bundle)


def _port(port: Any) -> Port:
    # A free size is a name or None.
    sizes = tuple(size if isinstance(size, int) else None for size in port.shape)
    return Port((port.name,), sizes, port.type == "tensor(float)")
