"""Progress of a run, read from the lines of the command."""

import json
import time

_SHARES = {
    "read": (0.0, 0.1),
    "find": (0.1, 0.2),
    "fill": (0.1, 0.95),
    "reduce": (0.3, 0.95),
    "search": (0.1, 0.95),
    "write": (0.95, 1.0),
}
_PREFIX = "monai-inpaint: "


class RunProgress:
    """Parses lines of output; contains the progress to show.

    Attributes:
        stage: "read", "fill", ... or "" before the first.
        fraction: 0 to 1 of the whole run.
        sentences: messages of the command to the user, without progress.
    """

    def __init__(self) -> None:
        self.stage = ""
        self.fraction = 0.0
        self.sentences: list[str] = []
        self._left: float | None = None
        self._updated = self._began = time.monotonic()

    def feed(self, line: str) -> bool:
        """Parse a line; returns whether it reported progress."""
        try:
            message = json.loads(line)
            stage, done, total = str(message["stage"]), float(message["done"]), float(message["total"])
        except (ValueError, KeyError, TypeError):
            if line.strip():
                self.sentences.append(line.removeprefix(_PREFIX).strip())
            return False
        now = time.monotonic()
        if stage != self.stage:
            self.stage, self._began, self._left = stage, now, None
        first, last = _SHARES.get(stage, (self.fraction, self.fraction))
        part = done / total if total else 0.0
        self.fraction = max(self.fraction, first + part * (last - first))
        if part > 0:
            self._left, self._updated = (now - self._began) * (1 - part) / part, now
        return True

    @property
    def seconds_left(self) -> float | None:
        """Of this stage, where its speed is known."""
        if self._left is None:
            return None
        return max(self._left - (time.monotonic() - self._updated), 0.0)

    @property
    def last_sentence(self) -> str:
        """The last sentence of the command: where it failed, the reason."""
        return self.sentences[-1] if self.sentences else ""
