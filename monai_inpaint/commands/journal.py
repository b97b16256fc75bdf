"""Journal of `batch`: a CSV that grows by whole lines, so that a killed batch can be resumed."""

from __future__ import annotations

import csv
import io
import os
import stat
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path

from monai_inpaint.errors import InputError
from monai_inpaint.io.lock import hold

COLUMNS = ("image", "hole", "output", "status", "sentence", "seconds")
STARTED, DONE, INPUT_ERROR, OUR_ERROR = "started", "done", "input error", "our error"


@dataclass(frozen=True)
class JournalEntry:
    """One line; `sentence` says why a case failed, `seconds` is 0 for a case that started."""

    image: str
    hole: str
    output: str
    status: str
    sentence: str = ""
    seconds: float = 0.0


class Journal:
    """The journal of one output folder, held by one batch at a time.

    Raises:
        InputError: another batch holds it, or it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            # never through a link, which may lead anywhere; and a pipe is not waited for
            flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | flags, 0o666)
        except OSError as error:
            raise InputError(f"{path} cannot be written: {error.strerror}; name another folder.") from error
        if not stat.S_ISREG(os.fstat(self._file).st_mode):
            os.close(self._file)
            raise InputError(f"{path} is no regular file, so it is not the journal of a batch; name another folder.")
        if hold(self._file) is False:
            os.close(self._file)
            raise InputError(f"Another batch fills {path.parent}; wait until it has ended, or name another folder.")

    def close(self) -> None:
        """Let others have it; one that nothing was noted in goes away."""
        if not self.exists():
            with suppress(OSError):
                self.path.unlink()
        os.close(self._file)

    def exists(self) -> bool:
        """Whether a batch was noted here."""
        return os.fstat(self._file).st_size > 0

    def start(self) -> None:
        """An empty journal, in place of what was noted."""
        os.ftruncate(self._file, 0)
        try:
            self._write(_line(COLUMNS))
        except InputError:
            os.ftruncate(self._file, 0)
            raise

    def read(self) -> dict[str, JournalEntry]:
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
                output: JournalEntry(image, hole, output, status, sentence, float(seconds))
                for image, hole, output, status, sentence, seconds in rows[1:]
            }
        except (OSError, ValueError, csv.Error) as error:
            raise InputError(f"{self.path} is not the journal of a batch ({error}); name another folder.") from error
        if len(whole) < len(text):
            os.ftruncate(self._file, len(whole))
        return entries

    def add(self, entry: JournalEntry) -> None:
        """One more line, written at once and kept even if the machine stops."""
        self._write(_line(astuple(entry)))

    def _write(self, line: bytes) -> None:
        try:
            while line:
                line = line[os.write(self._file, line) :]
            os.fsync(self._file)
        except OSError as error:
            raise InputError(f"{self.path} cannot be written: {error.strerror}; name another folder.") from error


def flat(text: str) -> str:
    """A name as the journal has it, in one line."""
    return " ".join(text.split())


def _line(cells: tuple[object, ...]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerow(flat(str(cell)) for cell in cells)
    return text.getvalue().encode("utf-8", errors="backslashreplace")  # names of files need not be text
