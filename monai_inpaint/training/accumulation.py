"""Accumulate the gradients of a batch over parts of it and over processes, however many windows each of them has."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import ignite.distributed as idist
import torch
from torch import distributed, nn


def backward_in_parts(
    engine: Any, parts: int, loss_of: Callable[..., tuple[torch.Tensor, torch.Tensor]], *tensors: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Compute the gradients of the loss of a batch, a part after the other; the step is left to the caller.

    A batch in parts counts as one everywhere: schedules, moving averages and epochs go by steps. Gradients are those of
    the whole batch where the loss is a mean over its windows, and the network has no statistics of batches.

    Args:
        engine: a SupervisedTrainer, with its network and optimizer.
        parts: so many, one where there is room for all.
        loss_of: tensors of a part to its loss, and its prediction.
        tensors: of the batch, (B, ...).

    Returns:
        The loss, and the predictions (B, ...), without gradients.

    Raises:
        FloatingPointError: the loss is not a number.
    """
    engine.network.train()
    engine.optimizer.zero_grad(set_to_none=True)
    whole, predictions = torch.zeros((), device=tensors[0].device), []
    share, cut = share_of(len(tensors[0])), [tensor.chunk(parts) for tensor in tensors]
    for number, part in enumerate(zip(*cut, strict=True), start=1):
        with nullcontext() if number == len(cut[0]) else apart(engine.network):
            loss, prediction = loss_of(*part)
            loss = checked(loss) * (len(part[0]) / len(tensors[0]))
            (loss * share).backward()
        whole += loss.detach()
        predictions.append(prediction.detach())
    return whole, torch.cat(predictions)


def checked(loss: torch.Tensor) -> torch.Tensor:
    """Return the loss, if it is a number."""
    if not torch.isfinite(loss):
        raise FloatingPointError(f"The loss became {loss.item()}; lower the learning rate and start again.")
    return loss


def share_of(windows: int) -> float:
    """The windows of this process over their mean number in all: the factor of its loss.

    Processes average their gradients; multiplying the loss by the factor makes this the mean over all windows, however
    many each process has (slabs contain more than slices).
    """
    return windows * idist.get_world_size() / idist.all_reduce(windows) if distributed.is_initialized() else 1.0


def apart(network: nn.Module) -> AbstractContextManager[None]:
    """Gradients are gathered in this process only, until they are computed outside of this context."""
    return network.no_sync() if isinstance(network, nn.parallel.DistributedDataParallel) else nullcontext()
