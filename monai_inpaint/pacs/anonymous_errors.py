"""Describe an error for records and logs without a name, a path or a value of the patient's."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from pathlib import Path

from monai_inpaint.errors import InputError


def sentence_of(error: Exception, names: Mapping[str, str] | None = None) -> str:
    """Return one sentence for an error.

    Args:
        error: of an InputError its own sentence, without a library's quotes of the file's content; of all others
            kind and place, not the message, which may quote the file.
        names: paths, and what to call them.
    """
    if isinstance(error, MemoryError):
        return "There is not enough memory for it."
    if not isinstance(error, InputError):
        frames = traceback.extract_tb(error.__traceback__)
        place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
        return f"A fault of monai-inpaint, not of the files: {type(error).__name__}{place}."
    text = " ".join(str(error).split())
    for path, name in (names or {}).items():
        text = text.replace(path, name)
    for line in str(error.__cause__ or "").strip().splitlines():
        text = text.replace(f" ({' '.join(line.split())[:200]})", "")
    return text
