"""Small windows first: what a training sees grows with its epochs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ignite.engine import Events
from monai.engines import Trainer
from monai.transforms import Compose

from monai_inpaint.transforms import RandWindowd


def grow_windows(trainer: Trainer, sides: Mapping[int, int], preprocessings: Iterable[Compose]) -> None:
    """Set the side of the windows that random transforms cut, epoch by epoch.

    Most anatomy is coarse: windows of half the side show as much of it for a quarter of the time.

    Args:
        trainer: not yet running; its loader makes a new iterator each epoch.
        sides: voxels of a window along each axis, by the first epoch (from 1 on) that has them; JSON's keys, which are
            strings, will do.
        preprocessings: of the training's datasets.
    """
    cutting = [step for whole in preprocessings for step in whole.transforms if isinstance(step, RandWindowd)]
    by_epoch = {int(epoch): side for epoch, side in sides.items()}

    def set_side(engine: Any) -> None:
        side = by_epoch[max(first for first in by_epoch if first <= engine.state.epoch)]
        for step in cutting:
            step.side, step.closest = side, step.closest * side / step.side

    trainer.add_event_handler(Events.EPOCH_STARTED, set_side)
