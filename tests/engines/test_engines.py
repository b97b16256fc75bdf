"""Engines: safe for threads, and clear about bundles that cannot be run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from monai_inpaint import Filler, InputError
from monai_inpaint.engines import available, load_engine
from monai_inpaint.registry import find_bundle

_NETWORKS = "monai_inpaint.networks"
_ENGINES = Path(__file__).parents[2] / "monai_inpaint" / "engines"


@pytest.mark.parametrize("engine", sorted(available()))
def test_threads_that_share_a_filler_get_their_own_fills(engine: str) -> None:
    filler = Filler("mr", engine=engine)
    hole = np.zeros((64, 64), bool)
    hole[20:40, 20:40] = True
    images = [np.random.default_rng(n).normal(100 * n, 10, (64, 64)).astype(np.float32) for n in range(6)]
    alone = [filler(image, hole).image for image in images]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda n: filler(images[n % 6], hole).image, range(24)))
    for n, filled in enumerate(together):
        np.testing.assert_allclose(filled, alone[n % 6], atol=1e-3)


@pytest.mark.parametrize("name", ["artifact_segmentation", "mr"])
def test_a_graph_compiled_anew_and_one_from_the_cache_give_the_same(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    openvino = pytest.importorskip("monai_inpaint.engines.openvino_engine")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    compiled = openvino.load(find_bundle(name))
    cached = openvino.load(find_bundle(name))
    windows = np.random.default_rng(0).uniform(0, 255, (1, compiled.channels, 64, 64)).astype(np.float32)
    windows[:, 1:] = 0

    assert any(tmp_path.rglob("*.blob"))
    np.testing.assert_allclose(cached.run(windows), compiled.run(windows), atol=1e-3)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return Path(shutil.copytree(find_bundle("mr").path, tmp_path / "mr_copy"))


def _config(bundle: Path, change: Callable[[dict], object]) -> None:
    path = bundle / "configs" / "inference.json"
    config = json.loads(path.read_text())
    change(config)
    path.write_text(json.dumps(config))


def _list_of_tensors(bundle: Path) -> None:
    import torch

    torch.save([torch.zeros(2)], bundle / "models" / "model.pt")


def _numbered_tensors(bundle: Path) -> None:
    import torch

    torch.save({1: torch.zeros(2)}, bundle / "models" / "model.pt")


def _pickle(bundle: Path) -> None:
    import torch

    torch.save({"path": Path("x")}, bundle / "models" / "model.pt")


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda b: (b / "configs" / "inference.json").unlink(), id="no config"),
        pytest.param(lambda b: (b / "configs" / "inference.json").write_text("{"), id="broken config"),
        pytest.param(lambda b: _config(b, lambda c: c.pop("network_def")), id="no network"),
        pytest.param(lambda b: _config(b, lambda c: c.update(network_def="x")), id="network is a word"),
        pytest.param(lambda b: _config(b, lambda c: c["network_def"].pop("_target_")), id="no target"),
        pytest.param(
            lambda b: _config(b, lambda c: c["network_def"].update(_target_="monai_inpaint.networks.None")),
            id="unknown",
        ),
        pytest.param(lambda b: _config(b, lambda c: c["network_def"].update(_target_="os.system")), id="foreign"),
        pytest.param(
            lambda b: _config(b, lambda c: c.update(network_def={"_target_": f"{_NETWORKS}.no_module.Net"})),
            id="unknown module",
        ),
        pytest.param(
            lambda b: _config(
                b, lambda c: c.update(network_def={"_target_": f"{_NETWORKS}.known_voxels.masked_statistics"})
            ),
            id="no network but a function",
        ),
        pytest.param(lambda b: _config(b, lambda c: c["network_def"].update(channels=[])), id="no channels"),
        pytest.param(lambda b: _config(b, lambda c: c["network_def"].update(channels=[-8] * 4)), id="negative sizes"),
        pytest.param(lambda b: _config(b, lambda c: c["network_def"].update(channels="abcd")), id="sizes are words"),
        pytest.param(lambda b: _config(b, lambda c: c["network_def"].update(depth=3)), id="unknown argument"),
        pytest.param(lambda b: _config(b, lambda c: c["network_def"].update(channels=[8, 8, 8, 8])), id="other sizes"),
        pytest.param(lambda b: (b / "models" / "model.pt").unlink(), id="no weights"),
        pytest.param(lambda b: (b / "models" / "model.pt").write_bytes(b"x" * 100), id="garbage weights"),
        pytest.param(_list_of_tensors, id="a list"),
        pytest.param(_numbered_tensors, id="numbered tensors"),
        pytest.param(lambda b: (b / "models" / "model.pt").write_bytes(b""), id="empty weights"),
        pytest.param(_pickle, id="a pickle"),
    ],
)
def test_a_bundle_that_torch_cannot_load_is_said_in_one_sentence(
    bundle: Path, damage: Callable[[Path], object], recwarn: pytest.WarningsRecorder
) -> None:
    from monai_inpaint.engines.torch_engine import load_network

    damage(bundle)
    with pytest.raises(InputError) as error:
        load_network(find_bundle(bundle))
    assert "\n" not in str(error.value)
    assert "weights_only" not in str(error.value)
    assert not [warning for warning in recwarn if "weights_only" in str(warning.message)]


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
@pytest.mark.parametrize("damage", ["truncated", "garbage"])
def test_a_graph_that_cannot_be_run_is_said(bundle: Path, engine: str, damage: str) -> None:
    graph = bundle / "models" / "model.onnx"
    graph.write_bytes(graph.read_bytes()[:5000] if damage == "truncated" else b"no graph" * 100)
    with pytest.raises(InputError, match=r"model\.onnx") as error:
        Filler(bundle, engine=engine)
    assert "\n" not in str(error.value)


def _one_node_graph(path: Path, taken: tuple[str, list], given: tuple[str, list], kind: str) -> None:
    """Relu, or ReduceMax along the channels, on float32 or (Relu) float64."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    element = TensorProto.DOUBLE if kind == "float64" else TensorProto.FLOAT
    ports = [helper.make_tensor_value_info(name, element, sizes) for name, sizes in (taken, given)]
    reduces = given[1][1] == 1 != taken[1][1]
    node = helper.make_node("ReduceMax" if reduces else "Relu", [taken[0], *(["axes"] if reduces else [])], [given[0]])
    constants = [numpy_helper.from_array(np.array([1]), "axes")] if reduces else []
    graph = helper.make_graph([node], "other", ports[:1], ports[1:], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)


_ANY = ["b", 2, "h", "w"], ["b", 1, "h", "w"]


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
@pytest.mark.parametrize(
    ("taken", "given", "kind", "fits"),
    [
        pytest.param(("image", _ANY[0]), ("pred", _ANY[1]), "float32", True, id="as agreed"),
        pytest.param(("x", _ANY[0]), ("y", _ANY[1]), "float32", False, id="other names"),
        pytest.param(("image", ["b", 2]), ("pred", ["b", 2]), "float32", False, id="a matrix"),
        pytest.param(("image", ["b", 1, "h", "w"]), ("pred", _ANY[1]), "float32", False, id="one channel in"),
        pytest.param(("image", _ANY[0]), ("pred", _ANY[0]), "float32", False, id="two channels out"),
        pytest.param(("image", ["b", 2, 64, 64]), ("pred", ["b", 1, 64, 64]), "float32", True, id="one size"),
        pytest.param(("image", ["b", 2, 64, 96]), ("pred", ["b", 1, 64, 96]), "float32", False, id="not square"),
        pytest.param(("image", _ANY[0]), ("pred", _ANY[1]), "float64", False, id="float64"),
    ],
)
def test_a_valid_graph_of_other_inputs_or_outputs_is_refused_at_load(
    bundle: Path, engine: str, taken: tuple[str, list], given: tuple[str, list], kind: str, fits: bool
) -> None:
    _one_node_graph(bundle / "models" / "model.onnx", taken, given, kind)
    if fits:
        assert Filler(bundle, engine=engine)
        return
    with pytest.raises(InputError, match="it must take image") as error:
        Filler(bundle, engine=engine)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("engine", sorted(available()))
def test_threads_that_share_an_engine_get_what_it_gives_one_after_another(engine: str) -> None:
    loaded = load_engine(engine, find_bundle("cxr"))
    run, batches = loaded.run, []
    for n in range(6):
        batch = np.zeros((2, loaded.channels, 64, 64), np.float32)
        batch[:, 0] = np.random.default_rng(n).normal(100 * n, 10, (2, 64, 64))
        batch[:, 1, 20:40, 20:40] = 1
        batch[:, 0] *= 1 - batch[:, 1]
        batches.append(batch)
    alone = [run(batch) for batch in batches]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda n: run(batches[n % 6]), range(36)))
    for n, filled in enumerate(together):
        np.testing.assert_allclose(filled, alone[n % 6], atol=1e-3)


def test_what_the_torch_engine_refuses_to_unpickle_is_said_in_our_words(bundle: Path) -> None:
    _pickle(bundle)
    with pytest.raises(InputError, match="contains more than tensors; it is not loaded"):
        Filler(bundle, engine="torch")


def test_openvino_does_not_tell_its_makers_that_it_is_used() -> None:
    asked = "import sys, monai_inpaint.engines.openvino_engine as e; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout.split()

    assert "openvino.tools.ovc.telemetry_stub" in loaded
    assert not [name for name in loaded if name.startswith("openvino_telemetry.")]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "platform", "linux")
    return tmp_path / "cache" / "monai-inpaint" / "openvino"


def _blobs(cache: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in cache.rglob("*.blob")}


def test_openvino_compiles_a_graph_once_into_a_folder_of_the_user_alone(cache: Path) -> None:
    from monai_inpaint.engines.openvino_engine import OpenVinoEngine

    bundle, window = find_bundle("glcic"), np.zeros((1, 2, 256, 256), np.float32)
    first = OpenVinoEngine(bundle).run(window)
    made = _blobs(cache)
    second = OpenVinoEngine(bundle).run(window)

    assert len(made) == 1
    assert _blobs(cache) == made
    assert cache.stat().st_mode & 0o077 == 0
    np.testing.assert_array_equal(first, second)


def test_a_damaged_compiled_graph_is_compiled_anew(cache: Path) -> None:
    from monai_inpaint.engines.openvino_engine import OpenVinoEngine

    bundle, window = find_bundle("glcic"), np.zeros((1, 2, 256, 256), np.float32)
    first = OpenVinoEngine(bundle).run(window)
    (blob,) = _blobs(cache)
    blob.write_bytes(blob.read_bytes()[:10000])

    np.testing.assert_array_equal(OpenVinoEngine(bundle).run(window), first)


def test_a_graph_from_elsewhere_is_not_kept(cache: Path, bundle: Path) -> None:
    from monai_inpaint.engines.openvino_engine import OpenVinoEngine

    OpenVinoEngine(find_bundle(bundle))

    assert not _blobs(cache)
