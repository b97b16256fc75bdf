"""A figure over patients, and how far it could be off by the choice of patients."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

RESAMPLED = 1000  # times, for intervals


def resampled(measure: Callable[..., float], groups: Sequence[Sequence], rng: np.random.Generator, told: str) -> str:
    """The measure and, in brackets, the interval that holds it in 95 % of resamplings; "-" where a group is empty.

    Args:
        measure: of as many groups as there are; each is resampled by itself.
        groups: of films or patients.
        rng: draws the resamplings.
        told: format of a number, such as ".2f".
    """
    if not all(len(group) for group in groups):
        return "-"

    def drawn(group: Sequence) -> Sequence:
        return [group[number] for number in rng.integers(len(group), size=len(group))]

    low, high = np.percentile([measure(*map(drawn, groups)) for _ in range(RESAMPLED)], (2.5, 97.5))
    return f"{measure(*groups):{told}} ({low:{told}} to {high:{told}})"
