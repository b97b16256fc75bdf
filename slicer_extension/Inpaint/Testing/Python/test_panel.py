"""The panel as Qt lays it out, in a process of its own, as the rest of the tests have no Qt."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
INTERFACE = HERE.parents[1] / "Resources" / "UI" / "Inpaint.ui"


def test_the_panel_fits_into_a_module_panel_and_no_button_is_cut_off(tmp_path: Path) -> None:
    offscreen = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    there = [sys.executable, "-c", "from PySide6 import QtWidgets, QtUiTools"]
    ran = subprocess.run(there, check=False, capture_output=True, text=True, env=offscreen)
    if ran.returncode:
        pytest.skip(f"needs PySide6 and its system libraries: {ran.stderr.strip().splitlines()[-1]}")
    picture = Path(os.environ.get("PICTURES", tmp_path)) / "slicer-panel.png"

    command = [sys.executable, str(HERE / "panel.py"), str(INTERFACE), str(picture)]
    ran = subprocess.run(command, check=False, capture_output=True, text=True, env=offscreen)

    assert "clipped: none" in ran.stdout, ran.stdout + ran.stderr
    assert picture.stat().st_size > 5_000
