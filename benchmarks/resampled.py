"""A figure over patients, and how far it could be off by the choice of patients."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from monai_inpaint.metrics.bootstrap import bootstrap_interval

RESAMPLED = 1000  # times, for intervals


def resampled(
    measure: Callable[..., float],
    groups: Sequence[Sequence],
    rng: np.random.Generator,
    pattern: str,
    resamplings: int = RESAMPLED,
) -> str:
    """The measure and, in brackets, the interval that holds it in 95 % of resamplings; "-" where a group is empty.

    Args:
        measure: of as many groups as there are; each is resampled by itself.
        groups: of films or patients.
        rng: draws the resamplings.
        pattern: format of a number, such as ".2f".
        resamplings: how many.
    """
    if not all(len(group) for group in groups):
        return "-"
    low, high = bootstrap_interval(measure, groups, rng, resamplings)
    return f"{measure(*groups):{pattern}} ({low:{pattern}} to {high:{pattern}})"
