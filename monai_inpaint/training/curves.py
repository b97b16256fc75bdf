"""Learning curves: a line of `curves.csv` an epoch, and a picture of them."""

from __future__ import annotations

import csv
import math
import time
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import numpy as np
from ignite.engine import Events
from matplotlib.figure import Figure
from monai.engines import Evaluator, Trainer

from monai_inpaint.io.atomic import staged

_MINUTES = ("minutes", "cpu_minutes")
_PANELS = 4  # side by side


def save_curves(trainer: Trainer, evaluator: Evaluator, folder: str | Path, cpu_minutes: float | None = None) -> None:
    """Write `curves.csv` after every epoch, and `curves.png` after every validation.

    Columns: epoch; minutes since the start of the training (including the part before it was resumed), wall-clock and
    processor time of all threads together; the epoch's means of the loss and of all other numbers in the trainer's
    output, empty if all are NaN; then the evaluator's metrics, empty in epochs without validation. A resumed training
    continues the file. Of several processes only the first one writes, and counts the time of the others as its own.

    Args:
        trainer: not yet running; its output is decollated, and numbers in it are those of the first window.
        evaluator: what validates between the trainer's epochs.
        folder: made if it does not exist.
        cpu_minutes: end the training after the epoch in which it reaches this processor time: equal cost for compared
            systems, whatever else is running.
    """
    curves = _Curves(Path(folder), evaluator)
    if idist.get_rank() == 0:
        curves.attach(trainer)
    if cpu_minutes:
        trainer.add_event_handler(Events.EPOCH_COMPLETED, _end_together, curves, cpu_minutes)


def _end_together(engine: Trainer, curves: _Curves, cpu_minutes: float) -> None:
    """The first process decides; the others, going on without it, would end with an error."""
    if idist.broadcast(float(curves.cpu_minutes), src=0) >= cpu_minutes:
        engine.terminate()


class _Curves:
    def __init__(self, folder: Path, evaluator: Evaluator) -> None:
        self.table, self.picture = folder / "curves.csv", folder / "curves.png"
        self.processes, self.cpu_minutes = idist.get_world_size(), 0.0
        self.rows: list[dict[str, Any]] = []
        self.numbers: list[dict[str, float]] = []
        self.validated: dict[str, float] = {}
        evaluator.add_event_handler(Events.COMPLETED, self._keep)

    def attach(self, trainer: Trainer) -> None:
        trainer.add_event_handler(Events.STARTED, self._begin)
        trainer.add_event_handler(Events.ITERATION_COMPLETED, self._add)
        trainer.add_event_handler(Events.EPOCH_COMPLETED, self._write)

    def _begin(self, engine: Trainer) -> None:
        if self.table.exists():
            with self.table.open(newline="", encoding="utf-8") as file:
                self.rows = [row for row in csv.DictReader(file) if int(row["epoch"]) <= engine.state.epoch]
        minutes, cpu_minutes = (float(self.rows[-1].get(name) or 0.0) if self.rows else 0.0 for name in _MINUTES)
        self.start = time.monotonic() - 60.0 * minutes
        self.cpu_start = time.process_time() - 60.0 * cpu_minutes / self.processes

    def _keep(self, engine: Evaluator) -> None:
        self.validated = {name: float(value) for name, value in engine.state.metrics.items()}

    def _add(self, engine: Trainer) -> None:
        output = engine.state.output[0]
        self.numbers.append({name: float(value) for name, value in output.items() if np.ndim(value) == 0})

    def _write(self, engine: Trainer) -> None:
        self.cpu_minutes = self.processes * (time.process_time() - self.cpu_start) / 60.0
        spent = (time.monotonic() - self.start) / 60.0, self.cpu_minutes
        row = {"epoch": engine.state.epoch, **{name: f"{m:.4f}" for name, m in zip(_MINUTES, spent, strict=True)}}
        for name in self.numbers[0]:
            values = [numbers[name] for numbers in self.numbers if not math.isnan(numbers[name])]
            row[name] = f"{sum(values) / len(values):.5f}" if values else ""
        self.rows.append(row | {name: f"{value:.4f}" for name, value in self.validated.items()})
        columns = list(dict.fromkeys(name for row in self.rows for name in row))
        with staged(self.table, overwrite=True) as part, part.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows(self.rows)
        if self.validated:
            with staged(self.picture, overwrite=True) as part:
                curves_picture({"": self.rows}).savefig(part, format="png", dpi=100)
        self.numbers, self.validated = [], {}


def curves_picture(trainings: dict[str, list[dict[str, Any]]]) -> Figure:
    """Curves of one or more trainings over their minutes, a panel for each column that is measured.

    Args:
        trainings: rows of `curves.csv` by the training's name.
    """
    columns = [name for rows in trainings.values() for row in rows for name in row]
    measured = [name for name in dict.fromkeys(columns) if name not in ("epoch", *_MINUTES)]
    several = len(trainings) > 1
    wide = min(_PANELS, len(measured))
    high = math.ceil(len(measured) / _PANELS)
    figure = Figure(figsize=(5.0 * wide, 3.5 * high + 0.25 * len(trainings) * several), layout="constrained")
    for place, name in enumerate(measured, start=1):
        panel = figure.add_subplot(high, wide, place)
        for training, rows in trainings.items():
            points = [(float(row["minutes"]), float(row[name])) for row in rows if row.get(name)]
            label = training if several and place == 1 else None
            panel.plot(*zip(*points, strict=True) if points else ([], []), label=label)
        panel.set(xlabel="minutes", title=name)
        panel.grid(alpha=0.3)
    if several:
        figure.legend(loc="outside lower center")
    return figure
