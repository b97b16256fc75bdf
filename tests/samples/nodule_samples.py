"""Networks that draw nodules without having learned it, as bundles; films and CT to put nodules into."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from lung_samples import LEFT, RIGHT, ellipse
from lung_samples import film as film_with
from onnx import TensorProto, helper, numpy_helper

from monai_inpaint.imaging.image import Image

LATENT, SIDE = 100, 128
FILM = (512, 512)


def film(seed: int = 0) -> np.ndarray:
    """A film of two lungs, uint8."""
    pixels = film_with(RIGHT, LEFT, shape=FILM) + np.random.default_rng(seed).normal(0, 2, FILM)
    return pixels.clip(0, 255).astype(np.uint8)


def ct(slices: int = 1) -> Image:
    """A chest of two lungs in HU with 1 mm pixels, slices of 2 mm."""
    shape = (192, 192)
    hu = np.where(ellipse(shape, (0.5, 0.5, 0.35, 0.45)), 40.0, -1000.0)
    for column in (0.3, 0.7):
        hu[ellipse(shape, (0.5, column, 0.24, 0.13))] = -850
    volume = np.repeat(hu.T[..., None], slices, axis=2) + np.random.default_rng(0).normal(0, 20, (*shape, slices))
    voxels = volume.astype(np.int16)
    affine = np.diag([-1.0, -1.0, 2.0, 1.0])
    return Image(voxels if slices > 1 else voxels[..., 0], affine, "ct")


def nodule_bundles(home: Path) -> Path:
    """A folder with the bundles nodule_shape, nodule_texture_cxr and nodule_texture_ct."""
    _bundle(home / "nodule_shape", _shape_graph(), "CR, CT", LATENT)
    for modality, code, bright in (("cxr", "CR", 170.0), ("ct", "CT", 0.0)):
        _bundle(home / f"nodule_texture_{modality}", _texture_graph(bright), code, 3)
    return home


def _bundle(folder: Path, graph: onnx.GraphProto, modality: str, channels: int) -> None:
    for name in ("configs", "models"):
        (folder / name).mkdir(parents=True)
    image: dict[str, Any] = {"num_channels": channels, "modality": modality}
    metadata = {
        "version": "0.0.1",
        "description": "Made for tests.",
        "kind": "synthesis",
        "capabilities": {},
        "network_data_format": {"inputs": {"image": image}},
    }
    (folder / "configs" / "metadata.json").write_text(json.dumps(metadata))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, folder / "models" / "model.onnx")


def _port(name: str, *sizes: int | str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *sizes])


def _shape_graph() -> onnx.GraphProto:
    """A disc of 25 pixels, bent by smooth waves of random sizes."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    turn = np.arctan2(rows, columns)
    waves = [np.cos((n % 4 + 2) * turn + rng.uniform(0, 6)) for n in range(LATENT)]
    weights = (0.15 * np.stack(waves)[:, None]).astype(np.float32)
    disc = ((25 - np.hypot(rows, columns)) / 8).astype(np.float32)[None, None]
    nodes = [
        helper.make_node("ConvTranspose", ["image", "weights"], ["waves"]),
        helper.make_node("Add", ["waves", "disc"], ["field"]),
        helper.make_node("Tanh", ["field"], ["pred"]),
    ]
    constants = [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(disc, "disc")]
    return helper.make_graph(nodes, "shape", [_port("image", LATENT, 1, 1)], [_port("pred", 1, SIDE, SIDE)], constants)


def _texture_graph(bright: float) -> onnx.GraphProto:
    """Inside the nodule a grey that grows with its density, over a blur of what lies around."""
    kernel = np.zeros((1, 3, 9, 9), np.float32)
    kernel[0, 0] = 1 / 162
    kernel[0, 1, 4, 4] = bright / 2
    kernel[0, 2, 4, 4] = 40
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["drawn"], pads=[4, 4, 4, 4]),
        helper.make_node("Split", ["image", "sizes"], ["known", "nodule", "density"], axis=1),
        helper.make_node("Mul", ["drawn", "nodule"], ["inside"]),
        helper.make_node("Add", ["known", "inside"], ["pred"]),
    ]
    constants = [
        numpy_helper.from_array(kernel, "kernel"),
        numpy_helper.from_array(np.array([1, 1, 1], np.int64), "sizes"),
    ]
    return helper.make_graph(nodes, "texture", [_port("image", 3, "h", "w")], [_port("pred", 1, "h", "w")], constants)
