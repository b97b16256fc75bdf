"""The bundles keep MONAI's rules, work from any place, and fill as the package does."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from bundle_schema import METADATA
from cli_samples import SIDE, box, ct_voxels, nifti, picture, picture_hole, smooth
from monai.bundle import ConfigWorkflow, onnx_export, verify_metadata, verify_net_in_out
from training_samples import (
    FINDER,
    METAL,
    NAMES,
    PAINTING,
    PUBLISHED,
    ROOT,
    TEXTURES,
    bundle,
    data_set,
    enlarge_films,
    image_features,
    run_bundle,
)

from monai_inpaint import Filler, read_image
from monai_inpaint.engines import load_engine
from monai_inpaint.engines.torch_engine import load_network
from monai_inpaint.registry import BundleInfo
from monai_inpaint.version import __version__

LARGEST = 16 * 10**6  # bytes a file of weights may take
OURS = {"name", "changelog", "supported_apps"}  # keys that we want besides
FILES = {
    *("LICENSE", "docs/README.md", "docs/data_license.txt", "models/model.pt", "models/model.onnx"),
    *(f"configs/{name}.json" for name in ("metadata", "inference", "inference_trt", "train", "evaluate")),
    "configs/multi_gpu_train.json",
    "configs/logging.conf",
}
# A home, a build or a temporary folder of somebody's machine, or a drive of theirs.
PERSONAL = re.compile(rb"/(?:home|root|Users|work|tmp|mnt|opt|usr)/|[A-Z]:\\\\?[A-Za-z]|site-packages")


@pytest.fixture(params=(*NAMES, *PUBLISHED))
def info(request: pytest.FixtureRequest) -> BundleInfo:
    """A bundle that fills."""
    return bundle(request.param)


@pytest.fixture(params=(*NAMES, *PUBLISHED, FINDER, METAL, *TEXTURES, PAINTING))
def any_info(request: pytest.FixtureRequest) -> BundleInfo:
    """Any bundle."""
    return bundle(request.param)


@pytest.fixture(autouse=True)
def own_import_path(monkeypatch: pytest.MonkeyPatch) -> None:
    # MONAI adds the bundle's root to it.
    monkeypatch.setattr(sys, "path", sys.path.copy())


def config(info: BundleInfo, name: str) -> str:
    return str(info.path / "configs" / f"{name}.json")


def metadata(info: BundleInfo) -> dict[str, Any]:
    return json.loads(Path(config(info, "metadata")).read_text(encoding="utf-8"))


def case(folder: Path, modality: str) -> tuple[Path, Path]:
    """A small image, its hole and the lists that name both, and the image alone."""
    folder.mkdir(exist_ok=True)
    if modality == "cxr":
        image, hole = picture(folder / "image.png"), picture_hole(folder / "hole.png")
    else:
        voxels = ct_voxels() if modality == "ct" else ct_voxels() + np.int16(1000)
        image = nifti(folder / "image.nii.gz", voxels)
        hole = nifti(folder / "hole.nii.gz", box(voxels.shape))
    (folder / "pairs.csv").write_text(f"image,hole\n{image.name},{hole.name}\n")
    (folder / "images.csv").write_text(f"image\n{image.name}\n")
    return image, hole


def assert_filled_as_the_package_does(filled: Path, image: Path, hole: Path, info: BundleInfo) -> None:
    source, result, inside = read_image(image), read_image(filled), read_image(hole).voxels > 0
    expected = Filler(info.path, engine="onnxruntime")(source, inside).image.voxels

    assert result.voxels.dtype == source.voxels.dtype
    np.testing.assert_array_equal(result.voxels[~inside], source.voxels[~inside])
    if source.affine is not None:
        np.testing.assert_array_equal(result.affine, source.affine)
    assert (result.voxels[inside] != source.voxels[inside]).mean() > 0.5
    # Whole numbers: the engines' last bits may round one apart.
    np.testing.assert_allclose(result.voxels[inside].astype(int), expected[inside].astype(int), rtol=0, atol=1)


def test_every_file_of_a_bundle_is_there(any_info: BundleInfo) -> None:
    assert {str(p.relative_to(any_info.path).as_posix()) for p in any_info.path.rglob("*") if p.is_file()} >= FILES
    assert (any_info.path / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rules in a file, which `verify_metadata` takes in place of a download."""
    path = tmp_path_factory.mktemp("schema") / "schema.json"
    path.write_text(json.dumps(METADATA))
    return path


def test_metadata_keeps_the_official_schema(any_info: BundleInfo, schema: Path) -> None:
    verify_metadata(meta_file=config(any_info, "metadata"), filepath=str(schema))

    content = metadata(any_info)
    assert content.keys() >= OURS
    assert all(isinstance(version, str) for version in content["required_packages_version"].values())
    assert content["name"] == any_info.path.name
    assert content["version"] in content["changelog"]
    assert content["required_packages_version"]["monai-inpaint"] == __version__


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.pop("task"),
        lambda content: content.update(references="one"),
        lambda content: content["network_data_format"].pop("outputs"),
        lambda content: content["network_data_format"]["inputs"]["image"].update(num_channels="two"),
        lambda content: content["network_data_format"]["inputs"]["image"].update(is_patch_data=0),
        lambda content: content["network_data_format"]["outputs"]["pred"].pop("value_range"),
    ],
)
def test_the_schema_refuses_what_the_official_one_does(change: Any, schema: Path, tmp_path: Path) -> None:
    content = metadata(bundle(NAMES[0]))
    change(content)
    (tmp_path / "metadata.json").write_text(json.dumps(content))

    with pytest.raises(ValueError, match="Failed validating"):
        verify_metadata(meta_file=str(tmp_path / "metadata.json"), filepath=str(schema))


def test_one_tensor_goes_in_and_one_comes_out(info: BundleInfo) -> None:
    tensors = metadata(info)["network_data_format"]
    image, pred = tensors["inputs"].pop("image"), tensors["outputs"].pop("pred")

    assert not tensors["inputs"]
    assert not tensors["outputs"]
    samples = ["noise", "state", "time", "nearness of the start"]
    channels = ["image", "hole", *(samples if info.name in NAMES else [])]
    assert (image["num_channels"], pred["num_channels"]) == (len(channels), 1)
    assert list(image["channel_def"].values()) == channels
    assert image["value_range"] == pred["value_range"]
    assert len(image["spatial_shape"]) == len(pred["spatial_shape"]) == 2


@pytest.mark.parametrize("n", [1, 2])
def test_the_network_takes_and_gives_what_the_metadata_says(any_info: BundleInfo, n: int) -> None:
    files = {"meta_file": config(any_info, "metadata"), "config_file": config(any_info, "inference")}

    verify_net_in_out(net_id="network_def", device="cpu", n=n, **files)


def test_monai_exports_the_network(any_info: BundleInfo, tmp_path: Path) -> None:
    side = getattr(load_network(any_info), "side", 64)  # of published networks: the only one that they take

    onnx_export(
        net_id="network_def",
        filepath=str(tmp_path / "model.onnx"),
        ckpt_file=str(any_info.path / "models" / "model.pt"),
        meta_file=config(any_info, "metadata"),
        config_file=config(any_info, "inference"),
        key_in_ckpt="",
        use_trace=True,
        input_shape=[
            1,
            {FINDER: 1, METAL: 3, PAINTING: 3, **dict.fromkeys(TEXTURES, 3)}.get(any_info.name, 2),
            side,
            side,
        ],
    )

    onnx.checker.check_model(str(tmp_path / "model.onnx"))


@pytest.mark.parametrize(
    ("names", "kind"),
    [(["inference"], "inference"), (["train"], "train"), (["train", "evaluate"], "evaluation")],
    ids=["inference", "train", "evaluate"],
)
def test_workflows_have_every_property(any_info: BundleInfo, names: list[str], kind: str, tmp_path: Path) -> None:
    data = enlarge_films(data_set(tmp_path))
    case(data, any_info.modalities[0])
    places = {"bundle_root": any_info.path, "dataset_dir": data, "output_dir": data / "out", "ckpt_dir": data / "ckpt"}
    if "networks.load_" in Path(config(any_info, "train")).read_text():
        places["features"] = image_features(tmp_path)
    workflow = ConfigWorkflow(
        [config(any_info, name) for name in names],
        workflow_type=kind,
        logging_file=False,
        **{name: str(path) for name, path in places.items()},
    )
    workflow.initialize()

    assert workflow.check_properties() == []


def test_a_bundle_gives_its_network_and_inferer_without_any_data(any_info: BundleInfo, tmp_path: Path) -> None:
    places = {"bundle_root": str(any_info.path), "dataset_dir": str(tmp_path / "nothing")}
    for names in (["inference"], ["train", "evaluate"]):
        files = [config(any_info, name) for name in names]
        workflow = ConfigWorkflow(files, workflow_type="infer", logging_file=False, **places)
        workflow.initialize()

        assert isinstance(workflow.network_def, torch.nn.Module)
        assert callable(workflow.inferer)


def test_inference_by_monai_fills_as_the_package_does(info: BundleInfo, tmp_path: Path) -> None:
    image, hole = case(tmp_path, info.modalities[0])
    places = {"bundle_root": str(info.path), "dataset_dir": str(tmp_path), "output_dir": str(tmp_path / "out")}
    workflow = ConfigWorkflow(config(info, "inference"), workflow_type="infer", logging_file=False, **places)
    workflow.initialize()
    workflow.run()

    assert_filled_as_the_package_does(tmp_path / "out" / image.name, image, hole, info)


@pytest.mark.parametrize("compiled", [False, True])
def test_inference_by_monai_draws_the_samples_that_the_package_draws(tmp_path: Path, compiled: bool) -> None:
    info = bundle("cxr_inpainting")
    image, hole = case(tmp_path, "cxr")
    settings: dict[str, Any] = {"bundle_root": str(info.path), "dataset_dir": str(tmp_path), "seed": 3}
    files = [config(info, "inference")]
    if compiled:
        files.append(config(info, "inference_trt"))
        settings["network"] = "$compiled.CompiledNetwork(@bundle_root, 'onnxruntime')"
    workflow = ConfigWorkflow(
        files, workflow_type="infer", logging_file=False, output_dir=str(tmp_path / "out"), **settings
    )
    workflow.initialize()
    workflow.run()
    filled = read_image(tmp_path / "out" / image.name).voxels.astype(int)
    inside = read_image(hole).voxels > 0
    expected = Filler(info.path, "onnxruntime")(read_image(image), inside, sample=True, seed=3).image.voxels

    np.testing.assert_allclose(filled, expected.astype(int), rtol=0, atol=1)


@pytest.mark.parametrize("name", ["cxr_inpainting", "glcic"])
def test_inference_by_monai_takes_the_compiled_graph_in_place_of_the_network(name: str, tmp_path: Path) -> None:
    info = bundle(name)
    image, hole = case(tmp_path, info.modalities[0])
    places = {"bundle_root": str(info.path), "dataset_dir": str(tmp_path), "output_dir": str(tmp_path / "out")}
    files = [config(info, "inference"), config(info, "inference_trt")]
    on_cpu = {"network": "$compiled.CompiledNetwork(@bundle_root, 'onnxruntime')", "ckpt_path": "needs no weights"}
    workflow = ConfigWorkflow(files, workflow_type="infer", logging_file=False, **places, **on_cpu)
    workflow.initialize()
    assert workflow.check_properties() == []
    workflow.run()

    assert_filled_as_the_package_does(tmp_path / "out" / image.name, image, hole, info)


def test_inference_by_tensorrt_says_in_one_sentence_that_there_is_no_gpu(
    any_info: BundleInfo, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monai_inpaint.engines.load.gpu_is_here", lambda: False)
    case(tmp_path, any_info.modalities[0])
    places = {"bundle_root": str(any_info.path), "dataset_dir": str(tmp_path), "output_dir": str(tmp_path / "out")}
    files = [config(any_info, "inference"), config(any_info, "inference_trt")]
    workflow = ConfigWorkflow(files, workflow_type="infer", logging_file=False, **places)
    workflow.initialize()
    capsys.readouterr()

    with pytest.raises(SystemExit) as ended:
        workflow.run()

    assert ended.value.code == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert "The engine tensorrt needs an NVIDIA GPU" in said
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_bundle_that_was_zipped_and_moved_runs_from_the_command_line(tmp_path: Path) -> None:
    info = bundle("mr_inpainting")
    archive = shutil.make_archive(str(tmp_path / "bundle"), "zip", info.path.parent, info.path.name)
    shutil.unpack_archive(archive, tmp_path / "elsewhere")
    moved = tmp_path / "elsewhere" / info.path.name
    image, hole = case(tmp_path / "data", "mr")
    places = {"bundle_root": moved, "dataset_dir": tmp_path / "data", "output_dir": tmp_path / "out"}

    run_bundle(moved / "configs" / "inference.json", **places)

    assert_filled_as_the_package_does(tmp_path / "out" / image.name, image, hole, info)
    assert not list(moved.rglob("filled"))


def test_nothing_in_a_bundle_tells_whose_machine_made_it(any_info: BundleInfo) -> None:
    missing = {
        f"{path.relative_to(any_info.path)}: {found[0]!r}"
        for path in any_info.path.rglob("*")
        if path.is_file() and path.suffix in {".json", ".md", ".txt", ".conf", ""}
        if (found := PERSONAL.findall(path.read_bytes()))
    }

    assert not missing


def test_the_exported_graphs_tell_nothing_of_the_machine_that_exported_them(any_info: BundleInfo) -> None:
    graph = onnx.load(str(any_info.graph)).graph
    for initializer in graph.initializer:
        initializer.ClearField("raw_data")  # weights are noise, in which anything can be found

    assert not PERSONAL.findall(graph.SerializeToString())


def test_weights_are_small_and_plain_tensors(any_info: BundleInfo) -> None:
    weights = any_info.path / "models" / "model.pt"
    state = torch.load(weights, map_location="cpu", weights_only=True)

    assert max(weights.stat().st_size, any_info.graph.stat().st_size) <= LARGEST
    assert all(isinstance(value, torch.Tensor) and torch.isfinite(value).all() for value in state.values())
    assert not any(name.startswith("module.") for name in state)
    assert state.keys() == load_network(any_info).state_dict().keys()


def by_network() -> dict[str, BundleInfo]:
    """One bundle of each network class."""
    found: dict[str, BundleInfo] = {}
    for name in (*NAMES, *PUBLISHED, FINDER, METAL, *TEXTURES, PAINTING):
        info = bundle(name)
        network = json.loads(Path(config(info, "inference")).read_text())["network_def"]["_target_"]
        found.setdefault(network.rpartition(".")[2], info)
    return found


@pytest.mark.parametrize("network", by_network())
def test_every_engine_gives_the_same_output(network: str) -> None:
    info = by_network()[network]
    low, high = {"ct": (-1000.0, 1000.0), "cxr": (0.0, 255.0), "mr": (0.0, 4000.0)}[info.modalities[0]]
    expected = load_engine("torch", info)
    side = expected.side or SIDE
    image = (low + (high - low) * smooth((side, side))).astype(np.float32)
    hole = box(image.shape).astype(np.float32)
    # image and hole; for samples noise, state and time, and the nearness of a start: all 0 for the best estimate
    given = [np.where(hole, 0.0, image), hole, *[np.zeros_like(image)] * 4]
    further = {
        METAL: image,
        PAINTING: smooth((side, side), 1).astype(np.float32),
        **dict.fromkeys(TEXTURES, 0.5 * hole),
    }
    if info.name in further:
        given = [*given[:2], further[info.name]]
    elif info.name == FINDER:
        given = [image]
    batch = np.stack(given[: expected.channels])[None].astype(np.float32)
    wanted = expected.run(batch)

    for name in ("openvino", "onnxruntime"):
        engine = load_engine(name, info)
        # bfloat16 keeps 8 bits of what the network adds to the smooth continuation; published networks add to nothing,
        # and their batch norms enlarge what is rounded
        exact = 1e-4 if info.name in NAMES else 5e-4
        rounded = 1e-2 if info.name == METAL else 5e-3  # corrections of metal reach hundreds of HU
        share = rounded if engine.describe()["arithmetic"] == "bf16" else exact
        span = 1.0 if info.name == FINDER else high - low
        np.testing.assert_allclose(engine.run(batch), wanted, rtol=0, atol=share * span)


def test_the_saved_file_names_the_bundle_and_its_version(any_info: BundleInfo) -> None:
    saver = json.loads(Path(config(any_info, "inference")).read_text())["postprocessing"]["transforms"][-1]

    assert saver["model"] == f"{any_info.name} {any_info.version}"


def test_training_evaluation_and_inference_use_one_network(any_info: BundleInfo) -> None:
    train, inference = (json.loads(Path(config(any_info, name)).read_text()) for name in ("train", "inference"))
    trained = {key: train[value[1:]] if str(value)[0] == "@" else value for key, value in train["network_def"].items()}

    if "limits" not in trained:
        inference["network_def"].pop("limits", None)  # in HU, and training maps all modalities to grey levels
    assert trained == inference["network_def"]
