"""Progressive training: increase the size of the windows with the epochs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ignite.engine import Events
from monai.engines import Trainer
from monai.transforms import Compose

from monai_inpaint.transforms import RandWindowd


class GrowWindows:
    """A handler that sets the side of the windows that random transforms cut, epoch by epoch.

    Most anatomy is coarse: windows of half the side show as much of it for a quarter of the time.

    Args:
        sides: voxels of a window along each axis, by the first epoch (from 1 on) that has them; JSON's keys, which are
            strings, will do.
        preprocessings: of the training's datasets; `closest` of their windows grows as the side does.
    """

    def __init__(self, sides: Mapping[int, int], preprocessings: Iterable[Compose]) -> None:
        self.sides = {int(epoch): side for epoch, side in sides.items()}
        self.cutting = [step for whole in preprocessings for step in whole.transforms if isinstance(step, RandWindowd)]

    def attach(self, trainer: Trainer) -> None:
        """To a trainer whose loader makes a new iterator each epoch."""
        trainer.add_event_handler(Events.EPOCH_STARTED, self)

    def __call__(self, trainer: Trainer) -> None:
        side = self.sides[max(first for first in self.sides if first <= trainer.state.epoch)]
        for step in self.cutting:
            step.side, step.closest = side, step.closest * side / step.side
