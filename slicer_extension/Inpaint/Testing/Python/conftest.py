"""The scene, the module, and a Python that has the package: `.venv` of the repository, or INPAINT_PYTHON."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import stand_in

MODULE = Path(__file__).parents[2]
ROOT = MODULE.parents[1]

stand_in.install(Path(tempfile.gettempdir()))
stand_in.load_ui()
sys.path.insert(0, str(MODULE))

import Inpaint  # noqa: E402
import slicer  # noqa: E402
from InpaintLib.environment import Environment  # noqa: E402


@pytest.fixture(autouse=True)
def _empty_scene() -> Iterator[None]:
    yield
    slicer.mrmlScene.Clear()


@pytest.fixture
def module() -> ModuleType:
    return Inpaint


@pytest.fixture
def python() -> str:
    beside = ROOT / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    return os.environ.get("INPAINT_PYTHON", str(beside))


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """For the runs' own files; its name has a space and letters beyond ASCII."""
    folder = tmp_path / "vorläufig 临时"
    folder.mkdir()
    return folder


@pytest.fixture
def environment(python: str, temporary: Path) -> Environment:
    return Environment(python, temporary, {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})
