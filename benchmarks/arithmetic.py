"""A filler whose OpenVINO engine computes in a given precision; the package itself leaves no choice."""

from __future__ import annotations

import os

import onnx
import onnxruntime

from monai_inpaint import Filler
from monai_inpaint.engines.half_precision import in_half_precision, rounded_on_cpu
from monai_inpaint.engines.onnxruntime_engine import OnnxRuntimeEngine
from monai_inpaint.engines.openvino_engine import OpenVinoEngine


def filler_in(bundle: str, precision: str) -> tuple[Filler, str]:
    """The filler, and the precision that OpenVINO says it uses on this machine.

    Args:
        bundle: name or folder.
        precision: "f32" or "bf16"; a processor without bfloat16 falls back to f32.
    """
    filler = Filler(bundle, engine="openvino")
    engine = OpenVinoEngine(filler.bundle, precision)
    filler._engine = engine  # no public switch: the precision is a decision, not an option
    return filler, engine.describe()["arithmetic"]


def filler_in_half_precision(bundle: str) -> Filler:
    """A filler with its products rounded as a GPU rounds them by `--engine tensorrt`, computed by onnxruntime."""
    filler = Filler(bundle, engine="onnxruntime")
    engine = OnnxRuntimeEngine(filler.bundle)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL  # which would undo it
    graph = rounded_on_cpu(in_half_precision(onnx.load(filler.bundle.graph)))
    engine._graph = onnxruntime.InferenceSession(graph.SerializeToString(), options)
    filler._engine = engine
    return filler
