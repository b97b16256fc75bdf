"""`monai-inpaint export`: a bundle's network for other programs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import openvino
import pytest
from cli_samples import run, tree

from monai_inpaint.engines import load_engine
from monai_inpaint.registry import find_bundle


def _window() -> np.ndarray:
    window = np.random.default_rng(0).normal(500, 100, (1, 2, 256, 256)).astype(np.float32)
    window[:, 1] = 0
    window[:, 1, 60:100, 80:120] = 1
    window[:, 0] *= 1 - window[:, 1]
    return window


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_an_exported_graph_fills_as_the_bundle_does(tmp_path: Path, capfd, precision: str) -> None:
    path, window = tmp_path / "glcic.onnx", _window()

    assert run(capfd, "export", "glcic", path, "--format", "onnx", "--precision", precision).code == 0

    onnx.checker.check_model(onnx.load(path))
    (filled,) = onnxruntime.InferenceSession(path).run(None, {"image": window})
    expected = load_engine("onnxruntime", find_bundle("glcic")).run(window)
    np.testing.assert_allclose(filled, expected, atol=1.0 if precision == "fp16" else 1e-2)


def test_the_network_that_draws_samples_is_exported_on_request(tmp_path: Path, capfd) -> None:
    assert run(capfd, "export", "mr", tmp_path / "a.onnx", "--format", "onnx", "--sampler").code == 0
    assert (tmp_path / "a.onnx").read_bytes() == (find_bundle("mr").path / "models" / "sampler.onnx").read_bytes()

    ran = run(capfd, "export", "glcic", tmp_path / "b.onnx", "--format", "onnx", "--sampler")
    assert (ran.code, ran.lines) == (
        2,
        ["monai-inpaint: The bundle glcic has no network for samples alone; leave out --sampler."],
    )


def test_an_export_to_openvino_has_its_weights_beside(tmp_path: Path, capfd) -> None:
    path, window = tmp_path / "glcic.xml", _window()

    assert run(capfd, "export", "glcic", path, "--format", "openvino").code == 0

    assert set(tree(tmp_path)) == {"glcic.xml", "glcic.bin"}
    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    expected = load_engine("onnxruntime", find_bundle("glcic")).run(window)
    np.testing.assert_allclose(compiled([window])[0], expected, atol=1e-2)


@pytest.mark.parametrize(
    ("output", "arguments", "said"),
    [
        ("a.xml", ["--format", "onnx"], "ends with .onnx"),
        ("a.onnx", ["--format", "onnx", "--batch", "1,8,64"], "for tensorrt"),
        ("a.onnx", ["--format", "onnx", "--batch", "1,8"], "for example 1,8,64"),
        ("a.engine", ["--format", "tensorrt", "--side", "64,100,256"], "multiples of 32"),
        ("a.engine", ["--format", "tensorrt", "--batch", "8,1,64"], "must be ascending"),
        ("no/a.onnx", ["--format", "onnx"], "make it first"),
    ],
)
def test_an_export_that_cannot_be_made_is_refused_in_one_sentence(
    tmp_path: Path, capfd, output: str, arguments: list[str], said: str
) -> None:
    ran = run(capfd, "export", "mr", tmp_path / output, *arguments)

    assert (ran.code, len(ran.lines)) == (2, 1)
    assert said in ran.lines[0]
    assert not tree(tmp_path)


def test_an_export_does_not_replace_what_is_there_unless_told_to(tmp_path: Path, capfd) -> None:
    path = tmp_path / "glcic.onnx"
    path.write_text("mine")

    assert run(capfd, "export", "glcic", path, "--format", "onnx").code == 2
    assert path.read_text() == "mine"
    assert run(capfd, "export", "glcic", path, "--format", "onnx", "--overwrite").code == 0
    assert path.stat().st_size > 1000
