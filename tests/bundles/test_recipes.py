"""The configs of the bundles come from their recipes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from monai_inpaint.registry import bundles

BUNDLES = Path(__file__).parents[2] / "bundles"


def _build(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(folder / "recipes" / "build.py"), *args]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_bundle_has_a_recipe() -> None:
    recipes = {path.stem for path in (BUNDLES / "recipes").glob("*.json")}

    assert recipes == {path.parents[1].name for path in BUNDLES.glob("*/configs/metadata.json")}
    assert {bundle.name for bundle in bundles()} <= recipes  # not those without weights


def test_the_files_of_the_bundles_are_those_of_their_recipes() -> None:
    checked = _build(BUNDLES, "--check")

    assert checked.returncode == 0, f"{checked.stdout}Change the recipe and run: python bundles/recipes/build.py"


def test_a_file_that_was_changed_by_hand_is_named_and_written_again(tmp_path: Path) -> None:
    copy = tmp_path / "bundles"
    shutil.copytree(BUNDLES, copy, ignore=shutil.ignore_patterns("models", "*.png"))
    changed = copy / "glcic" / "configs" / "train.json"
    text = changed.read_text(encoding="utf-8")
    changed.write_text(text.replace('"batch_size": 4', '"batch_size": 5'), encoding="utf-8")

    checked = _build(copy, "--check")
    assert checked.returncode == 1
    assert checked.stdout == "glcic/configs/train.json differs from its recipe\n"

    assert _build(copy).returncode == 0
    assert changed.read_text(encoding="utf-8") == text
