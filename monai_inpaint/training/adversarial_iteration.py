"""Adversarial training steps for MONAI's `iteration_update` hook, for any generator, loss terms and discriminators."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from monai.engines import Trainer

from monai_inpaint.training.discriminator import DiscriminatorTask
from monai_inpaint.training.filled_batch import FilledBatch, cropped
from monai_inpaint.training.iteration import autocast, batch_of, completed
from monai_inpaint.training.schedule import Schedule


class LossTerm:
    """One weighted term of the generator's loss.

    Args:
        loss: of an image and a target (B, 2, H, W), truth and region (`HoleRMSE`, `BorderWeightedL2`,
            `PartialConvLoss`), or of an image and the truth (`StyleLoss`).
        weight: of the loss.
        on: "fill", the composited image, "predicted", all that the generator predicts, or "coarse", what its first
            stage does.
        region: whether the loss has a region as an argument.
        margin: voxels by which the region is larger than the hole (a ring that is seen, and predicted all the same).
        side: of a loss without a region: show it only the square of this side around the hole, where all is to learn.
    """

    def __init__(
        self, loss: Callable[..., torch.Tensor], weight: float = 1.0, on: str = "fill", region: bool = True,
        margin: int = 0, side: int | None = None,
    ) -> None:  # fmt: skip
        self.loss, self.weight, self.on, self.region, self.margin = loss, weight, on, region, margin
        self.side = side

    def __call__(self, filled: FilledBatch) -> torch.Tensor:
        image = getattr(filled, self.on)
        if not self.region:
            pair = image, filled.truth
            if self.side:
                pair = tuple(cropped(one, filled.region, self.side) for one in pair)
            return self.weight * self.loss(*pair)
        region = filled.region
        if self.margin:
            region = torch.nn.functional.max_pool2d(region, 2 * self.margin + 1, stride=1, padding=self.margin)
        return self.weight * self.loss(image, torch.cat((filled.truth, region), dim=1))


class AdversarialIteration:
    """Train the discriminators, then the generator, by the schedule.

    The output's keys are those of MONAI's SupervisedTrainer, and the balance of each discriminator: "NAME_value",
    "NAME_real" and "NAME_filled" (see `DiscriminatorTask.learn`), NaN in iterations in which it is not trained.

    Args:
        terms: terms of the generator's loss in addition to the adversarial ones.
        discriminators: by name; required.
        schedule: who learns when.
        judges: the name of `discriminators` in configurations of earlier versions; for this release.
    """

    def __init__(
        self,
        terms: Sequence[LossTerm],
        discriminators: Mapping[str, DiscriminatorTask] | None = None,
        schedule: Schedule | None = None,
        judges: Mapping[str, DiscriminatorTask] | None = None,
    ) -> None:
        if (discriminators is None) == (judges is None):
            raise ValueError("discriminators must be given, once (judges is their former name).")
        self.discriminators = dict(discriminators if discriminators is not None else judges or {})
        self.terms, self.schedule = terms, schedule or Schedule()

    def __call__(self, engine: Trainer, batch: Any) -> Any:
        """One iteration.

        Raises:
            FloatingPointError: a loss is not a number; the last checkpoint on disk is still good.
        """
        image, label = batch_of(engine, batch)
        turn = self.schedule.turn(engine.state.epoch, engine.state.iteration)
        engine.network.train()
        with autocast(engine):
            with torch.set_grad_enabled(turn.generator):
                given = engine.network(image, composited=False)
            predicted, stages = given if isinstance(given, tuple) else (given, ())
            span = getattr(engine.network, "module", engine.network).intensity_range(image)
            filled = FilledBatch.of(predicted, image, label, span, stages)
            balance: dict[str, float] = {}
            for name, discriminator in self.discriminators.items():
                learned = discriminator.learn(filled.detached()) if turn.discriminators else {}
                balance |= {f"{name}_{key}": learned.get(key, float("nan")) for key in ("value", "real", "filled")}
            terms = [term(filled) for term in self.terms]
            if turn.adversarial:
                terms += [discriminator.term(filled) for discriminator in self.discriminators.values()]
        if not terms:  # losses are left out, and no discriminator counts yet: a step that changes nothing
            terms = [0 * predicted.sum()]
        loss = torch.stack([term.float() for term in terms]).sum()
        if not torch.isfinite(loss):
            raise FloatingPointError(
                f"The generator's loss became {loss.item()}; lower the learning rates or the weights of the "
                "discriminators, and go on from the last checkpoint."
            )
        if turn.generator:
            engine.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            engine.optimizer.step()
        fill = torch.where(label[:, 1:] > 0.5, predicted.detach().float(), label[:, :1])
        return completed(engine, image=image, label=label, pred=fill, loss=loss.detach(), **balance)


Term = LossTerm  # its former name, in configs of earlier versions
