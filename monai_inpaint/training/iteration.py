"""One training and one validation step in bfloat16, for MONAI's `iteration_update` hook.

MONAI's own `amp` switches CUDA autocast only; CPUs with bfloat16 arithmetic gain as much from it.
"""

from __future__ import annotations

from typing import Any

import torch
from monai.engines import Evaluator, Trainer
from monai.utils import CommonKeys


def _batch(engine: Any, batch: Any) -> tuple[torch.Tensor, torch.Tensor]:
    image, label = engine.prepare_batch(batch, engine.state.device, engine.non_blocking, **engine.to_kwargs)
    return image.contiguous(memory_format=torch.channels_last), label


def _autocast(engine: Any) -> torch.autocast:
    return torch.autocast(torch.device(engine.state.device).type, torch.bfloat16)


def autocast_iteration(engine: Trainer, batch: Any) -> dict[str, Any]:
    """Forward, loss, backward, step; the output keys are those of MONAI's SupervisedTrainer.

    Raises:
        FloatingPointError: the loss is not a number; the last checkpoint on disk is still good.
    """
    image, label = _batch(engine, batch)
    engine.network.train()
    engine.optimizer.zero_grad(set_to_none=True)
    with _autocast(engine):
        fill = engine.inferer(image, engine.network)
    loss = engine.loss_function(fill.float(), label)
    if not torch.isfinite(loss):
        raise FloatingPointError(f"The loss became {loss.item()}; lower the learning rate and start again.")
    loss.backward()
    torch.nn.utils.clip_grad_norm_(engine.network.parameters(), 1.0)
    engine.optimizer.step()
    return {CommonKeys.IMAGE: image, CommonKeys.LABEL: label, CommonKeys.PRED: fill, CommonKeys.LOSS: loss}


def autocast_validation(engine: Evaluator, batch: Any) -> dict[str, Any]:
    """Forward without gradients; the output keys are those of MONAI's SupervisedEvaluator."""
    image, label = _batch(engine, batch)
    engine.network.eval()
    with torch.no_grad(), _autocast(engine):
        fill = engine.inferer(image, engine.network)
    return {CommonKeys.IMAGE: image, CommonKeys.LABEL: label, CommonKeys.PRED: fill.float()}
