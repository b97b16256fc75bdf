"""Begin a training with weights that are there already."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from monai_inpaint.errors import InputError


def start_from(weights: str | Path | None, *networks: nn.Module) -> None:
    """Load a state dict into networks of the same shape; nothing happens without a path.

    Raises:
        InputError: no such file, or weights of another network.
    """
    if weights is None:
        return
    try:
        state = torch.load(weights, map_location="cpu", weights_only=True)
        for network in networks:
            getattr(network, "module", network).load_state_dict(state)  # of several processes each has a wrapped one
    except FileNotFoundError:
        raise InputError(f"{weights}: there is no such file of weights to start from.") from None
    except RuntimeError:
        raise InputError(f"{weights}: the weights are of another network.") from None
