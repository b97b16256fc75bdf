"""Every bundle's graph through the parser and compiler of TensorRT-RTX, which need no GPU: `make test-tensorrt`."""

from __future__ import annotations

import inspect
import re
import time
from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto

from monai_inpaint.engines import tensorrt_builder, tensorrt_engine
from monai_inpaint.engines.cuda import Buffer, Gpu, gpu_is_here
from monai_inpaint.engines.half_precision import element_types, in_half_precision, rounded_on_cpu
from monai_inpaint.engines.tensorrt_builder import (
    Backend,
    Precision,
    Profile,
    build,
    engine_name,
    find_backend,
    graph_of,
    profile_of,
)
from monai_inpaint.errors import InputError
from monai_inpaint.registry import BundleInfo, bundles, find_bundle

pytest.importorskip("tensorrt_rtx")

GENERATIONS = ("sm_80", "sm_86", "sm_89", "sm_120")
NETWORKS = [network for bundle in bundles() for network in (bundle, bundle.sampler) if network]
SECONDS = 240.0  # for all of them
taken: list[float] = []


@pytest.fixture(scope="module")
def rtx() -> Backend:
    return find_backend("rtx")


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("bundle", NETWORKS, ids=lambda bundle: f"{bundle.name} {bundle.network}")
def test_every_graph_compiles_for_four_generations(bundle: BundleInfo, precision: Precision, rtx: Backend) -> None:
    start = time.process_time()
    graph = graph_of(bundle, precision)
    element_types(onnx.load_model_from_string(graph))

    engine, _ = build(graph, profile_of(bundle), rtx, GENERATIONS)

    taken.append(time.process_time() - start)
    assert len(engine) > bundle.graph.stat().st_size / 4


def test_all_of_them_take_less_than_four_minutes() -> None:
    assert sum(taken) < SECONDS


def test_a_second_build_gives_the_same_engine(rtx: Backend) -> None:
    bundle = find_bundle("glcic")
    graph, profile = graph_of(bundle, "fp16"), profile_of(bundle)

    assert build(graph, profile, rtx, ["sm_86"]) == build(graph, profile, rtx, ["sm_86"])


def test_without_a_generation_an_engine_for_all_is_compiled_where_there_is_no_gpu(rtx: Backend) -> None:
    bundle = find_bundle("glcic")

    assert build(graph_of(bundle, "fp16"), profile_of(bundle), rtx)[0]


def test_a_graph_of_half_and_float_in_one_operator_is_refused(rtx: Backend) -> None:
    bundle = find_bundle("glcic")
    model = onnx.load(bundle.graph)
    weights = next(node for node in model.graph.node if node.op_type == "Cast")
    weights.attribute[0].i = TensorProto.FLOAT16

    with pytest.raises(InputError, match="rtx .* does not accept the network") as error:
        build(model.SerializeToString(), profile_of(bundle), rtx, ["sm_86"])
    assert "\n" not in str(error.value)


def test_what_is_no_graph_is_refused(rtx: Backend) -> None:
    with pytest.raises(InputError, match="does not accept the network"):
        build(b"no graph" * 100, Profile(), rtx)


def test_a_generation_that_is_not_known_is_named_with_those_that_are(rtx: Backend) -> None:
    bundle = find_bundle("glcic")

    with pytest.raises(InputError, match="cannot compile for the GPU 'sm_61'; it knows sm_75, sm_80"):
        build(graph_of(bundle, "fp32"), profile_of(bundle), rtx, ["sm_61"])


def test_the_name_of_an_engine_changes_with_all_that_it_depends_on(rtx: Backend) -> None:
    glcic, medgan = find_bundle("glcic"), find_bundle("medgan")
    usual = ("fp16", Profile(), rtx, "sm_86 RTX A4000")
    names = {
        engine_name(glcic, *usual),
        engine_name(medgan, *usual),
        engine_name(glcic, "fp32", *usual[1:]),
        engine_name(glcic, "fp16", Profile(batch=(1, 2, 4)), *usual[2:]),
        engine_name(glcic, "fp16", Profile(), Backend("tensorrt", rtx.library), usual[3]),
        engine_name(glcic, *usual[:3], "sm_89 RTX 4090"),
    }

    assert len(names) == 6


@pytest.mark.parametrize("factor", [1, 16, 257])
@pytest.mark.parametrize("bundle", bundles(), ids=lambda bundle: bundle.name)
def test_half_precision_moves_a_fill_by_little_of_its_range(bundle: BundleInfo, factor: int) -> None:
    """Of 1000 units times the factor; what a CPU rounds as a GPU would."""
    model = onnx.load(bundle.graph)
    windows = _windows(model, bundle, 1000.0 * factor)

    exact, half = (_ran(each, windows) for each in (model, rounded_on_cpu(in_half_precision(model))))

    assert np.isfinite(half).all()
    in_place = exact.shape == windows[:, :1].shape
    inside = windows[:, 1:2] > 0 if in_place and windows.shape[1] > 1 else np.ones_like(exact, bool)
    wide = 1000.0 * factor if in_place and bundle.kind != "detection" else 1.0
    assert np.sqrt(np.mean((half - exact)[inside] ** 2)) < 1e-3 * wide
    if bundle.kind == "inpainting":
        np.testing.assert_array_equal(half[~inside], exact[~inside])


@pytest.mark.parametrize(
    ("variable", "kind"),
    [
        ("builder", "Builder"),
        ("network", "INetworkDefinition"),
        ("parser", "OnnxParser"),
        ("config", "IBuilderConfig IRuntimeConfig"),
        ("shapes", "IOptimizationProfile"),
        ("context", "IExecutionContext"),
        ("engine", "ICudaEngine"),
        ("_engine", "ICudaEngine"),
        ("_runtime", "Runtime"),
        ("_cache", "IRuntimeCache"),
        ("library", ""),
    ],
)
def test_what_is_asked_of_the_library_is_there(variable: str, kind: str, rtx: Backend) -> None:
    text = inspect.getsource(tensorrt_builder) + inspect.getsource(tensorrt_engine)
    asked = set(re.findall(rf"\b{variable}\.([a-z_A-Z0-9]+)", text)) - {"__init__"}
    kinds = [getattr(rtx.library, name) for name in kind.split()] or [rtx.library]

    assert asked
    assert not [name for name in asked if not any(hasattr(each, name) for each in kinds)]


CALLS: dict[str, Callable[[Gpu], object]] = {
    "stream": lambda gpu: gpu.stream(),
    "buffer": lambda gpu: gpu.buffer(4),
    "send": lambda gpu: gpu.send(BUFFER, 4, 0),
    "fetch": lambda gpu: gpu.fetch(BUFFER, 4, 0),
    "wait": lambda gpu: gpu.wait(0),
    "free": lambda gpu: gpu.free(BUFFER),
    "record": lambda gpu: gpu.record(lambda _: None, 0),
    "device": lambda gpu: gpu._call("cudaGetDeviceProperties", 0),
    "pinned": lambda gpu: gpu._call("cudaHostAlloc", 16, gpu._cuda.cudaHostAllocDefault),
    "unpinned": lambda gpu: gpu._call("cudaFreeHost", 0),
    "recorded": lambda gpu: gpu._call("cudaStreamEndCapture", 0),
    "ready": lambda gpu: gpu._call("cudaGraphInstantiate", gpu._cuda.cudaGraph_t(0), 0),
    "destroy": lambda gpu: gpu._call("cudaGraphDestroy", gpu._cuda.cudaGraph_t(0)),
    "launch": lambda gpu: gpu._call("cudaGraphLaunch", gpu._cuda.cudaGraphExec_t(0), 0),
}
BUFFER = Buffer(4, 0, np.zeros(4, np.float32))


@pytest.mark.skipif(gpu_is_here(), reason="there is a GPU, which does what it is asked")
@pytest.mark.parametrize("call", CALLS)
def test_nvidias_bindings_take_the_arguments_of_every_call(call: str) -> None:
    gpu = Gpu.__new__(Gpu)  # no driver is asked until the call
    gpu._cuda = pytest.importorskip("cuda.bindings.runtime")

    with pytest.raises(RuntimeError, match="failed on the GPU: cudaError"):
        CALLS[call](gpu)


def _windows(model: onnx.ModelProto, bundle: BundleInfo, units: float) -> np.ndarray:
    """Images in these units with a hole; what is not in units, noise and density, in its own range."""
    _, channels, rows, _ = (size.dim_value for size in model.graph.input[0].type.tensor_type.shape.dim)
    if rows == 1:
        return np.random.default_rng(0).normal(size=(2, channels, 1, 1)).astype(np.float32)
    side = rows or 128
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    image = units * (0.4 * np.sin(3 * x) * np.cos(4 * y) + np.random.default_rng(0).normal(0, 0.02, x.shape))
    windows = np.zeros((1, channels, side, side), np.float32)
    windows[:, 0] = image
    if channels > 1:
        windows[:, 1, side // 4 : side // 2, side // 3 : side // 2] = 1
        windows[:, 0] *= 1 - windows[:, 1]
    if channels == 3:
        windows[:, 2] = 0.7 * windows[:, 1] if bundle.kind == "synthesis" else image
    return windows


def _ran(model: onnx.ModelProto, windows: np.ndarray) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model.SerializeToString(), options).run(None, {"image": windows})[0]
