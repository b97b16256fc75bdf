"""Select the simulated pairs of slices with metal for training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from monai_inpaint.training.data_list import sample_weights


def metal_pairs(
    slices: Sequence[Mapping[str, Any]], shares: Mapping[str, float], count: int, first_seed: int = 0
) -> list[dict[str, Any]]:
    """So many entries for `SimulateMetald`: {"image", "name", "source", "slice", "seed"}.

    Args:
        slices: of `training_slices`.
        shares: of each of their sources among the pairs.
        count: of pairs.
        first_seed: of the first one, and of the choice of slices; the others follow.
    """
    weights = np.array(sample_weights(slices, shares))
    chosen = np.random.default_rng(first_seed).choice(len(slices), count, p=weights / weights.sum())
    return [{**slices[number], "seed": first_seed + turn} for turn, number in enumerate(map(int, chosen))]
