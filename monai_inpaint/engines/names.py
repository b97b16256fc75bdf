"""Table of the engines: to add one, add a line here and a module `NAME_engine` with `load(bundle)`."""

from __future__ import annotations

# Name -> the distributions that bring it, one of which must be installed; on a CPU in the order of preference.
ENGINES = {
    "openvino": ("openvino",),
    "onnxruntime": ("onnxruntime", "onnxruntime-gpu"),
    "torch": ("torch",),
    "tensorrt": ("tensorrt", "tensorrt-cu13", "tensorrt-cu12", "tensorrt-rtx-cu13", "tensorrt-rtx-cu13-bindings"),
}
CHOICES = ("auto", *ENGINES)
NEEDS_GPU = ("tensorrt",)
ON_GPU = ("tensorrt", "torch", "onnxruntime")  # those that compute on a GPU, the fastest first
