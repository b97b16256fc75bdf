"""Read JSON files and tables that users write, and check them first."""

from __future__ import annotations

import csv
import io
import json
import os
import reprlib
from pathlib import Path
from typing import Any

from monai_inpaint.errors import InputError
from monai_inpaint.paths import regular_file

_LARGEST = 64 * 2**20  # bytes of a JSON file or a table
_DEEPEST = 64  # lists and objects inside one another


def read_json(path: Path, advice: str) -> Any:
    """Read the content of a JSON file.

    Args:
        advice: what to do if it is none, as the end of a sentence.

    Raises:
        InputError: it is missing, cannot be read, is too large, too deep, or not JSON.
    """
    try:
        content = json.loads(_read(path).decode("utf-8-sig"))
        _check_depth(content)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read as JSON ({_reason(error)}); {advice}.") from None
    return content


def read_table(path: Path, advice: str = "check the path") -> list[tuple[int, list[str]]]:
    """The rows of a CSV file in UTF-8 that are not blank: the number of its last line, and its cells without spaces.

    Args:
        advice: what to do if it is none, as the end of a sentence.

    Raises:
        InputError: it is missing, cannot be read, is too large, or not such a table.
    """
    try:
        content = _read(path)
        if b"\0" in content:
            raise ValueError("it contains a zero byte")
        reader = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        return [(reader.line_num, [cell.strip() for cell in row]) for row in reader if row]
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a CSV file in UTF-8 ({_reason(error)}); {advice}.") from None


def shown(value: object) -> str:
    """Return a value out of a file, as a sentence may show it: short."""
    return reprlib.repr(value)


def _read(path: Path) -> bytes:
    regular_file(path)
    with path.open("rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError(f"it is larger than {_LARGEST // 2**20} MB")
    return content


def _check_depth(content: Any) -> None:
    level = [content]
    for _ in range(_DEEPEST):
        parts = [each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list)]
        level = [item for part in parts for item in part]
    if level:
        raise ValueError(f"its lists and objects are nested more than {_DEEPEST} deep")


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return f"its lists and objects are nested more than {_DEEPEST} deep"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return str(error)
