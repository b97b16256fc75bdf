"""The engine of TensorRT on a stand-in for the GPU: batches, recordings, memory, the cache, and what "auto" takes."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from cli_samples import picture, picture_hole, run
from tensorrt_samples import StandInGpu, StandInRuntime, stand_in_backend

from monai_inpaint import Filler, InputError
from monai_inpaint.engines import load, load_engine, tensorrt_engine
from monai_inpaint.engines.cache import bound, cache_folder
from monai_inpaint.engines.tensorrt_builder import Profile, find_backend
from monai_inpaint.engines.tensorrt_engine import TensorRtEngine
from monai_inpaint.registry import find_bundle

BUNDLE = find_bundle("glcic")  # the smallest; windows of 256
builds: list[str] = []


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own for what is compiled, and a compiler that only marks the graph."""

    def build(graph: bytes, *_: object, timing: bytes = b"") -> tuple[bytes, bytes]:
        builds.append("built")
        return StandInRuntime.MARK + graph, timing + b"measured;"

    builds.clear()
    monkeypatch.setattr(tensorrt_engine, "build", build)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("sys.platform", "linux")
    return tmp_path / "cache" / "monai-inpaint" / "tensorrt"


def engine(gpu: StandInGpu, bundle: str = "glcic") -> TensorRtEngine:
    return TensorRtEngine(find_bundle(bundle), stand_in_backend(gpu), gpu, load.on_cpu, "fp32")  # type: ignore[arg-type]


def windows(count: int, side: int = 256, channels: int = 2) -> np.ndarray:
    given = np.random.default_rng(count).normal(100, 30, (count, channels, side, side)).astype(np.float32)
    given[:, 1] = 0
    given[:, 1, side // 4 : side // 2, 40:60] = 1
    given[:, 0] *= 1 - given[:, 1]
    given[:, 2:] = 0
    return given


def test_batches_of_any_size_are_filled_as_by_another_engine() -> None:
    exact, made = load_engine("onnxruntime", BUNDLE), engine(StandInGpu())

    for count in (1, 3, 8, 1):
        given = windows(count)
        np.testing.assert_allclose(made.run(given), exact.run(given), atol=1e-3)


def test_a_shape_is_recorded_once_and_sizes_are_powers_of_two() -> None:
    gpu = StandInGpu()
    made = engine(gpu)

    for count in (3, 5, 3, 2, 1, 7):
        made.run(windows(count))

    assert gpu.recordings <= 2 * 3  # 4, 2 and 1 in both lanes


def test_buffers_that_had_to_grow_are_not_those_of_a_recording() -> None:
    gpu = StandInGpu()
    made, given = engine(gpu, "cxr"), windows(1, 64, 6)
    before = made.run(given)

    made.run(windows(2, 128, 6))

    np.testing.assert_array_equal(made.run(given), before)


def test_out_of_memory_halves_the_batch_and_says_so() -> None:
    a_window = 256 * 256 * (2 + 2 + 1)
    exact, made, given = load_engine("onnxruntime", BUNDLE), engine(StandInGpu(2 * 2 * a_window)), windows(8)

    np.testing.assert_allclose(made.run(given), exact.run(given), atol=1e-3)
    assert made.describe()["out_of_memory"] == "2 windows at once instead of 64"
    assert "took_over" not in made.describe()


def test_the_cpu_takes_over_where_the_gpu_has_no_room_at_all() -> None:
    made, given = engine(StandInGpu(1000)), windows(2)

    np.testing.assert_array_equal(made.run(given), load.on_cpu(BUNDLE).run(given))
    assert made.describe()["took_over"].startswith("openvino")


def test_windows_that_the_engine_was_not_compiled_for_are_left_to_the_cpu() -> None:
    gpu = StandInGpu()
    made = engine(gpu, "cxr")

    assert made.run(windows(1, 288, 6)).shape == (1, 1, 288, 288)
    assert (gpu.recordings, made.describe()["took_over"][:8]) == (0, "openvino")


def test_a_compiled_engine_is_private_and_found_by_the_next_one(cache: Path) -> None:
    engine(StandInGpu())
    engine(StandInGpu())

    assert builds == ["built"]
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert sorted(path.suffix for path in cache.iterdir()) == [".engine", ".timing"]


def test_a_damaged_engine_is_compiled_anew(cache: Path) -> None:
    engine(StandInGpu())
    (made,) = cache.glob("*.engine")
    made.write_bytes(b"damaged")

    engine(StandInGpu())

    assert len(builds) == 2
    assert made.read_bytes().startswith(StandInRuntime.MARK)


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="rights as Unix has them")
def test_a_cache_that_others_could_write_to_is_made_private_and_a_link_is_not_followed(
    cache: Path, tmp_path: Path
) -> None:
    cache.mkdir(parents=True)
    cache.chmod(0o777)
    assert cache_folder("tensorrt") == cache
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700

    (tmp_path / "elsewhere").mkdir()
    (cache.parent / "link").symlink_to(tmp_path / "elsewhere")
    assert cache_folder("link") is None


def test_the_cache_drops_what_was_used_longest_ago(tmp_path: Path) -> None:
    for number in range(4):
        path = tmp_path / f"{number}"
        path.write_bytes(b"x" * 100)
        os.utime(path, (number, number))

    bound(tmp_path, 250)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["2", "3"]


@pytest.mark.parametrize("numbers", [((0, 1, 2), (64, 64, 64)), ((2, 1, 4), (64, 64, 64)), ((1, 1, 1), (64, 70, 96))])
def test_a_profile_that_no_engine_can_have_is_refused(numbers: tuple) -> None:
    with pytest.raises(InputError):
        Profile(*numbers)


def test_a_folder_called_tensorrt_is_not_taken_for_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("tensorrt", "tensorrt_rtx"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))

    with pytest.raises(InputError, match="The engine tensorrt is not installed"):
        find_backend()


LIBRARY = "pip install 'monai-inpaint[tensorrt-rtx]'"


@pytest.mark.parametrize(
    ("gpu", "library", "said"),
    [
        (False, True, "needs an NVIDIA GPU, which this machine does not have"),
        (True, False, f"is not installed; install it with: {LIBRARY}"),
        (False, False, f"needs an NVIDIA GPU and its library ({LIBRARY}), which this machine does not have"),
    ],
)
@pytest.mark.parametrize("command", ["fill", "batch", "batch by processes"])
def test_tensorrt_without_a_gpu_or_library_is_refused_in_one_sentence_that_says_what_is_missing(
    tmp_path: Path, capfd, monkeypatch: pytest.MonkeyPatch, command: str, gpu: bool, library: bool, said: str
) -> None:
    monkeypatch.setattr(load, "_installed", lambda: {"openvino": "1"} | ({"tensorrt": "11"} if library else {}))
    monkeypatch.setattr(load, "gpu_is_here", lambda: gpu)
    image, hole, out = picture(tmp_path / "a.png"), picture_hole(tmp_path / "hole.png"), tmp_path / "b.png"
    (tmp_path / "pairs.csv").write_text("image,hole\na.png,hole.png\n")
    arguments = ["fill", image, hole, out] if command == "fill" else ["batch", tmp_path / "pairs.csv", out]
    arguments += ["--workers", "2"] if command == "batch by processes" else []

    ran = run(capfd, *arguments, "--bundle", "cxr", "--engine", "tensorrt")

    assert (ran.code, ran.out, len(ran.lines)) == (2, "", 1)
    assert f"The engine tensorrt {said}" in ran.lines[0]
    assert not out.exists()
    with pytest.raises(InputError, match="The engine tensorrt"):
        Filler("cxr", engine="tensorrt")


def test_auto_takes_the_next_engine_where_tensorrt_fails_and_the_report_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def load_or_fail(name: str, bundle: object) -> object:
        if name != "openvino":
            raise RuntimeError(f"the driver of {name} is too old")
        return load._load(name, bundle)  # type: ignore[arg-type]

    monkeypatch.setattr(load, "gpu_is_here", lambda: True)
    monkeypatch.setattr(load, "_installed", lambda: {"openvino": "1", "torch": "2", "tensorrt": "11"})
    monkeypatch.setattr(load, "_checked", load_or_fail)
    load._fastest.cache_clear()

    chosen = load_engine("auto", BUNDLE)

    assert chosen.describe()["name"] == "openvino"
    assert chosen.describe()["passed_over"] == (
        "tensorrt: the driver of tensorrt is too old; torch: the driver of torch is too old; onnxruntime: not installed"
    )
    load._fastest.cache_clear()


def test_auto_takes_tensorrt_where_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    made = engine(StandInGpu())
    monkeypatch.setattr(load, "gpu_is_here", lambda: True)
    monkeypatch.setattr(load, "_installed", lambda: {"openvino": "1", "tensorrt": "11"})
    monkeypatch.setattr(load, "_checked", lambda *_: made)
    load._fastest.cache_clear()

    assert load_engine("auto", BUNDLE) is made
    load._fastest.cache_clear()
