"""Training cost of a bundle, from its `docs/training.json`; readable without torch."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from pathlib import Path

from monai_inpaint.errors import InputError
from monai_inpaint.inputs import read_json
from monai_inpaint.io.atomic import staged

_FILE = Path("docs") / "training.json"


@dataclass(frozen=True)
class TrainingCost:
    """The cost of a bundle's weights, all trainings that they went through together.

    Attributes:
        minutes: by the clock, validation included.
        cpu_minutes: of the processor, all threads together.
        threads: that computed on the processor.
        steps: iterations, those in which only a discriminator learned among them.
        images: that the steps used, counted as often as they were used.
        images_per_second: of the last training's median epoch, with its validation if it had one; on a processor of a
            second of one core (time of all threads together), on a GPU by the clock.
        hardware: processor or GPU of the last training.
        date: of its end, as 2026-11-21.

    Raises:
        ValueError: a number is not positive, or a text empty or no date.
    """

    minutes: float
    cpu_minutes: float
    threads: int
    steps: int
    images: int
    images_per_second: float
    hardware: str
    date: str

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in ("hardware", "date"):
                if not isinstance(value, str) or not value.strip():
                    raise ValueError(f"{field.name} is {value!r}, which must be text")
            elif type(value) not in ((int,) if field.type == "int" else (int, float)) or not 0 < value < math.inf:
                kind = "whole number" if field.type == "int" else "number"
                raise ValueError(f"{field.name} is {value!r}, which must be a positive {kind}")
        date.fromisoformat(self.date)

    def after(self, before: TrainingCost) -> TrainingCost:
        """Return the cost of both, where this training went on with the weights of the one before."""
        added = ("minutes", "cpu_minutes", "steps", "images")  # rounded as in the curves
        return replace(self, **{name: round(getattr(before, name) + getattr(self, name), 4) for name in added})


def write_training_cost(cost: TrainingCost, bundle: str | Path) -> Path:
    """Write the cost into the bundle's folder, in place of an earlier one; return the file."""
    path = Path(bundle) / _FILE
    path.parent.mkdir(exist_ok=True)
    with staged(path, overwrite=True) as part:
        part.write_text(json.dumps(asdict(cost), indent=4) + "\n", encoding="utf-8")
    return path


def read_training_cost(bundle: str | Path) -> TrainingCost | None:
    """Read the cost from the bundle's folder; None where there is none.

    Raises:
        InputError: its file is damaged.
    """
    path = Path(bundle) / _FILE
    if not path.exists():
        return None
    try:
        return TrainingCost(**read_json(path, "write it again or remove it"))
    except (TypeError, ValueError) as error:
        reason = str(error).removeprefix("TrainingCost.__init__() ")
        raise InputError(f"{path}: states no training cost ({reason}); write it again or remove it.") from None
