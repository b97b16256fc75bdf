"""Files of a reader study: the key, which readers do not get, and the answers that they return."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai_inpaint.errors import InputError
from monai_inpaint.inputs import read_json

READERS, PICTURES, PAGE = "for-readers", "pictures", "index.html"  # what readers are given
KEY, AUTOMATIC, RESULTS = "key.json", "automatic.json", "results"
FORMAT = "monai-inpaint reader study answers 1"
SIDES = ("left", "right")


@dataclass(frozen=True)
class ReaderAnswers:
    """The answers of one reader: trial -> (side, milliseconds or None)."""

    reader: str
    answers: dict[int, tuple[str, float | None]]


def answers_text(study: str, reader: str, answers: Sequence[dict[str, Any]]) -> str:
    """A file of answers, as the page saves it."""
    content = {"format": FORMAT, "study": study, "reader": reader, "answers": list(answers)}
    return json.dumps(content, indent=1) + "\n"


def read_key(folder: Path) -> dict[str, Any]:
    """Read the key of a study.

    Raises:
        InputError: the folder contains no study.
    """
    key = read_json(folder / KEY, f"name the folder that reader-study make has written, with its {KEY}")
    if not isinstance(key, dict) or not {"study", "facts", "methods", "pairs", "trials"} <= set(key):
        raise InputError(f"{folder / KEY} is not the key of a reader study; make the study again.")
    return key


def read_answers(path: Path, key: dict[str, Any]) -> ReaderAnswers:
    """Read the answers of one reader.

    Args:
        path: the file that the page has saved.
        key: of the study.

    Raises:
        InputError: the file contains no answers, or those of another study.
    """
    advice = "give the file that the page of the study has saved"
    content = read_json(path, advice)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f"{path} contains no answers of a reader study; {advice}.")
    if content.get("study") != key["study"]:
        raise InputError(f"{path} does not match this study (it is of {str(content.get('study'))[:40]!r}); {advice}.")
    reader, listed = content.get("reader"), content.get("answers")
    if not isinstance(reader, str) or not reader or not isinstance(listed, list) or not listed:
        raise InputError(f"{path} must contain a reader and answers; {advice}.")
    answers: dict[int, tuple[str, float | None]] = {}
    for one in listed:
        trial, side, ms = (one.get(name) for name in ("trial", "side", "ms")) if isinstance(one, dict) else (None,) * 3
        valid_time = ms is None or (isinstance(ms, int | float) and not isinstance(ms, bool) and 0 <= ms < math.inf)
        if type(trial) is not int or not 0 <= trial < len(key["trials"]) or side not in SIDES or not valid_time:
            raise InputError(f"{path} contains an answer that does not match the study; {advice}.")
        if trial in answers:
            raise InputError(f"{path} contains two answers to pair {trial + 1}; {advice}.")
        answers[trial] = side, ms
    return ReaderAnswers(reader, answers)
