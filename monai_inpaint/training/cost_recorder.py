"""Measure the cost of a training while it runs, for the `docs/training.json` of its bundle."""

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

from monai_inpaint.machine import processor
from monai_inpaint.registry.training_cost import TrainingCost as Effort
from monai_inpaint.registry.training_cost import read_training_cost as read_effort
from monai_inpaint.registry.training_cost import write_training_cost as write_effort


def save_training_cost(trainer: Trainer, folder: str | Path, initial: str | Path | None = None) -> None:
    """Write `docs/training.json` (see `TrainingCost`) into `folder` after every epoch.

    Times are those of its `curves.csv` (see `save_curves`), so that a resumed training counts as a whole. Images a
    second are those of the median epoch, which pauses do not affect; on a CPU per second of one core, which other work
    on the machine does not affect. Of several processes only the first one writes, and counts the images of all.

    Args:
        trainer: not yet running; its output is decollated.
        folder: where its curves are kept.
        initial: weights that it starts from, `models/model.pt` of a bundle or `model.pt` of another training: what
            is known of their cost is added.

    Raises:
        InputError: the file of that cost is damaged.
    """
    before = None
    if initial is not None:
        beside = Path(initial).resolve().parent
        before = read_effort(beside.parent if beside.name == "models" else beside)
    if idist.get_rank() == 0:
        _Effort(Path(folder), before).attach(trainer)


class _Effort:
    def __init__(self, folder: Path, before: Effort | None) -> None:
        self.folder, self.before, self.images, self.steps = folder, before, 0, 0

    def attach(self, trainer: Trainer) -> None:
        trainer.add_event_handler(Events.ITERATION_COMPLETED, self._add)
        trainer.add_event_handler(Events.EPOCH_COMPLETED, self._write)

    def _add(self, engine: Trainer) -> None:
        self.images += len(engine.state.output) * idist.get_world_size()
        self.steps += 1

    def _write(self, engine: Trainer) -> None:
        with (self.folder / "curves.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        device = torch.device(engine.state.device)
        ends = {name: [float(row[name]) for row in rows] for name in ("minutes", "cpu_minutes")}
        work = ends["cpu_minutes" if device.type == "cpu" else "minutes"]
        epoch = median(end - start for start, end in pairwise([0.0, *work]))
        images = engine.state.iteration * self.images / self.steps
        effort = Effort(
            minutes=ends["minutes"][-1],
            cpu_minutes=ends["cpu_minutes"][-1],
            threads=torch.get_num_threads() * idist.get_world_size(),
            steps=engine.state.iteration,
            images=round(images),
            images_per_second=round(images / engine.state.epoch / (60.0 * epoch), 2),
            hardware=torch.cuda.get_device_name(device) if device.type == "cuda" else processor(),
            date=date.today().isoformat(),
        )
        write_effort(effort.after(self.before) if self.before else effort, self.folder)


save_effort = save_training_cost  # its former name, in configs of earlier versions
