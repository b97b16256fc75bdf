"""Export a bundle's generator to ONNX: `python -m monai_inpaint.networks.export bundles/mr_inpainting`.

Weights are kept in half precision, in the graph and in the file for torch: half the download, and finer than the
bfloat16 that they were trained and are run with. Computation stays in float32, or in what the engine chooses.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import nn

from monai_inpaint.engines.torch_engine import load_network
from monai_inpaint.failure import DONE, exit_code_of
from monai_inpaint.registry import find_bundle

_SMALL = 256  # numbers: constants of the graph's own arithmetic stay as they are


def export_onnx(network: nn.Module, path: str | Path) -> Path:
    """Write the graph of a network with the input `image` and the output `pred`, both float32.

    The input is (B, C, H, W) and the output (B, 1, H, W), where C is the network's `channels`, 2 if it has none. The
    batch is dynamic; so are height and width, in multiples of 32, unless the network has a `side`. The file contains
    the weights and appears only when it is complete.

    Args:
        network: the generator.
        path: file to write.
    """
    path = Path(path)
    side = getattr(network, "side", None)
    height, width = torch.export.Dim("h", min=1, max=64), torch.export.Dim("w", min=1, max=64)
    batch = torch.export.Dim("batch", min=1, max=1024)
    example = torch.zeros(2, getattr(network, "channels", 2), *([side, side] if side else [4 * 32, 5 * 32]))
    example[:, 1:2, 32:64, 32:64] = 1.0
    sides = {} if side else {2: 32 * height, 3: 32 * width}
    program = torch.onnx.export(
        network.cpu().eval(),
        (example,),
        input_names=["image"],
        output_names=["pred"],
        dynamic_shapes=({0: batch, **sides},),
        opset_version=20,
        dynamo=True,
        verbose=False,
    )
    assert program is not None  # so it is with dynamo=True
    for node in program.model.graph.all_nodes():
        node.metadata_props.clear()  # the exporter's notes, stack traces with this machine's paths among them
    unfinished = path.with_name(f".{path.name}.part")
    graph = program.model_proto
    _halve(graph.graph)
    onnx.save(graph, unfinished)
    os.replace(unfinished, path)
    return path


def _halve(graph: onnx.GraphProto) -> None:
    """Keep the weights in half precision; each is cast to float32 where it is used."""
    casts: list[onnx.NodeProto] = []
    for weights in graph.initializer:
        values = numpy_helper.to_array(weights)
        if values.dtype != np.float32 or values.size < _SMALL:
            continue
        name = weights.name
        weights.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def export_bundle(folder: str | Path) -> None:
    """Write the graphs of a bundle's networks from their weights, and store those in half precision too."""
    bundle = find_bundle(Path(folder).resolve())  # a folder of a bundle's name is that folder, not the installed bundle
    for network in (bundle, *filter(None, [bundle.sampler])):
        values = load_network(network).state_dict()
        unfinished = network.weights.with_name(f".{network.weights.name}.part")
        torch.save({name: value.half() for name, value in values.items()}, unfinished)
        os.replace(unfinished, network.weights)
        export_onnx(load_network(network), network.graph)


def _run() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m monai_inpaint.networks.export", description="Export the networks of bundles to ONNX."
    )
    parser.add_argument("bundles", nargs="+", metavar="BUNDLE", help="folder of a bundle, with models/model.pt")
    for folder in parser.parse_args().bundles:
        export_bundle(folder)
    return DONE


if __name__ == "__main__":
    sys.exit(exit_code_of(_run))
