"""Compare two methods on the same patients: the mean difference, its interval, and a paired test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from monai_inpaint.metrics.bootstrap import bootstrap_interval

_RESAMPLINGS = 2000
_FEWEST = 6  # patients: below that no outcome of the test is significant at 5 %


class PairedDifference(NamedTuple):
    """The mean over patients, its 95 % interval, and the p-value of a test; NaN where there are too few patients."""

    mean: float
    low: float
    high: float
    p: float


def paired_difference(differences: Sequence[float], seed: int = 0) -> PairedDifference:
    """Test whether differences of pairs are 0 in the middle.

    The interval is the percentile bootstrap over patients (Efron 1979), the p-value that of the two-sided signed-rank
    test (Wilcoxon 1945).

    Args:
        differences: one finite number for each patient, at least one.
        seed: of the resampling.
    """
    from scipy.stats import wilcoxon

    values = np.asarray(differences, float)
    if len(values) < 2:
        return PairedDifference(_mean(values), np.nan, np.nan, np.nan)
    low, high = bootstrap_interval(_mean, [values], np.random.default_rng(seed), _RESAMPLINGS)
    tested: Any = wilcoxon(values) if np.count_nonzero(values) >= _FEWEST else None
    p = float(tested.pvalue) if tested else np.nan
    return PairedDifference(_mean(values), low, high, p)


def _mean(values: Sequence[float] | np.ndarray) -> float:
    return float(np.mean(values))
