"""The folder in which a long benchmark keeps what it has made, so that a run that was ended goes on."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.setting import Options
from monai_inpaint.errors import InputError

_SETTINGS = "settings.json"
_CHANGE_RESULTS = (
    "data",
    "split",
    "seed",
    "limit",
    "features",
    "tiny",
    "boxes",
    "folds",
    "bundle",
    "source",
)  # of every row


@contextmanager
def kept_folder(options: Options) -> Iterator[Path]:
    """Make the folder of --output, or a temporary one without it.

    Raises:
        InputError: the folder has what was made with other options.
    """
    if options.output is None:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)
        return
    options.output.mkdir(parents=True, exist_ok=True)
    path, settings = options.output / _SETTINGS, {name: _plain(getattr(options, name)) for name in _CHANGE_RESULTS}
    before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else settings
    before = {name: _plain(getattr(Options(), name)) for name in settings} | before  # options that are newer than it
    other = next((name for name, value in settings.items() if before.get(name) != value), None)
    if other is not None:
        raise InputError(
            f"{options.output} has results with --{other} {before.get(other)}, not {settings[other]}; "
            "give another --output."
        )
    path.write_text(json.dumps(settings, indent=4), encoding="utf-8")
    yield options.output


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else value
