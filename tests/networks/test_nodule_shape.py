"""The shape generator has the paper's layers, and its graph draws the same outline in every engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import openvino
import torch
from torch import nn

from monai_inpaint.networks import NoduleShapeDiscriminator, NoduleShapeGenerator
from monai_inpaint.networks.export import export_onnx


def test_a_vector_of_100_becomes_128_pixels_by_five_transposed_convolutions_after_4x4x512() -> None:
    network = NoduleShapeGenerator().eval()
    layers = [layer for layer in network.layers if isinstance(layer, nn.ConvTranspose2d)]

    assert [layer.out_channels for layer in layers] == [512, 256, 128, 64, 32, 1]
    assert all((layer.kernel_size, layer.stride) == ((4, 4), (2, 2)) for layer in layers[1:])
    with torch.no_grad():
        drawn = network(torch.randn(2, 100, 1, 1))
    assert drawn.shape == (2, 1, 128, 128)
    assert drawn.abs().max() <= 1


def test_the_discriminator_mirrors_it_and_sees_how_much_a_batch_varies() -> None:
    plain, spread = (NoduleShapeDiscriminator(16, batch_spread=seen).eval() for seen in (False, True))
    fields = torch.randn(3, 1, 128, 128)
    alike = fields[:1].repeat(3, 1, 1, 1)

    with torch.no_grad():
        assert spread(fields).shape == (3, 1, 1, 1)
        torch.testing.assert_close(plain(fields)[:1], plain(fields[:1]))
        torch.testing.assert_close(plain(alike)[:1], plain(fields[:1]))
        assert (spread(fields)[:1] - spread(alike)[:1]).abs() > 0


def test_engines_draw_the_outline_that_torch_draws(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = NoduleShapeGenerator(32).eval()
    graph = export_onnx(network, tmp_path / "model.onnx")
    latent = np.random.default_rng(0).standard_normal((3, 100, 1, 1), dtype=np.float32)

    with torch.no_grad():
        expected = network(torch.from_numpy(latent)).numpy()
    (by_onnx,) = onnxruntime.InferenceSession(graph).run(None, {"image": latent})
    compiled = openvino.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    np.testing.assert_allclose(by_onnx, expected, atol=2e-3)
    np.testing.assert_allclose(compiled({"image": latent})[0], expected, atol=2e-3)
