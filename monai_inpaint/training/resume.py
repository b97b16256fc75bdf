"""Stop a training at any time and go on from the last whole epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from monai.engines import Trainer
from monai.handlers import CheckpointLoader, CheckpointSaver


def make_resumable(trainer: Trainer, folder: str | Path, **objects: Any) -> None:
    """Save `objects` and the trainer's own state after every epoch, and load the newest such file if there is one.

    A function rather than two handlers in the configuration, because a handler that saves its own trainer would be a
    circular reference there.

    Args:
        trainer: not yet running.
        folder: where `resume_*.pt` lies; made if it does not exist.
        objects: whatever has a state dict: network, optimizer, scheduler.
    """
    folder = Path(folder)
    state = {**objects, "trainer": trainer}
    saved = sorted(folder.glob("resume_*.pt"), key=lambda path: path.stat().st_mtime)
    if saved:
        CheckpointLoader(load_path=str(saved[-1]), load_dict=state).attach(trainer)
    CheckpointSaver(str(folder), state, file_prefix="resume", save_interval=1, n_saved=1).attach(trainer)
