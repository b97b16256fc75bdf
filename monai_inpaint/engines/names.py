"""The engines there are: a new one is a line here, and a module `NAME_engine` beside with `load(bundle)`."""

from __future__ import annotations

# Name, which is also that of the package it needs -> what it computes on; in the order of preference.
ENGINES = {"openvino": "CPU", "onnxruntime": "CPU", "torch": "the GPU if there is one"}
CHOICES = ("auto", *ENGINES)
