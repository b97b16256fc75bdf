"""Lines of the service's log: when, of which study, what; as text or as JSON."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

TEXT, JSON = KINDS = ("text", "json")

_STUDY = re.compile(r"\bstudy ([0-9.]+)")


def log_as(kind: str, say: Callable[[str], None]) -> Callable[[str], None]:
    """Return what logs a sentence: as text by `say`, as JSON (`time`, `study`, `text`) a line on stderr.

    Args:
        kind: "text" or "json".
        say: takes a line of text.
    """

    def log(sentence: str) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        if kind == TEXT:
            say(f"{now} {sentence}")
            return
        study = _STUDY.search(sentence)
        line = json.dumps({"time": now, "study": study and study.group(1), "text": sentence})
        with suppress(OSError):  # nobody reads it
            sys.stderr.write(line + "\n")
            sys.stderr.flush()

    return log
