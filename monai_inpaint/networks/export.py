"""Export a bundle's generator to ONNX: `python -m monai_inpaint.networks.export bundles/mr_inpainting`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch
from torch import nn

from monai_inpaint.engines.torch_engine import load_network
from monai_inpaint.registry import find_bundle


def export_onnx(network: nn.Module, path: str | Path, *, multiple: int = 32) -> Path:
    """Write the graph of a 2D generator: input `image` (B, 2, H, W), output `pred` (B, 1, H, W), float32.

    Batch, height and width are dynamic (height and width in multiples of `multiple`). The file holds the weights and
    appears only when it is whole.
    """
    path = Path(path)
    height, width = torch.export.Dim("h", min=1, max=64), torch.export.Dim("w", min=1, max=64)
    batch = torch.export.Dim("batch", min=1, max=1024)
    example = torch.zeros(2, 2, 4 * multiple, 5 * multiple)
    example[:, 1, multiple : 2 * multiple, multiple : 2 * multiple] = 1.0
    program = torch.onnx.export(
        network.cpu().eval(),
        (example,),
        input_names=["image"],
        output_names=["pred"],
        dynamic_shapes=({0: batch, 2: multiple * height, 3: multiple * width},),
        opset_version=20,
        dynamo=True,
        verbose=False,
    )
    assert program is not None  # so it is with dynamo=True
    for node in program.model.graph.all_nodes():
        node.metadata_props.clear()  # the exporter's notes, stack traces with this machine's paths among them
    beside = path.with_name(f".{path.name}.part")
    program.save(beside, external_data=False)
    os.replace(beside, path)
    return path


if __name__ == "__main__":
    for folder in sys.argv[1:]:
        info = find_bundle(folder)
        export_onnx(load_network(info), info.graph)
