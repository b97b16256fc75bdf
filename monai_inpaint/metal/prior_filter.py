"""Bilateral filter of the priors across slices, so that they do not flicker from slice to slice."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

_REACH = 3.0  # mm, standard deviation of the weight of a neighbour
_ALIKE = 100.0  # HU, standard deviation of the weight of a difference: streaks are averaged, edges of bone are not


def averaged(prior: np.ndarray, beside: Iterable[np.ndarray], spacing: float) -> np.ndarray:
    """Average a prior with those of the slices before and after it, where they are similar.

    A bilateral filter across the slices (Tomasi and Manduchi 1998): continuing anatomy is the same in both, guesses
    about what the metal hid are not.

    Args:
        prior: (rows, columns) in HU.
        beside: the priors of its neighbours.
        spacing: mm between slices.
    """
    near = math.exp(-0.5 * (spacing / _REACH) ** 2)
    total, weight = prior.astype(np.float64), np.ones(prior.shape)
    for other in beside:
        alike = near * np.exp(-0.5 * ((other - prior) / _ALIKE) ** 2)
        total += alike * other
        weight += alike
    return (total / weight).astype(np.float32)
