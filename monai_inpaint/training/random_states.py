"""Save and restore the states of the random number generators of all processes of a training."""

from __future__ import annotations

import random
from typing import Any

import ignite.distributed as idist
import numpy as np
import torch
from torch import distributed


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
