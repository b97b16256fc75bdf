"""Engines: safe for threads, and clear about bundles that cannot be run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from monai_inpaint import Filler, InputError
from monai_inpaint.engines import available
from monai_inpaint.registry import find_bundle


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
        pytest.param(lambda b: _config(b, lambda c: c["network_def"].update(depth=3)), id="unknown argument"),
        pytest.param(lambda b: _config(b, lambda c: c["network_def"].update(channels=[8, 8, 8, 8])), id="other sizes"),
        pytest.param(lambda b: (b / "models" / "model.pt").unlink(), id="no weights"),
        pytest.param(lambda b: (b / "models" / "model.pt").write_bytes(b"x" * 100), id="garbage weights"),
        pytest.param(_list_of_tensors, id="a list"),
        pytest.param(_pickle, id="a pickle"),
    ],
)
def test_a_bundle_that_torch_cannot_load_is_said_in_one_sentence(
    bundle: Path, damage: Callable[[Path], object], recwarn: pytest.WarningsRecorder
) -> None:
    damage(bundle)
    with pytest.raises(InputError) as error:
        Filler(bundle, engine="torch")
    assert "\n" not in str(error.value)
    assert "weights_only" not in str(error.value)
    assert not [warning for warning in recwarn if "weights_only" in str(warning.message)]


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
@pytest.mark.parametrize("damage", ["truncated", "garbage", "other ports"])
def test_a_graph_that_cannot_be_run_is_said(bundle: Path, engine: str, damage: str) -> None:
    graph = bundle / "models" / "model.onnx"
    if damage == "other ports":
        import onnx

        x, y = (onnx.helper.make_tensor_value_info(name, 1, [None, 2]) for name in "xy")
        model = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "other", [x], [y])
        onnx.save(onnx.helper.make_model(model, opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=10), graph)
    else:
        graph.write_bytes(graph.read_bytes()[:5000] if damage == "truncated" else b"no graph" * 100)
    with pytest.raises(InputError, match=r"model\.onnx"):
        Filler(bundle, engine=engine)
