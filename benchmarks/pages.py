"""Write the tables that a benchmark prints into the pages that show them."""

from __future__ import annotations

import re
from pathlib import Path

from monai_inpaint.errors import InputError

# a heading, and all up to the end of the first table below it
_SECTION = r"^## {title}\n(?:(?!\|).*\n)*?(?:\|.*\n)+"


def write_tables(printed: str, folder: Path) -> list[Path]:
    """Replace, in the Markdown pages of a folder, each section of the same heading, as far as its table reaches.

    What a person wrote below the table stays.

    Args:
        printed: the output of a benchmark: sections that begin with "## " and end with a table.
        folder: of the pages, which are searched at all depths.

    Returns:
        The pages that were written.

    Raises:
        InputError: no page, or more than one, has a section of that heading.
    """
    written = []
    for section in re.findall(_SECTION.format(title=".+"), printed, re.MULTILINE):
        title = section.partition("\n")[0].removeprefix("## ")
        pattern = re.compile(_SECTION.format(title=re.escape(title)), re.MULTILINE)
        pages = [page for page in sorted(folder.rglob("*.md")) if pattern.search(page.read_text(encoding="utf-8"))]
        if len(pages) != 1:
            raise InputError(f"{folder} must contain one page with the section {title!r}, not {len(pages)}.")
        text = pages[0].read_text(encoding="utf-8")
        pages[0].write_text(pattern.sub(lambda _, new=section: new, text, count=1), encoding="utf-8")
        written += pages
    return written
