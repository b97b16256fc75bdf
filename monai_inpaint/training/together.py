"""Synchronise a network that DistributedDataParallel does not wrap; does nothing in a single process.

A discriminator is run on real and on filled images, and by the generator's step, where it does not learn; PyTorch's own
wrapper expects one run for each step.
"""

from __future__ import annotations

import torch
from torch import distributed, nn


def begin_alike(network: nn.Module) -> None:
    """Every process takes the weights of the first."""
    if distributed.is_initialized():
        for values in network.state_dict().values():
            distributed.broadcast(values, 0)


@torch.no_grad()
def average_gradients(network: nn.Module) -> None:
    """Every process steps by the mean of the gradients of all."""
    if distributed.is_initialized():
        for parameter in network.parameters():
            if parameter.grad is not None:
                distributed.all_reduce(parameter.grad)
                parameter.grad /= distributed.get_world_size()
