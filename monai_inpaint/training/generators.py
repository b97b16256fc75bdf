"""Keep the states of the random generators of all processes with a training."""

from __future__ import annotations

import random
from typing import Any

import ignite.distributed as idist
import numpy as np
import torch
from torch import distributed


class RandomGenerators:
    """The generators of Python, numpy and torch (of the processor and of its GPU), for `make_resumable`.

    Random transforms have none that would have to be kept: they begin anew at each draw (see `training.draws`).
    """

    def __init__(self) -> None:
        self.states: list[dict[str, Any]] = []

    def gather(self) -> None:
        """Take the states of all processes; all of them have to call it."""
        self.states = [_state() for _ in range(idist.get_world_size())]
        if distributed.is_initialized():
            distributed.all_gather_object(self.states, self.states[0])

    def state_dict(self) -> dict[str, Any]:
        """What was gathered last."""
        return {"processes": self.states}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from the state of this process; one that there was not before goes on from its own seed."""
        self.states = state["processes"]
        if idist.get_rank() < len(self.states):
            _restore(self.states[idist.get_rank()])


def _state() -> dict[str, Any]:
    state = np.random.get_state(legacy=False)
    state["state"]["key"] = state["state"]["key"].tolist()  # numbers only: what is loaded can run no code
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
