"""Tables of benchmarks in the pages of the docs."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.pages import write_tables
from monai_inpaint.errors import InputError

DOCS = Path(__file__).parents[2] / "docs" / "measurements"
REST = "\nWhat a person wrote.\n\n## Next\n\n| c |\n"
OLD = "# Page\n\n## Speed\n\n- date: old\n\n| a | b |\n| --- | ---: |\n| 1 | 2 |\n" + REST
NEW = "## Speed\n\n- date: new\n\n| a | b |\n| --- | ---: |\n| 3 | 4 |\n| 5 | 6 |\n"


def test_a_table_replaces_the_one_of_its_heading_and_leaves_all_else(tmp_path: Path) -> None:
    page = tmp_path / "speed.md"
    page.write_text(OLD)

    assert write_tables(NEW, tmp_path) == [page]

    text = page.read_text()
    assert text == "# Page\n\n" + NEW + REST


def test_a_table_without_a_page_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must contain one page with the section 'Speed'"):
        write_tables(NEW, tmp_path)


@pytest.mark.parametrize("title", ["Quality", "Speed of one slice", "Cold start", "Volumes", "Memory", "Trust"])
def test_the_docs_have_a_place_for_each_table(title: str, tmp_path: Path) -> None:
    for page in DOCS.glob("*.md"):
        (tmp_path / page.name).write_text(page.read_text(encoding="utf-8"), encoding="utf-8")

    assert len(write_tables(f"## {title}\n\n| a |\n| --- |\n", tmp_path)) == 1
