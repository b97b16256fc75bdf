"""Load initial weights, resume a training from its last complete epoch, and keep the state of a network."""

from __future__ import annotations

import copy
import random
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import numpy as np
import torch
from ignite.engine import Events
from ignite.handlers import Checkpoint, DiskSaver, EMAHandler
from monai.engines import Trainer
from monai.handlers import CheckpointLoader
from torch import distributed, nn

from monai_inpaint.errors import InputError
from monai_inpaint.io.atomic import staged


def load_initial_weights(weights: str | Path | None, *networks: nn.Module) -> None:
    """Load a state dict, or the network of a state that `keep_state` wrote, into networks; nothing without a path.

    Layers that the file does not know stay as they are.

    Raises:
        InputError: no such file, or weights of another network.
    """
    if weights is None:
        return
    try:
        state = torch.load(weights, map_location="cpu", weights_only=True)
        for network in networks:
            bare(network).load_state_dict({**bare(network).state_dict(), **state.get("network", state)})
    except FileNotFoundError:
        raise InputError(f"{weights}: this file of initial weights does not exist.") from None
    except RuntimeError:
        raise InputError(f"{weights}: the weights are of another network.") from None


start_from = load_initial_weights  # its former name, in configs of earlier versions


def with_weights(network: nn.Module, weights: str | Path) -> nn.Module:
    """Return a copy of a network with the weights of a file, which is not to be trained.

    Raises:
        InputError: no such file, or weights of another network.
    """
    other = copy.deepcopy(network).eval().requires_grad_(False)
    load_initial_weights(weights, other)
    return other


def make_resumable(trainer: Trainer, folder: str | Path, **objects: Any) -> None:
    """Save `objects` and the trainer's own state after every epoch, and load the newest such file if there is one.

    States of the random generators are saved as well, so that a resumed training takes the same steps as an
    uninterrupted one. A file of several processes can be resumed by any number of them.

    A function rather than two handlers in the configuration, because a handler that saves its own trainer would be a
    circular reference there. Of several processes only the first one saves; all load.

    Args:
        trainer: not yet running.
        folder: the folder of `resume_*.pt`; created if it does not exist.
        objects: whatever has a state dict (network, optimizer, scheduler), and moving averages of weights, attached
            already.
    """
    folder = Path(folder)
    generators = RandomGenerators()
    averages = [of for of in objects.values() if isinstance(of, EMAHandler)]
    kept = {name: of.ema_model if isinstance(of, EMAHandler) else of for name, of in objects.items()}
    state = {**kept, "trainer": trainer, "generators": generators}
    saved = sorted(folder.glob("resume_*.pt"), key=lambda path: path.stat().st_mtime)
    if saved:
        CheckpointLoader(load_path=str(saved[-1]), load_dict=state, map_location="cpu").attach(trainer)
        trainer.add_event_handler(Events.STARTED, _warm, averages)
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
    trainer.add_event_handler(Events.EPOCH_COMPLETED, generators.gather)
    trainer.add_event_handler(Events.EPOCH_COMPLETED, saver)


def _warm(trainer: Trainer, averages: list[EMAHandler]) -> None:
    """Averages warm up by the iterations of the trainer, not by those since it was resumed."""
    for average in averages:
        if scheduler := getattr(average, "momentum_scheduler", None):  # only those that warm up have one
            scheduler.event_index = trainer.state.iteration


def keep_state(trainer: Trainer, path: str | Path, **networks: nn.Module) -> None:
    """Write networks and the number of the epoch to `path` after every epoch; resume from `path` if it exists.

    Weights are kept in half precision and the optimizer is reset, so that the file is small: 4 bytes a weight for a
    network and its moving average. `make_resumable` loses nothing and needs four times as much. Of several processes
    only the first one writes; all load.

    Args:
        trainer: not yet running.
        path: the file; its folder is made if it does not exist.
        networks: the networks to keep, by their names in the file.
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
    """Return the network itself where several processes have a wrapped one."""
    return getattr(network, "module", network)


def _half(values: torch.Tensor) -> torch.Tensor:
    return values.half() if values.is_floating_point() else values


class RandomGenerators:
    """The generators of Python, numpy and torch (on the CPU and on the GPU), for `make_resumable`.

    Random transforms need no saved state: they are seeded for each draw (see `training.draws`).
    """

    def __init__(self) -> None:
        self.states: list[dict[str, Any]] = []

    def gather(self) -> None:
        """Collect the states of all processes; every process must call it."""
        self.states = [_state() for _ in range(idist.get_world_size())]
        if distributed.is_initialized():
            distributed.all_gather_object(self.states, self.states[0])

    def state_dict(self) -> dict[str, Any]:
        """Return the states that were gathered last."""
        return {"processes": self.states}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state of this process; a process without a saved state keeps its own seed."""
        self.states = state["processes"]
        if idist.get_rank() < len(self.states):
            _restore(self.states[idist.get_rank()])


def _state() -> dict[str, Any]:
    state = np.random.get_state(legacy=False)
    state["state"]["key"] = state["state"]["key"].tolist()  # plain numbers only, so that loading cannot run code
    generators = {"python": random.getstate(), "numpy": state, "torch": torch.get_rng_state()}
    return generators | ({"cuda": torch.cuda.get_rng_state()} if torch.cuda.is_available() else {})


def _restore(state: dict[str, Any]) -> None:
    random.setstate(state["python"])
    numpy_state = state["numpy"]
    key = np.asarray(numpy_state["state"]["key"], np.uint32)
    np.random.set_state({**numpy_state, "state": {**numpy_state["state"], "key": key}})
    torch.set_rng_state(state["torch"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])
