"""What `batch` did, case by case: a CSV that grows by whole lines, so that a batch that was killed can go on."""

from __future__ import annotations

import csv
import io
import os
from dataclasses import astuple, dataclass
from pathlib import Path

from monai_inpaint.errors import InputError

COLUMNS = ("image", "hole", "output", "status", "sentence", "seconds")
STARTED, DONE, INPUT_ERROR, OUR_ERROR = "started", "done", "input error", "our error"


@dataclass(frozen=True)
class Entry:
    """One line; `sentence` says why a case failed, `seconds` is 0 for a case that started."""

    image: str
    hole: str
    output: str
    status: str
    sentence: str = ""
    seconds: float = 0.0


class Journal:
    """The journal of one output folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def exists(self) -> bool:
        return self.path.exists()

    def start(self) -> None:
        """An empty journal, in place of one that is there."""
        self.path.write_text(_line(COLUMNS), encoding="utf-8", newline="")

    def read(self) -> dict[str, Entry]:
        """The last entry of each output; a line that a killed run left unfinished is cut off the file.

        Raises:
            InputError: the file is no journal.
        """
        try:
            text = self.path.read_bytes()
            whole = text[: text.rfind(b"\n") + 1]
            rows = list(csv.reader(io.StringIO(whole.decode("utf-8"), newline="")))
            if not rows or tuple(rows[0]) != COLUMNS:
                raise ValueError("its first line names other columns")
            entries = {
                output: Entry(image, hole, output, status, sentence, float(seconds))
                for image, hole, output, status, sentence, seconds in rows[1:]
            }
        except (OSError, ValueError, csv.Error) as error:
            raise InputError(f"{self.path} is not the journal of a batch ({error}); name another folder.") from error
        if len(whole) < len(text):
            os.truncate(self.path, len(whole))
        return entries

    def add(self, entry: Entry) -> None:
        """One more line, written at once and kept even if the machine stops."""
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(file, _line(astuple(entry)).encode())
            os.fsync(file)
        finally:
            os.close(file)


def _line(cells: tuple[object, ...]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerow(" ".join(str(cell).split()) for cell in cells)
    return text.getvalue()
