"""Bundles from elsewhere: what they say of themselves is checked, and what their graphs do ends in a sentence."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_samples import SIDE, box, ct_series, nifti, picture, picture_hole, run, tree

from monai_inpaint import Filler, InputError, read_image
from monai_inpaint.engines import isolated_engine, load_engine
from monai_inpaint.engines.onnx_files import check_graph_file
from monai_inpaint.registry import bundles, find_bundle

GRAPHS = ("openvino", "onnxruntime")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A bundle like `glcic`'s folder of configs, for MR, whose network is to be written."""
    folder = tmp_path / "foreign"
    (folder / "models").mkdir(parents=True)
    shutil.copytree(find_bundle("mr").path / "configs", folder / "configs")
    return folder


def _save(bundle: Path, nodes: list, constants: dict[str, Any]) -> Path:
    """A graph from image (b, 2, h, w) to pred (b, 1, h, w)."""
    from onnx import TensorProto, helper, numpy_helper

    ports = [("image", ["b", 2, "h", "w"]), ("pred", ["b", 1, "h", "w"])]
    image, pred = (helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes) for name, sizes in ports)
    weights = [numpy_helper.from_array(np.array(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "graph", [image], [pred], weights)
    path = bundle / "models" / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def _first_channel(output: str) -> Any:
    from onnx import helper

    return helper.make_node("Slice", ["image", "start", "stop", "axis"], [output])


_FIRST = {"start": [0], "stop": [1], "axis": [1]}


def _endless(bundle: Path) -> Path:
    """Multiplies the image by a factor, 2 ** 62 times."""
    from onnx import TensorProto, helper, numpy_helper

    value, kind = helper.make_tensor_value_info, TensorProto
    body = helper.make_graph(
        [helper.make_node("Identity", ["on"], ["on_too"]), helper.make_node("Mul", ["x", "factor"], ["y"])],
        "body",
        [value("i", kind.INT64, []), value("on", kind.BOOL, []), value("x", kind.FLOAT, None)],
        [value("on_too", kind.BOOL, []), value("y", kind.FLOAT, None)],
        [numpy_helper.from_array(np.float32(0.999), "factor")],
    )
    loop = helper.make_node("Loop", ["times", "true", "first"], ["pred"], body=body)
    return _save(bundle, [_first_channel("first"), loop], {**_FIRST, "times": np.int64(2**62), "true": True})


def _halved(bundle: Path) -> Path:
    """Says that it gives windows of the size that it takes, and gives smaller ones."""
    from onnx import helper

    pool = helper.make_node("AveragePool", ["first"], ["pred"], kernel_shape=[2, 2], strides=[2, 2])
    return _save(bundle, [_first_channel("first"), pool], _FIRST)


def _no_numbers(bundle: Path) -> Path:
    from onnx import helper

    nodes = [_first_channel("first"), helper.make_node("Sub", ["first", "first"], ["zero"])]
    return _save(bundle, [*nodes, helper.make_node("Div", ["zero", "zero"], ["pred"])], _FIRST)


def _greedy(bundle: Path) -> Path:
    """Asks for 400 TB."""
    from onnx import helper

    nodes = [
        _first_channel("first"),
        helper.make_node("Expand", ["one", "huge"], ["much"]),
        helper.make_node("ReduceMax", ["much"], ["most"], keepdims=0),
        helper.make_node("ReduceMin", ["first"], ["least"], keepdims=0),
        helper.make_node("Add", ["most", "least"], ["sum"]),
        helper.make_node("Add", ["first", "sum"], ["pred"]),
    ]
    return _save(bundle, nodes, {**_FIRST, "one": np.float32([1]), "huge": np.array([10**7, 10**7])})


def _weights_in(bundle: Path, place: str) -> Path:
    """A graph whose only weight is said to lie in a file of that name."""
    from onnx import TensorProto, helper

    path = _save(bundle, [_first_channel("first"), helper.make_node("Add", ["first", "weight"], ["pred"])], _FIRST)
    model = onnx.load(path)
    weight = TensorProto(name="weight", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    for key, value in (("location", place), ("length", "4")):
        entry = weight.external_data.add()
        entry.key, entry.value = key, value
    model.graph.initializer.append(weight)
    path.write_bytes(model.SerializeToString())
    return path


def _image() -> tuple[np.ndarray, np.ndarray]:
    hole = np.zeros((64, 64), bool)
    hole[20:40, 20:40] = True
    return np.random.default_rng(0).normal(100, 10, hole.shape).astype(np.float32), hole


@pytest.mark.parametrize("engine", GRAPHS)
def test_an_endless_loop_in_a_graph_ends_in_one_sentence_and_the_next_one_too(
    engine: str, foreign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolated_engine, "_TO_COMPUTE", 1.0)
    _endless(foreign)
    filler = Filler(foreign, engine=engine)
    for _ in range(2):
        start = time.monotonic()
        with pytest.raises(InputError, match=r"foreign: the bundle's network takes more than \d+ s"):
            filler(*_image())
        assert time.monotonic() - start < 60


@pytest.mark.parametrize("engine", GRAPHS)
@pytest.mark.parametrize(
    ("write", "words"),
    [
        pytest.param(_halved, r"gives \[1, 1, \d+, \d+\] for \[1, 2, \d+, \d+\], and must give", id="another size"),
        pytest.param(_no_numbers, "gives values that are not numbers", id="no numbers"),
        pytest.param(_greedy, "the bundle's network", id="too much memory"),
    ],
)
def test_a_graph_that_does_something_else_than_it_says_is_reported(
    engine: str, write: Callable[[Path], Path], words: str, foreign: Path
) -> None:
    write(foreign)
    with pytest.raises(InputError, match=words) as refusal:
        Filler(foreign, engine=engine)(*_image())
    assert "\n" not in str(refusal.value)


def test_the_command_says_so_with_code_2_and_leaves_nothing(foreign: Path, tmp_path: Path, capfd) -> None:
    _halved(foreign)
    picture(tmp_path / "image.png")
    picture_hole(tmp_path / "hole.png")
    before = tree(tmp_path)

    ran = run(capfd, "fill", tmp_path / "image.png", tmp_path / "hole.png", tmp_path / "o.png", "--bundle", foreign)

    assert (ran.code, len(ran.lines)) == (2, 1)
    assert "and must give" in ran.lines[0]
    assert tree(tmp_path) == before


@pytest.mark.parametrize("engine", GRAPHS)
def test_a_bundle_from_elsewhere_fills_as_the_same_bundle_of_ours(engine: str, tmp_path: Path) -> None:
    copy = shutil.copytree(find_bundle("mr").path, tmp_path / "copy", ignore=shutil.ignore_patterns("*.pt"))
    assert not find_bundle(copy).ours
    assert np.array_equal(Filler(copy, engine)(*_image()).image, Filler("mr", engine)(*_image()).image)


def test_the_process_of_a_bundle_ends_with_its_engine_and_with_us(tmp_path: Path) -> None:
    copy = shutil.copytree(find_bundle("mr").path, tmp_path / "copy", ignore=shutil.ignore_patterns("*.pt"))
    engine = isolated_engine.IsolatedEngine("openvino", find_bundle(copy))
    process = engine._process
    del engine
    assert process.poll() is not None

    code = (
        "import time; from monai_inpaint.engines.isolated_engine import IsolatedEngine;"
        "from monai_inpaint.registry import find_bundle;"
        f"engine = IsolatedEngine('openvino', find_bundle({str(copy)!r}));"
        "print(engine._process.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as ours:
        assert ours.stdout is not None
        theirs = int(ours.stdout.readline())
        ours.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while _runs(theirs) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(theirs)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.parametrize("place", ["/etc/passwd", "../../secret", "link", "*/_ORT_MEM_ADDR_/*", "nowhere", ".", ""])
def test_a_graph_takes_no_weights_from_outside_its_bundle(place: str, foreign: Path) -> None:
    (foreign.parent / "secret").write_bytes(bytes(4))
    (foreign / "models" / "link").symlink_to(foreign.parent / "secret")
    path = _weights_in(foreign, place)
    with pytest.raises(InputError, match=r"model\.onnx takes weights from .*, which is not a file of the bundle's own"):
        check_graph_file(path)
    with pytest.raises(InputError, match="takes weights from"):
        load_engine("openvino", find_bundle(foreign))


def test_the_graphs_that_come_with_the_package_take_weights_from_their_own_folder() -> None:
    for bundle in bundles():
        check_graph_file(bundle.graph)


@pytest.mark.parametrize(
    "content", [b"", b"hello world", b"<net/>", b"\x3a\xff\xff\xff\xff\x0f", b"\x80" * 100, b"\x3a\x00\x08"]
)
def test_what_is_no_graph_is_no_graph(content: bytes, foreign: Path) -> None:
    path = foreign / "models" / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(InputError, match="the bundle's network is damaged"):
        check_graph_file(path)


def _changed(*keys: str, value: Any) -> Callable[[Path], object]:
    """Sets a value of metadata.json, or removes it if it is `...`."""

    def change(path: Path) -> None:
        content = json.loads(path.read_text())
        place = content
        for key in keys[:-1]:
            place = place[key]
        if value is ...:
            del place[keys[-1]]
        else:
            place[keys[-1]] = value
        path.write_text(json.dumps(content))

    return change


_IMAGE = ("network_data_format", "inputs", "image")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_changed("version", value=["0.3.0"]), "version is ['0.3.0'], which must be text"),
        (_changed("version", value=3), "version is 3, which must be text"),
        (_changed("version", value=...), "it lacks version"),
        (_changed("version", value=" "), "version is ' '"),
        (_changed("version", value="1\\2"), "which is not 30 letters, digits and .+- at most"),
        (_changed("version", value="1" * 31), "which is not 30 letters, digits and .+- at most"),
        (_changed("version", value="1\n2"), "which is not a text of one line"),
        (_changed("description", value={}), "description is {}"),
        (_changed("description", value="\ud800"), "which is not a text of one line"),
        (_changed(*_IMAGE, "modality", value=7), "network_data_format.inputs.image.modality is 7"),
        (_changed(*_IMAGE, "modality", value="US"), "modality is 'US', and known are CT, MR, CR, DX"),
        (_changed("kind", value=["inpainting"]), "kind is ['inpainting'], which must be text"),
        (_changed("kind", value="segmentation"), "kind is 'segmentation', and known are inpainting, detection"),
        (_changed("capabilities", value=[]), "capabilities is [], which must be an object"),
        (_changed("capabilities", "samples", value=1), "capabilities.samples is 1, which must be true or false"),
        (
            _changed("capabilities", "sampler", value="dice"),
            "capabilities.sampler is 'dice', and known are flow, one-step",
        ),
        (_changed("capabilities", "window", value=0), "capabilities.window is 0, which must be a number of voxels"),
        (_changed(*_IMAGE, value=[]), "it lacks network_data_format.inputs.image.modality"),
        (_changed("network_data_format", value=None), "it lacks network_data_format.inputs.image.modality"),
        (_changed("spread_factor", value="1"), "spread_factor is '1', which must be a positive number"),
        (_changed("spread_factor", value=float("nan")), "spread_factor is nan, which must be a positive number"),
        (_changed("noise_factor", value=0), "noise_factor is 0, which must be a positive number"),
        (lambda path: path.write_text("[" * 100_000), "more than 64 deep"),
        (lambda path: path.write_text("[" * 200 + "]" * 200), "more than 64 deep"),
        (lambda path: path.write_text("[]"), "it lacks network_data_format"),
        (lambda path: path.write_text("1" * 10_000), "cannot be read as JSON"),
        (lambda path: path.write_bytes(b"\xff\xfe{\0}\0"), "cannot be read as JSON"),
        (lambda path: os.truncate(path, 2**33), "it is larger than 64 MB"),
        (lambda path: (path.unlink(), os.mkfifo(path)), "is a pipe; give a regular file"),
        (lambda path: (path.unlink(), path.mkdir()), "is a folder; give a regular file"),
    ],
)
def test_metadata_of_another_type_is_one_sentence_that_names_file_and_key(
    change: Callable[[Path], object], words: str, foreign: Path
) -> None:
    path = foreign / "configs" / "metadata.json"
    change(path)
    with pytest.raises(InputError) as refusal:
        find_bundle(foreign)
    assert str(refusal.value).startswith(str(path))
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_folder_that_is_called_as_a_modality_is_not_taken_for_the_bundle(
    foreign: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copytree(foreign, tmp_path / "mr")
    monkeypatch.chdir(tmp_path)
    assert find_bundle("mr").ours
    assert not find_bundle("foreign").ours


@pytest.mark.parametrize("called", ["b\\c", "b\nc", "é" * 60, "x" * 200, os.fsdecode(b"b\xe9"), "b^c=d"])
def test_a_bundle_whose_folder_has_an_odd_name_is_reported_in_every_header(called: str, foreign: Path, capfd) -> None:
    _save(foreign, [_first_channel("pred")], _FIRST)
    bundle = foreign.rename(foreign.parent / called)
    series = ct_series(foreign.parent / "series")
    hole = nifti(foreign.parent / "hole.nii", box((SIDE, SIDE, 4)), read_image(series).affine)
    film, marked = picture(foreign.parent / "film.png"), picture_hole(foreign.parent / "marked.png")

    for image, region, name in ((series, hole, "derived"), (series, hole, "o.nii"), (film, marked, "o.png")):
        more = ["--dicom-results"] if name == "derived" else ["--report", foreign.parent / f"{name}.json"]
        ran = run(capfd, "fill", image, region, foreign.parent / name, "--bundle", bundle, *more)
        assert (ran.code, ran.lines) == (0, [])
