"""Read the tables that come with public data sets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from monai_inpaint import inputs
from monai_inpaint.errors import InputError


def read_table(path: Path, columns: Sequence[str], advice: str = "give the file as published") -> list[dict[str, str]]:
    """Read the rows of a CSV file in UTF-8 by the names of its columns, spaces around cells removed.

    Args:
        path: the file. Cells that a row lacks are empty, cells without a column's name are left out.
        columns: that it must have.
        advice: what to do if one is missing, as the end of a sentence.

    Raises:
        InputError: the file does not exist or is not CSV, a column is missing, or there are no rows.
    """
    cells = [row for _, row in inputs.read_table(path)]
    names = cells[0] if cells else []
    missing = [column for column in columns if column not in names]
    if missing:
        raise InputError(
            f"{path}: has no column {missing[0]!r}, but {', '.join(filter(None, names)) or 'none at all'}; {advice}."
        )
    if len(cells) < 2:
        raise InputError(f"{path}: contains no rows below the names of the columns; give the complete file.")
    return [dict(zip(names, row + [""] * (len(names) - len(row)), strict=False)) for row in cells[1:]]


def only_file(folder: Path, pattern: str) -> Path:
    """Return the one file of a folder that fits the pattern.

    Raises:
        InputError: there is none, or more than one.
    """
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        what = f"contains {' and '.join(path.name for path in found)}, and one is needed" if found else "is not there"
        raise InputError(f"{folder / pattern} {what}; give the folder as published.")
    return found[0]
