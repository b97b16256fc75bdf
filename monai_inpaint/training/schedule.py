"""Schedules of a training: its learning rate, and which networks learn in an iteration of adversarial training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import InitVar, dataclass
from typing import NamedTuple


class Turn(NamedTuple):
    """Networks that learn in an iteration: generator, discriminators; and whether the adversarial terms count."""

    generator: bool
    discriminators: bool
    adversarial: bool


@dataclass(frozen=True)
class Schedule:
    """Train the generator alone, then the discriminators alone, then both (Belli et al. 2018, section 3.3).

    Args:
        generator_epochs: in which the generator learns alone, without adversarial terms; 2 in the paper.
        discriminator_epochs: after them, in which the discriminators learn alone; 4 in the paper.
        generator_every: when both learn, the generator does in every n-th iteration only; 2 is the paper's freezing of
            the generator every second iteration.
        discriminators_every: the same for the discriminators.
        judge_epochs, judges_every: the names of both in configurations of earlier versions; for this release.
    """

    generator_epochs: int = 0
    discriminator_epochs: int = 0
    generator_every: int = 1
    discriminators_every: int = 1
    judge_epochs: InitVar[int | None] = None
    judges_every: InitVar[int | None] = None

    def __post_init__(self, judge_epochs: int | None, judges_every: int | None) -> None:
        for name, value in (("discriminator_epochs", judge_epochs), ("discriminators_every", judges_every)):
            if value is not None:
                object.__setattr__(self, name, value)

    def turn(self, epoch: int, iteration: int) -> Turn:
        """Return the turn in an iteration; epochs and iterations count from 1, iterations throughout the training."""
        if epoch <= self.generator_epochs:
            return Turn(generator=True, discriminators=False, adversarial=False)
        if epoch <= self.generator_epochs + self.discriminator_epochs:
            return Turn(generator=False, discriminators=True, adversarial=False)
        return Turn(iteration % self.generator_every == 0, iteration % self.discriminators_every == 0, adversarial=True)


def warm_hold_decay(steps: int, warm_up: int = 50, decay: float = 0.25) -> Callable[[int], float]:
    """Return a factor for `torch.optim.lr_scheduler.LambdaLR`: linear up, constant, linear down.

    The rate before the decay does not depend on the length, so a training can run for days, and can be finished from
    any of its states by a training with `decay=1` (Hägele et al. 2024, Scaling Laws and Compute-Optimal Training Beyond
    Fixed Training Durations).

    Args:
        steps: of the whole training.
        warm_up: steps on the way up.
        decay: share of the steps on the way down; 0 if the training will be continued.
    """

    def factor(step: int) -> float:
        left = (steps - step) / (decay * steps) if decay else 1.0
        return max(min((step + 1) / (warm_up + 1), left, 1.0), 0.0)

    return factor
