"""Load initial weights before a training."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from monai_inpaint.errors import InputError
from monai_inpaint.training.checkpoints import bare


def start_from(weights: str | Path | None, *networks: nn.Module) -> None:
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
        raise InputError(f"{weights}: there is no such file of weights to start from.") from None
    except RuntimeError:
        raise InputError(f"{weights}: the weights are of another network.") from None
