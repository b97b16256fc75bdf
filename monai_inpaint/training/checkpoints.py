"""Train for hours, in pieces of any length: a small file of state, taken up wherever it was left."""

from __future__ import annotations

from pathlib import Path

import ignite.distributed as idist
import torch
from ignite.engine import Events
from monai.engines import Trainer
from monai.handlers import CheckpointLoader
from torch import nn

from monai_inpaint.io.atomic import staged


def keep_state(trainer: Trainer, path: str | Path, **networks: nn.Module) -> None:
    """Write networks and the number of the epoch to `path` after every epoch, and go on from it if it is there.

    Weights are kept in half precision and the optimizer begins anew, so that the file is small enough to be handed on:
    4 bytes a weight for a network and its moving average. `make_resumable` loses nothing and takes four times as much.
    Of several processes only the first one writes; all load.

    Args:
        trainer: not yet running.
        path: the file; its folder is made if it does not exist.
        networks: what is kept, by its name in the file.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_file():
        CheckpointLoader(str(path), {**networks, "trainer": trainer}, map_location="cpu").attach(trainer)
    if idist.get_rank() == 0:
        trainer.add_event_handler(Events.EPOCH_COMPLETED, _write, path, networks)


def _write(trainer: Trainer, path: Path, networks: dict[str, nn.Module]) -> None:
    halved = {name: {key: _half(value) for key, value in bare(n).state_dict().items()} for name, n in networks.items()}
    with staged(path, overwrite=True) as part:
        torch.save({**halved, "trainer": dict(trainer.state_dict())}, part)


def bare(network: nn.Module) -> nn.Module:
    """The network itself where several processes have a wrapped one."""
    return getattr(network, "module", network)


def _half(values: torch.Tensor) -> torch.Tensor:
    return values.half() if values.is_floating_point() else values
