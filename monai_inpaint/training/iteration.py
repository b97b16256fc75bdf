"""Training and validation steps in bfloat16 where the device computes in it, for MONAI's `iteration_update` hook.

MONAI's own `amp` switches CUDA autocast only; CPUs with bfloat16 arithmetic gain as much from it, and those without
would emulate it, ten times slower than float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from monai.engines import Evaluator, Trainer
from monai.engines.utils import IterationEvents
from torch import nn

from monai_inpaint.fill.sampler import SAMPLE_TIME, SAMPLERS, cut_noise
from monai_inpaint.losses.energy_score import EnergyScore
from monai_inpaint.networks.known_voxels import masked_statistics
from monai_inpaint.networks.rectified_flow import draw_time, output_scale
from monai_inpaint.training.accumulation import backward_in_parts
from monai_inpaint.training.bfloat16 import has_bfloat16
from monai_inpaint.training.draws import SEED

_FLATTEST = 8.0  # grey levels of 255: windows of next to nothing but air would outweigh all others

ExtraLoss = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


def batch_of(engine: Any, batch: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Image and label on the engine's device."""
    image, label = engine.prepare_batch(batch, engine.state.device, engine.non_blocking, **engine.to_kwargs)
    return image.contiguous(memory_format=torch.channels_last), label


def _network_input(image: torch.Tensor, flow: list[torch.Tensor]) -> torch.Tensor:
    """Image and hole, noise, state and time, and with a start its nearness."""
    return torch.cat((image[:, :2], *flow, image[:, 2:]), dim=1).contiguous(memory_format=torch.channels_last)


def autocast(engine: Any) -> torch.autocast:
    """bfloat16 on the engine's device, if that computes in it."""
    device = torch.device(engine.state.device)
    return torch.autocast(device.type, torch.bfloat16, enabled=has_bfloat16(device))


def flow_iteration(
    engine: Trainer,
    batch: Any,
    at_start: float = 0.8,
    extra_loss: ExtraLoss | None = None,
    beside: ExtraLoss | None = None,
    parts: int = 1,
) -> Any:
    """Forward, loss, backward, step, with windows at t = 0 and at random times.

    The output keys are those of MONAI's SupervisedTrainer.

    The loss is the error in standard deviations of the window, divided by the size of the network's own output at that
    time, so that every modality, contrast and time has the same weight.

    Args:
        engine, batch: those of MONAI; with the windows' seeds under "draw" (see `SeededDataset`), or without.
        at_start: share of the windows at t = 0, where the best estimate is learned. With 1 the network becomes a
            plain regressor, without samples.
        extra_loss: added to the loss: a function of the fill and the truth, in standard deviations of the window
            from its mean, and the region that counts; called for each part.
        beside: the name of `extra_loss` in configurations of earlier versions; for this release.
        parts: see `backward_in_parts`.

    Raises:
        FloatingPointError: the loss is not a number; the last checkpoint on disk is still good.
    """
    extra_loss = extra_loss or beside
    image, label = batch_of(engine, batch)
    truth, region = label[:, :1], label[:, 1:]
    hole = image[:, 1:2]
    there = 1.0 - hole + region  # places without an image are in the hole, and not counted
    shift, scale = masked_statistics(truth, there)
    time, noise = _time_and_noise(batch, truth, at_start)
    unit = 1.0 / (scale.clamp(min=_FLATTEST) * output_scale(time))
    time = time * there  # where there is no image there is no state: as at t = 0, only the known voxels count
    noise = noise * (time > 0) * region
    inputs = _network_input(image, [noise, truth * region, time])

    def loss_of(inputs: torch.Tensor, label: torch.Tensor, *of: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        (truth, region), (unit, shift, scale) = label.split(1, dim=1), of
        with autocast(engine):
            fill = engine.inferer(inputs, engine.network)
            extra = extra_loss((fill - shift) / scale, (truth - shift) / scale, region) if extra_loss else 0.0
        return engine.loss_function(fill.float() * unit, torch.cat((truth * unit, region), dim=1)) + extra, fill

    loss, fill = backward_in_parts(engine, parts, loss_of, inputs, label, unit, shift, scale)
    torch.nn.utils.clip_grad_norm_(engine.network.parameters(), 1.0)
    engine.optimizer.step()
    return completed(engine, image=inputs, label=label, pred=fill, loss=loss)


def sample_iteration(
    engine: Trainer,
    batch: Any,
    score: EnergyScore,
    estimator: nn.Module,
    extra_loss: ExtraLoss | None = None,
    parts: int = 1,
) -> Any:
    """Forward, loss, backward, step: two samples of every window, drawn from its best estimate and noise.

    The output keys are those of MONAI's SupervisedTrainer; `pred` is the first sample.

    The score uses standard deviations of the window, so that every modality and contrast has the same weight.

    Args:
        engine, batch: those of MONAI; with the windows' seeds under "draw" (see `SeededDataset`), or without.
        score: of samples.
        estimator: returns the best estimate, and is not trained.
        extra_loss: added to the score: a function of the first sample and the truth, both in standard deviations of
            the window from its mean, and the region that counts; called for each part.
        parts: see `backward_in_parts`.

    Raises:
        FloatingPointError: the loss is not a number; the last checkpoint on disk is still good.
    """
    image, label = batch_of(engine, batch)
    there = 1.0 - image[:, 1:2] + label[:, 1:]  # places without an image are in the hole, and not counted
    shift, scale = masked_statistics(label[:, :1], there)
    noise = _noise_of(batch, image, 2)

    def loss_of(image: torch.Tensor, label: torch.Tensor, *of: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        (truth, region), (unit, shift, noise) = label.split(1, dim=1), of
        with autocast(engine):
            estimate = _estimate(estimator, image)
            inputs = [_sample_input(image, estimate, region, one) for one in noise.split(1, dim=1)]
            samples = engine.inferer(torch.cat(inputs), engine.network).float().chunk(2)
            images = (*(sample * region + truth * (1.0 - region) for sample in samples), truth)
            first, second, target = ((values - shift) * unit for values in images)
            extra = extra_loss(first, target, region) if extra_loss else 0.0
            # features have matrix products; bands have none and stay in float32
            return score(first, second, target, region, 1.0 - image[:, 1:2]) + extra, samples[0]

    unit = 1.0 / scale.clamp(min=_FLATTEST)
    loss, fill = backward_in_parts(engine, parts, loss_of, image, label, unit, shift, noise)
    torch.nn.utils.clip_grad_norm_(engine.network.parameters(), 1.0)
    engine.optimizer.step()
    return completed(engine, image=image, label=label, pred=fill, loss=loss)


def sample_validation(engine: Evaluator, batch: Any, estimator: nn.Module) -> Any:
    """Draw a sample of every window without gradients; the output keys are those of MONAI's SupervisedEvaluator."""
    image, label = batch_of(engine, batch)
    engine.network.eval()
    with torch.no_grad(), autocast(engine):
        inputs = _sample_input(image, _estimate(estimator, image), label[:, 1:], _noise_of(batch, image, 1))
        sample = engine.inferer(inputs, engine.network)
    return completed(engine, image=image, label=label, pred=sample.float())


def _estimate(estimator: nn.Module, image: torch.Tensor) -> torch.Tensor:
    """The best estimate of windows (B, 2 or 3, H, W), without gradients."""
    with torch.no_grad():
        return estimator(_network_input(image, [torch.zeros_like(image[:, :1])] * 3)).float()


def _sample_input(
    image: torch.Tensor, estimate: torch.Tensor, region: torch.Tensor, noise: torch.Tensor
) -> torch.Tensor:
    """Return windows (B, 2 or 3, H, W) as input of the sampler: it starts from the best estimate."""
    # where there is no image there is no state: as for the best estimate, only the known voxels count
    time = SAMPLE_TIME * (1.0 - image[:, 1:2] + region)
    started = torch.cat((image[:, :1] * (1.0 - region) + estimate * region, image[:, 1:2], region), dim=1)
    return _network_input(started, [noise * region, estimate * region, time])


def _noise_of(batch: Any, image: torch.Tensor, count: int) -> torch.Tensor:
    """Noise for `count` samples of each window, (B, count, H, W), from its own seed."""
    noise = np.zeros((len(image), count, *image.shape[2:]), np.float32)
    for window, seed in zip(noise, _seeds_of(batch, image).tolist(), strict=True):
        random = np.random.default_rng(seed)
        window[:] = [cut_noise(image.shape[2:], SAMPLERS["one-step"], random) for _ in range(count)]
    return torch.from_numpy(noise).to(image.device)


def _seeds_of(batch: Any, windows: torch.Tensor) -> torch.Tensor:
    """The seeds that came with the windows, or new ones."""
    return batch[SEED] if SEED in batch else torch.randint(2**31, (len(windows),))


def _time_and_noise(batch: Any, like: torch.Tensor, at_start: float) -> tuple[torch.Tensor, torch.Tensor]:
    """A time (B, 1, 1, 1) and standard normal noise (B, 1, H, W), of each window from its own seed."""
    times, noise = [], []
    for seed in _seeds_of(batch, like).tolist():
        times.append(draw_time(at_start, torch.Generator().manual_seed(seed)))
        generator = torch.Generator(like.device).manual_seed(seed)
        noise.append(torch.randn(like.shape[1:], generator=generator, device=like.device))
    return torch.tensor(times, device=like.device).view(-1, 1, 1, 1), torch.stack(noise)


def autocast_iteration(engine: Trainer, batch: Any, parts: int = 1) -> Any:
    """Forward, loss, backward, step; the output keys are those of MONAI's SupervisedTrainer.

    Args:
        engine, batch: MONAI's.
        parts: see `backward_in_parts`.

    Raises:
        FloatingPointError: the loss is not a number; the last checkpoint on disk is still good.
    """
    image, label = batch_of(engine, batch)

    def loss_of(image: torch.Tensor, label: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        with autocast(engine):
            output = engine.inferer(image, engine.network)
        return engine.loss_function(output.float(), label), output

    loss, output = backward_in_parts(engine, parts, loss_of, image, label)
    engine.optimizer.step()
    return completed(engine, image=image, label=label, pred=output, loss=loss)


def autocast_validation(engine: Evaluator, batch: Any) -> Any:
    """Forward without gradients; the output keys are those of MONAI's SupervisedEvaluator."""
    image, label = batch_of(engine, batch)
    channels = getattr(getattr(engine.network, "module", engine.network), "channels", 2)
    if image.shape[1] == 3 < channels:  # image, hole and the nearness of a start, which comes last
        image = _network_input(image, [torch.zeros_like(image[:, :1])] * 3)
    engine.network.eval()
    with torch.no_grad(), autocast(engine):
        fill = engine.inferer(image, engine.network)
    return completed(engine, image=image, label=label, pred=fill.float())


def completed(engine: Any, **output: Any) -> Any:
    """Hand over the output as MONAI's own iterations do, which handlers of other libraries (MLflow's) count on."""
    engine.state.output = output
    engine.fire_event(IterationEvents.MODEL_COMPLETED)
    return engine.state.output
