"""What a training took, measured while it runs, for the `docs/training.json` of its bundle."""

from __future__ import annotations

import csv
from datetime import date
from itertools import pairwise
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

    Times are those of its `curves.csv` (see `save_curves`), so that a resumed training counts as a whole; images a
    second are those of the median epoch, which a pause does not slow. Of several processes only the first one writes,
    and counts the images of all.

    Args:
        trainer: not yet running; its output is decollated.
        folder: where its curves are kept.
    """
    if idist.get_rank() == 0:
        _Effort(Path(folder)).attach(trainer)


class _Effort:
    def __init__(self, folder: Path) -> None:
        self.folder, self.images, self.steps = folder, 0, 0

    def attach(self, trainer: Trainer) -> None:
        trainer.add_event_handler(Events.ITERATION_COMPLETED, self._add)
        trainer.add_event_handler(Events.COMPLETED, self._write)

    def _add(self, engine: Trainer) -> None:
        self.images += len(engine.state.output) * idist.get_world_size()
        self.steps += 1

    def _write(self, engine: Trainer) -> None:
        if not self.steps:
            return  # it had ended before
        with (self.folder / "curves.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        ends = [float(row["minutes"]) for row in rows]
        epoch = median(end - start for start, end in pairwise([0.0, *ends]))
        images = engine.state.iteration * self.images / self.steps
        device = torch.device(engine.state.device)
        effort = Effort(
            minutes=ends[-1],
            cpu_minutes=float(rows[-1]["cpu_minutes"]),
            threads=torch.get_num_threads() * idist.get_world_size(),
            steps=engine.state.iteration,
            images=round(images),
            images_per_second=round(images / engine.state.epoch / (60.0 * epoch), 2),
            hardware=torch.cuda.get_device_name(device) if device.type == "cuda" else processor(),
            date=date.today().isoformat(),
        )
        write_effort(effort, self.folder)
