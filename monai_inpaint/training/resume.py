"""Resume a training from the last complete epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ignite.engine import Events
from ignite.handlers import Checkpoint, DiskSaver
from monai.engines import Trainer
from monai.handlers import CheckpointLoader


def make_resumable(trainer: Trainer, folder: str | Path, **objects: Any) -> None:
    """Save `objects` and the trainer's own state after every epoch, and load the newest such file if there is one.

    A function rather than two handlers in the configuration, because a handler that saves its own trainer would be a
    circular reference there. Of several processes only the first one saves; all load.

    Args:
        trainer: not yet running.
        folder: where `resume_*.pt` lies; made if it does not exist.
        objects: whatever has a state dict: network, optimizer, scheduler.
    """
    folder = Path(folder)
    state = {**objects, "trainer": trainer}
    saved = sorted(folder.glob("resume_*.pt"), key=lambda path: path.stat().st_mtime)
    if saved:
        CheckpointLoader(load_path=str(saved[-1]), load_dict=state, map_location="cpu").attach(trainer)
    # Not MONAI's CheckpointSaver, which deletes the old file before it writes the new one in place: stopped at that
    # moment, all would be lost. Here a file appears when it is whole, and the one before it is kept.
    saver = Checkpoint(
        state,
        DiskSaver(str(folder), require_empty=False),
        filename_prefix="resume",
        score_function=lambda engine: engine.state.epoch,
        score_name="epoch",
        n_saved=2,
    )
    trainer.add_event_handler(Events.EPOCH_COMPLETED, saver)
