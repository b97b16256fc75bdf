"""Set the side of the training windows, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ignite.engine import Events
from monai.engines import Trainer
from monai.transforms import Compose

from monai_inpaint.transforms import RandWindowd


class WindowSideHandler:
    """Set the side of the windows that random transforms cut, at the start of each epoch.

    Most anatomy is coarse: windows of half the side show as much of it for a quarter of the time.

    Args:
        sides: voxels of a window along each axis, one number an epoch; after the last one they start again.
        preprocessings: of the training's datasets. `closest` of their windows is scaled with the side, so that the
            smallest voxels that they show stay the same.
    """

    def __init__(self, sides: Sequence[int], preprocessings: Iterable[Compose]) -> None:
        self.sides = sides
        self.cutting = [step for whole in preprocessings for step in whole.transforms if isinstance(step, RandWindowd)]

    def attach(self, trainer: Trainer) -> None:
        """To a trainer whose loader makes a new iterator each epoch."""
        trainer.add_event_handler(Events.EPOCH_STARTED, self)

    def side(self, epoch: int) -> int:
        """Return the side of the windows in an epoch, which count from 1."""
        return self.sides[(epoch - 1) % len(self.sides)]

    def __call__(self, trainer: Trainer) -> None:
        side = self.side(trainer.state.epoch)
        for step in self.cutting:
            step.side, step.closest = side, step.closest * side / step.side


class GrowWindows(WindowSideHandler):
    """Former name of `WindowSideHandler`, with sides by the first epoch that has them; for configs of this release.

    Args:
        sides: JSON's keys, which are strings, will do.
        preprocessings: as for `WindowSideHandler`.
    """

    def __init__(self, sides: Mapping[int | str, int], preprocessings: Iterable[Compose]) -> None:
        super().__init__((), preprocessings)
        self.by_first_epoch = {int(epoch): side for epoch, side in sides.items()}

    def side(self, epoch: int) -> int:
        return self.by_first_epoch[max(first for first in self.by_first_epoch if first <= epoch)]
