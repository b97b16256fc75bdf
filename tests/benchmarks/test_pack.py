"""The pieces for a GPU machine without network; what pip fetches is left to `python tensorrt/pack.py` itself."""

from __future__ import annotations

import importlib.util
import io
import tarfile
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "tensorrt" / "pack.py"


@pytest.fixture
def pack(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, with one wheel in place of those of pip, small pieces and a part of the tree."""
    spec = importlib.util.spec_from_file_location("pack", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def download(folder: Path, python: str, *, torch: bool) -> None:
        (folder / f"made_up-1-py{python}-{torch}.whl").write_bytes(bytes(range(256)) * 1000)

    monkeypatch.setattr(module, "_download", download)
    monkeypatch.setattr(module, "PIECE", 100_000)
    monkeypatch.setattr(module, "TREE", ("Makefile", "tensorrt"))
    return module


@pytest.mark.skipif(not (SCRIPT.parents[1] / ".git").exists(), reason="packs the files of a clone")
def test_pieces_put_together_are_the_tree_and_the_wheels(pack: ModuleType, tmp_path: Path, capsys) -> None:
    assert pack.main(["--output", str(tmp_path / "out"), "--python", "3.12"]) == 0

    pieces = sorted((tmp_path / "out").iterdir())
    sizes = [path.stat().st_size for path in pieces]
    assert len(pieces) > 2
    assert set(sizes[:-1]) == {100_000}
    assert 0 < sizes[-1] <= 100_000
    with tarfile.open(fileobj=io.BytesIO(b"".join(path.read_bytes() for path in pieces))) as archive:
        archive.extractall(tmp_path, filter="data")
    there = tmp_path / "monai-inpaint-gpu"
    for name in ("Makefile", "tensorrt/offline.sh", "tensorrt/requirements-gpu.txt"):
        assert (there / name).read_bytes() == (SCRIPT.parents[1] / name).read_bytes()
    (wheel,) = (there / "wheels").iterdir()
    assert wheel.name == "made_up-1-py3.12-False.whl"
    assert wheel.read_bytes() == bytes(range(256)) * 1000
    assert f"{len(pieces)} pieces" in capsys.readouterr().out


def test_a_folder_that_exists_is_left_alone(pack: ModuleType, tmp_path: Path, capsys) -> None:
    assert pack.main(["--output", str(tmp_path)]) == 2

    assert "name a folder that does not" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_versions_of_what_is_packed_are_pinned() -> None:
    pinned = {line.partition("==")[0].lower() for line in (SCRIPT.parents[1] / "constraints.txt").read_text().split()}
    lines = (SCRIPT.parent / "requirements-offline.txt").read_text().splitlines()

    assert {line.lower() for line in lines if line[0] != "#"} <= pinned
