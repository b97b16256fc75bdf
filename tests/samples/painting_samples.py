"""A network that paints films without having learned it, as a bundle."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE, LEVEL, GRAIN = 64, 100.0, 20.0


def painting_bundle(folder: Path) -> Path:
    """In the hole a level and its noise, everywhere else the film."""
    for name in ("configs", "models"):
        (folder / name).mkdir(parents=True)
    metadata = {
        "version": "0.0.1",
        "description": "Made for tests.",
        "kind": "synthesis",
        "capabilities": {"window": SIDE},
        "network_data_format": {"inputs": {"image": {"num_channels": 3, "modality": "CR"}}},
    }
    (folder / "configs" / "metadata.json").write_text(json.dumps(metadata))
    nodes = [
        helper.make_node("Split", ["image", "sizes"], ["film", "hole", "noise"], axis=1),
        helper.make_node("Mul", ["noise", "grain"], ["grains"]),
        helper.make_node("Add", ["grains", "level"], ["greys"]),
        helper.make_node("Mul", ["greys", "hole"], ["drawn"]),
        helper.make_node("Add", ["film", "drawn"], ["pred"]),
    ]
    constants = [
        numpy_helper.from_array(np.array([1, 1, 1], np.int64), "sizes"),
        numpy_helper.from_array(np.float32(GRAIN), "grain"),
        numpy_helper.from_array(np.float32(LEVEL), "level"),
    ]
    ports = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", channels, SIDE, SIDE])
        for name, channels in (("image", 3), ("pred", 1))
    ]
    graph = helper.make_graph(nodes, "painting", ports[:1], ports[1:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, folder / "models" / "model.onnx")
    return folder
