"""Export from the command line."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from monai_inpaint.registry import find_bundle


def test_exporting_what_is_no_bundle_ends_with_one_sentence(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "monai_inpaint.networks.export", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 2
    assert len(ran.stderr.splitlines()) == 1


def test_a_folder_that_is_called_like_an_installed_bundle_is_the_one_that_is_exported(tmp_path: Path) -> None:
    installed = find_bundle("nodule_shape")
    before = installed.graph.read_bytes()
    copy = shutil.copytree(installed.path, tmp_path / installed.path.name)
    (copy / "models" / "model.onnx").unlink()

    subprocess.run([sys.executable, "-m", "monai_inpaint.networks.export", copy.name], cwd=tmp_path, check=True)

    assert (copy / "models" / "model.onnx").is_file()
    assert installed.graph.read_bytes() == before
