"""What a training took, measured while it runs, for the `docs/training.json` of its bundle."""

from __future__ import annotations

import csv
import time
from datetime import date
from pathlib import Path
from statistics import median

import ignite.distributed as idist
import torch
from ignite.engine import Events
from monai.engines import Trainer

from monai_inpaint.effort import Effort, write_effort
from monai_inpaint.evaluation.machine import processor


def save_effort(trainer: Trainer, folder: str | Path) -> None:
    """Write `docs/training.json` (see `Effort`) into `folder` when the training ends.

    Minutes are those of its `curves.csv` (see `save_curves`), so that a resumed training counts as a whole; images a
    second are those of the median step since it was resumed, which a pause does not slow. Of several processes only the
    first one writes, and counts the images of all.

    Args:
        trainer: not yet running; its output is decollated.
        folder: where its curves are kept.
    """
    if idist.get_rank() == 0:
        _Effort(Path(folder)).attach(trainer)


class _Effort:
    def __init__(self, folder: Path) -> None:
        self.folder, self.images = folder, 0
        self.seconds: list[float] = []

    def attach(self, trainer: Trainer) -> None:
        trainer.add_event_handler(Events.EPOCH_STARTED, self._begin)
        trainer.add_event_handler(Events.ITERATION_COMPLETED, self._add)
        trainer.add_event_handler(Events.COMPLETED, self._write)

    def _begin(self) -> None:
        self.since = time.monotonic()

    def _add(self, engine: Trainer) -> None:
        now = time.monotonic()
        self.seconds.append(now - self.since)
        self.since = now
        self.images += len(engine.state.output) * idist.get_world_size()

    def _write(self, engine: Trainer) -> None:
        if not self.seconds:
            return  # it had ended before
        with (self.folder / "curves.csv").open(newline="", encoding="utf-8") as file:
            last = list(csv.DictReader(file))[-1]
        device = torch.device(engine.state.device)
        images_a_step = self.images / len(self.seconds)
        effort = Effort(
            minutes=float(last["minutes"]),
            cpu_minutes=float(last["cpu_minutes"]),
            threads=torch.get_num_threads() * idist.get_world_size(),
            steps=engine.state.iteration,
            images=round(engine.state.iteration * images_a_step),
            images_per_second=round(images_a_step / median(self.seconds), 2),
            hardware=torch.cuda.get_device_name(device) if device.type == "cuda" else processor(),
            date=date.today().isoformat(),
        )
        write_effort(effort, self.folder)
