"""Schedule of adversarial training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Turn(NamedTuple):
    """Who learns in an iteration: generator, discriminators; and whether the adversarial terms count."""

    generator: bool
    judges: bool
    adversarial: bool


@dataclass(frozen=True)
class Schedule:
    """Train the generator alone, then the discriminators alone, then both (Belli et al. 2018, section 3.3).

    Args:
        generator_epochs: in which the generator learns alone, without adversarial terms; 2 in the paper.
        judge_epochs: after them, in which the discriminators learn alone; 4 in the paper.
        generator_every: when both learn, the generator does in every n-th iteration only; 2 is the paper's freezing of
            the generator every second iteration.
        judges_every: the same for the discriminators.
    """

    generator_epochs: int = 0
    judge_epochs: int = 0
    generator_every: int = 1
    judges_every: int = 1

    def turn(self, epoch: int, iteration: int) -> Turn:
        """The turn in an iteration; epochs and iterations count from 1, iterations go on through the epochs."""
        if epoch <= self.generator_epochs:
            return Turn(generator=True, judges=False, adversarial=False)
        if epoch <= self.generator_epochs + self.judge_epochs:
            return Turn(generator=False, judges=True, adversarial=False)
        return Turn(iteration % self.generator_every == 0, iteration % self.judges_every == 0, adversarial=True)
