"""The pages build without a warning, say the one thing they must, and their hole example runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_the_pages_build_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    first = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert "Research use only, not for diagnosis" in first
    scripts = [tag for tag in re.findall(r"<(?:script|link)[^>]*>", first) if "//" in tag]
    assert not scripts, "pages must work without a network"


def test_the_example_of_holes_runs() -> None:
    text = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    code = next(block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "random_hole" in block)
    names: dict = {}
    exec(code, names)
    assert names["hole"].any()
    assert names["hole"].dtype == bool


def test_every_decision_is_in_the_list_of_decisions() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = set(re.findall(r"\(([\w-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8")))
    assert listed == {page.name for page in folder.glob("*.md")} - {"README.md"}


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_what_the_front_pages_link_to_is_there(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    places = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    assert not [place for place in places if not (ROOT / place).exists()]


def test_the_readme_can_be_read_in_five_minutes() -> None:
    assert 600 <= len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= 800
