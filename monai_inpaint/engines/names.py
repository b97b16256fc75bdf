"""Table of the engines. To add one, add a line here, and a module `NAME_engine` beside with `load(bundle)`."""

from __future__ import annotations

# Name -> the distributions that provide it, one of which must be installed; in the order of preference on a CPU.
ENGINES = {
    "openvino": ("openvino",),
    "onnxruntime": ("onnxruntime", "onnxruntime-gpu"),
    "torch": ("torch",),
    "tensorrt": ("tensorrt", "tensorrt-cu13", "tensorrt-cu12", "tensorrt-rtx-cu13", "tensorrt-rtx-cu13-bindings"),
}
CHOICES = ("auto", *ENGINES)
NEEDS_GPU = ("tensorrt",)  # those that do not run on a CPU
ON_GPU = ("tensorrt", "torch", "onnxruntime")  # those that can compute on a GPU, the fastest first

EXPORTS = {"onnx": ".onnx", "openvino": ".xml", "tensorrt": ".engine"}  # formats of `export`, and their suffixes
