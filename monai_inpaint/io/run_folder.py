"""The folder of a resumable run, with a record of its settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai_inpaint.errors import InputError
from monai_inpaint.inputs import read_json


def begin_run(folder: Path, settings: str, asked: Mapping[str, Any], what: str, *, resume: bool) -> None:
    """Make the folder of a run and record its settings, or check that the run there has the same settings.

    Args:
        folder: of the outputs.
        settings: name of the file with the note.
        asked: the settings, JSON-able; a resumed run must have the same.
        what: the content of the folder, for the error.
        resume: whether an interrupted run may be continued.

    Raises:
        InputError: the folder cannot be made, contains other files, a run already, or one with other settings.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; name a folder for the outputs.")
    if not folder.parent.is_dir():
        raise InputError(f"{folder} cannot be made: the folder {folder.parent} does not exist; make it first.")
    path = folder / settings
    if path.exists():
        if not resume:
            raise InputError(f"{folder} contains {what} already; add --resume to go on, or name another folder.")
        if read_json(path, "name another folder") != asked:
            raise InputError(f"{folder} was begun with other arguments (see {settings}); name another folder.")
        return
    if folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"{folder} contains other things; name a new folder.")
    folder.mkdir(exist_ok=True)
    path.write_text(json.dumps(asked, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
