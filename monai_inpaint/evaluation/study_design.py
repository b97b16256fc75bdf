"""Design of a two-alternative forced choice study: which method fills which case, the order, and the sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from monai_inpaint.errors import InputError

REPEATED = 10  # one of so many pairs is shown a second time


@dataclass(frozen=True)
class StudyTrial:
    """One pair of images that a reader compares.

    Attributes:
        pair: number of the pair of pictures, from 0.
        filled: the side of the filled one, "left" or "right".
        repeat: whether the pair was shown before, with the sides exchanged.
    """

    pair: int
    filled: str
    repeat: bool = False


def assign(cases: int, methods: int, pairs: int) -> list[tuple[int, int]]:
    """Give each pair its case and its method: all methods equally often, to within one, no case twice to one method.

    Raises:
        InputError: there are fewer pairs than that.
    """
    if pairs > cases * methods:
        raise InputError(
            f"The images give {cases} holes, and {methods} methods make {cases * methods} pairs of them; ask for no "
            "more, or name more images."
        )
    rounds = [(number % cases, number // cases) for number in range(pairs)]
    return [(case, (case + turn) % methods) for case, turn in rounds]


def draw_trials(methods: Sequence[int], rng: np.random.Generator) -> list[StudyTrial]:
    """Draw order and sides; the fill of each method is half of the times on either side.

    A tenth of the pairs, from the first half, is shown again in the second half with the sides exchanged.

    Args:
        methods: that of each pair.
        rng: draws.
    """
    left = np.zeros(len(methods), bool)
    for method in set(methods):
        own = rng.permutation(np.flatnonzero(np.asarray(methods) == method))
        left[own[: (len(own) + int(rng.integers(2))) // 2]] = True
    sides = ["left" if is_left else "right" for is_left in left]
    order = [StudyTrial(int(pair), sides[pair]) for pair in rng.permutation(len(methods))]
    half = len(order) // 2
    again = rng.choice(half, min(len(order) // REPEATED, half), replace=False) if half else []
    other = {"left": "right", "right": "left"}
    repeats = [StudyTrial(order[place].pair, other[order[place].filled], repeat=True) for place in again]
    late = order[half:] + repeats
    return order[:half] + [late[place] for place in rng.permutation(len(late))]
