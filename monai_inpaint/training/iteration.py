"""Training and validation steps in bfloat16 where the device computes in it, for MONAI's `iteration_update` hook.

MONAI's own `amp` switches CUDA autocast only; CPUs with bfloat16 arithmetic gain as much from it, and those without
would emulate it, ten times slower than float32.
"""

from __future__ import annotations

from typing import Any

import torch
from monai.engines import Evaluator, Trainer
from monai.utils import CommonKeys

from monai_inpaint.networks.flow import draw_times, output_scale
from monai_inpaint.networks.known import known_statistics

_AT_START = 0.4  # share of the windows at t = 0, where the best estimate is learned


def _batch(engine: Any, batch: Any) -> tuple[torch.Tensor, torch.Tensor]:
    image, label = engine.prepare_batch(batch, engine.state.device, engine.non_blocking, **engine.to_kwargs)
    return (image.contiguous(memory_format=torch.channels_last) if image.ndim == 4 else image), label


def _told(image: torch.Tensor, flow: list[torch.Tensor], batch: Any) -> torch.Tensor:
    """What the network is given: image and hole, noise, state and time, and of slabs the ratio of spacings."""
    if image.ndim == 4:
        return torch.cat((image, *flow), dim=1).contiguous(memory_format=torch.channels_last)
    ratio = batch["ratio"].to(image).view(-1, 1, 1, 1, 1)
    return torch.cat((image, *flow, ratio.expand_as(image[:, :1])), dim=1)


def _autocast(engine: Any) -> torch.autocast:
    kind = torch.device(engine.state.device).type
    able = kind != "cpu" or any(there for name, there in torch.cpu.get_capabilities().items() if name.endswith("bf16"))
    return torch.autocast(kind, torch.bfloat16, enabled=able)


def flow_iteration(engine: Trainer, batch: Any) -> dict[str, Any]:
    """Forward, loss, backward, step, with windows (or slabs) at t = 0 and at random times.

    The output keys are those of MONAI's SupervisedTrainer.

    The loss sees the error in standard deviations of the window, over the size that the network's own output has at
    that time, so that every modality, contrast and time counts alike.

    Raises:
        FloatingPointError: the loss is not a number; the last checkpoint on disk is still good.
    """
    image, label = _batch(engine, batch)
    truth, region = label[:, :1], label[:, 1:]
    hole = image[:, 1:2]
    there = 1.0 - hole + region  # places without an image are in the hole, and not counted
    _, scale = known_statistics(truth, there)
    time = draw_times(len(image), _AT_START).to(image.device).view(-1, *[1] * (image.ndim - 1))
    unit = 1.0 / (scale * output_scale(time))
    time = time * there  # where there is no image there is no state: as at t = 0, only the known voxels speak
    noise = torch.randn_like(truth) * (time > 0) * region
    return _step(engine, _told(image, [noise, truth * region, time], batch), label, unit)


def _step(engine: Any, image: torch.Tensor, label: torch.Tensor, unit: Any) -> dict[str, Any]:
    engine.network.train()
    engine.optimizer.zero_grad(set_to_none=True)
    with _autocast(engine):
        fill = engine.inferer(image, engine.network)
    loss = engine.loss_function(fill.float() * unit, torch.cat((label[:, :1] * unit, label[:, 1:]), dim=1))
    if not torch.isfinite(loss):
        raise FloatingPointError(f"The loss became {loss.item()}; lower the learning rate and start again.")
    loss.backward()
    torch.nn.utils.clip_grad_norm_(engine.network.parameters(), 1.0)
    engine.optimizer.step()
    return {CommonKeys.IMAGE: image, CommonKeys.LABEL: label, CommonKeys.PRED: fill, CommonKeys.LOSS: loss}


def autocast_validation(engine: Evaluator, batch: Any) -> dict[str, Any]:
    """Forward without gradients; the output keys are those of MONAI's SupervisedEvaluator."""
    image, label = _batch(engine, batch)
    if image.ndim == 5:
        image = _told(image, [torch.zeros_like(image[:, :1])] * 3, batch)
    engine.network.eval()
    with torch.no_grad(), _autocast(engine):
        fill = engine.inferer(image, engine.network)
    return {CommonKeys.IMAGE: image, CommonKeys.LABEL: label, CommonKeys.PRED: fill.float()}
