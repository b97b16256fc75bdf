"""Begin a training with weights that are there already."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from monai_inpaint.errors import InputError


def start_from(weights: str | Path | None, *networks: nn.Module) -> None:
    """Load a state dict into networks; nothing happens without a path.

    Layers that the file does not know (those between slices, with weights of single slices) stay as they are.

    Raises:
        InputError: no such file, or weights of another network.
    """
    if weights is None:
        return
    try:
        state = torch.load(weights, map_location="cpu", weights_only=True)
        for network in networks:
            bare = getattr(network, "module", network)  # of several processes each has a wrapped one
            bare.load_state_dict({**bare.state_dict(), **state})
    except FileNotFoundError:
        raise InputError(f"{weights}: there is no such file of weights to start from.") from None
    except RuntimeError:
        raise InputError(f"{weights}: the weights are of another network.") from None
