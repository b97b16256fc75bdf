"""Engines on an NVIDIA GPU: `make test-gpu`. Everything here is skipped where there is none."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from monai_inpaint import Filler
from monai_inpaint.engines import available, load_engine
from monai_inpaint.engines.cuda import gpu_is_here
from monai_inpaint.registry import BundleInfo, bundles, find_bundle

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not gpu_is_here(), reason="needs an NVIDIA GPU")]


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.getbasetemp() / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


def _windows(bundle: BundleInfo, channels: int, batch: int) -> np.ndarray:
    side = bundle.capabilities.window or 128
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    windows = np.zeros((batch, channels, side, side), np.float32)
    windows[:, 0] = 400 * np.sin(3 * x) * np.cos(4 * y) + np.random.default_rng(0).normal(0, 20, (batch, side, side))
    if channels > 1:
        windows[:, 1, side // 4 : side // 2, side // 3 : side // 2] = 1
        windows[:, 0] *= 1 - windows[:, 1]
    return windows


def _exact(bundle: BundleInfo, windows: np.ndarray) -> np.ndarray:
    torch = pytest.importorskip("torch")
    from monai_inpaint.engines.torch_engine import load_network

    with torch.inference_mode():
        return load_network(bundle).eval()(torch.from_numpy(windows)).numpy()


@pytest.mark.parametrize("engine", ["tensorrt", "torch", "onnxruntime"])
@pytest.mark.parametrize("bundle", bundles(), ids=lambda bundle: bundle.name)
def test_every_engine_fills_as_torch_does_in_float32(bundle: BundleInfo, engine: str) -> None:
    if engine not in available():
        pytest.skip(f"{engine} is not installed")
    if engine == "onnxruntime" and "CUDAExecutionProvider" not in pytest.importorskip(engine).get_available_providers():
        pytest.skip("onnxruntime is the build for CPUs")
    made = load_engine(engine, bundle)

    for batch in (1, 3, 8):
        windows = _windows(bundle, made.channels, batch)
        exact, filled = _exact(bundle, windows), made.run(windows)
        inside = windows[:, 1:2] > 0 if made.channels > 1 else np.ones_like(exact, bool)
        assert np.sqrt(np.mean((filled - exact)[inside] ** 2)) < (1e-3 if bundle.kind == "detection" else 1.0)
    assert made.describe()["device"].upper() != "CPU"
    assert "took_over" not in made.describe()


def test_auto_takes_an_engine_on_the_gpu() -> None:
    assert load_engine("auto", find_bundle("ct")).describe()["device"].upper() != "CPU"


@pytest.mark.skipif("tensorrt" not in available(), reason="TensorRT is not installed")
def test_a_compiled_engine_is_found_again_in_less_time() -> None:
    from monai_inpaint.engines import tensorrt_engine

    def seconds() -> float:
        start = time.perf_counter()
        engine = tensorrt_engine.load(find_bundle("glcic"))
        engine.run(_windows(find_bundle("glcic"), 2, 1))
        return time.perf_counter() - start

    first, second = seconds(), seconds()
    assert second < first


@pytest.mark.slow
def test_a_ct_with_an_implant_is_filled_in_half_a_second() -> None:
    volume = np.random.default_rng(0).normal(0, 30, (512, 512, 300)).astype(np.float32)
    hole = np.zeros(volume.shape, bool)
    hole[240:280, 240:280, 140:160] = True
    filler = Filler("ct")
    filler(volume, hole)

    start = time.perf_counter()
    filler(volume, hole)

    assert time.perf_counter() - start < 0.5
