"""Journal of `batch`: JSON lines, appended whole, so that a killed batch can be resumed.

The first line has the options of the batch, each other one the outcome of a case. Only the process that the user
started writes here, whoever computes.
"""

from __future__ import annotations

import json
import os
import stat
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from monai_inpaint.errors import InputError
from monai_inpaint.io.lock import hold
from monai_inpaint.version import __version__

STARTED, DONE, INPUT_ERROR, OUR_ERROR = "started", "done", "input error", "our error"


@dataclass(frozen=True)
class JournalEntry:
    """One line.

    Attributes:
        image, hole, output: as the table names them; the output below the output folder.
        status: one of those above.
        sentence: why a case failed.
        seconds: that it took; 0 for a case that started.
        inputs: SHA-256 of image and hole (of all files of a folder), of a case that is done.
        bundle: what filled it: name, version, modality and hash.
    """

    image: str
    hole: str
    output: str
    status: str
    sentence: str = ""
    seconds: float = 0.0
    inputs: dict[str, str] = field(default_factory=dict[str, str])
    bundle: dict[str, str] = field(default_factory=dict[str, str])


_KEYS = {each.name for each in fields(JournalEntry)}


class Journal:
    """The journal of one output folder, or of a shard in it, held by one batch at a time.

    Raises:
        InputError: another batch is using it, or it cannot be written.
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
            raise InputError(f"{path} is not a regular file, so it is not the journal of a batch; name another folder.")
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
        """Return whether a batch was noted here."""
        return os.fstat(self._file).st_size > 0

    def start(self, options: dict[str, Any]) -> None:
        """Start an empty journal in place of the earlier one.

        Args:
            options: of the batch; a resumed one must have the same.
        """
        os.ftruncate(self._file, 0)
        try:
            self._write({"monai_inpaint": __version__, "options": options})
        except InputError:
            os.ftruncate(self._file, 0)
            raise

    def read(self, options: dict[str, Any]) -> dict[str, JournalEntry]:
        """Read the last entry of each output, and cut a line that a killed run left unfinished off the file.

        Raises:
            InputError: the file is not a journal, or its batch was begun with other options.
        """
        try:
            text = self.path.read_bytes()
            whole = text[: text.rfind(b"\n") + 1]
            first, *rows = [json.loads(line) for line in whole.splitlines()]
            begun = first["options"]
            if not all(isinstance(row, dict) and set(row) == _KEYS for row in rows):
                raise ValueError("its lines hold other things")
            entries = {row["output"]: JournalEntry(**row) for row in rows}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{self.path} is not the journal of a batch ({error}); name another folder.") from error
        if begun != options:
            given = ", ".join(f"{name} {value}" for name, value in begun.items())
            raise InputError(f"The batch in {self.path.parent} was begun with {given}; repeat these options.")
        if len(whole) < len(text):
            os.ftruncate(self._file, len(whole))
        return entries

    def add(self, entry: JournalEntry) -> None:
        """Append a line, written at once: a process that is killed loses none.

        It is not flushed to disk, like outputs: that takes longer than a small fill, while all workers wait.
        """
        self._write(asdict(entry))

    def _write(self, content: dict[str, Any]) -> None:
        # names of files need not be text, which JSON escapes
        line = json.dumps(content).encode("ascii") + b"\n"
        try:
            while line:
                line = line[os.write(self._file, line) :]
        except OSError as error:
            raise InputError(f"{self.path} cannot be written: {error.strerror}; name another folder.") from error
