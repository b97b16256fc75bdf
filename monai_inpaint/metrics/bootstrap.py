"""Bootstrap over patients: the interval of a figure by resampling (Efron 1979, Ann Stat 7:1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

_ENDS = (2.5, 97.5)  # percentiles


def draw(size: int, rng: np.random.Generator) -> np.ndarray:
    """One resampling: int (size,) indices of 0..size-1, drawn with replacement."""
    return rng.integers(size, size=size)


def percentile_interval(figures: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """The interval that holds 95 % of the figures of resamplings; NaN if none of them is finite.

    Figures that are not finite are left out: those of resamplings where the measure is not defined.
    """
    defined = np.asarray(figures, float)
    defined = defined[np.isfinite(defined)]
    if not defined.size:
        return float("nan"), float("nan")
    low, high = np.percentile(defined, _ENDS)
    return float(low), float(high)


def bootstrap_interval(
    measure: Callable[..., float], groups: Sequence[Sequence | np.ndarray], rng: np.random.Generator, resamplings: int
) -> tuple[float, float]:
    """The 95 % interval of a measure, by the percentile bootstrap.

    Args:
        measure: of as many groups as there are, each as a list.
        groups: of patients, none empty; each is resampled by itself.
        rng: draws the resamplings.
        resamplings: how many.
    """

    def drawn(group: Sequence | np.ndarray) -> list:
        return [group[number] for number in draw(len(group), rng)]

    return percentile_interval([measure(*map(drawn, groups)) for _ in range(resamplings)])
