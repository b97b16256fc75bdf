"""Statistics of readers: interval of a share, agreement of two readers, resampling of readers and patients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monai_inpaint.metrics.bootstrap import percentile_interval

NORMAL_95 = 1.959963984540054  # quantile of the normal distribution that 95 % intervals end at
RESAMPLINGS = 20_000  # with 2000, an end of the interval of 40 answers varies by 0.05 with the seed


def wilson_interval(right: int, total: int, z: float = NORMAL_95) -> tuple[float, float]:
    """Return the score interval of a share (Wilson 1927, J Am Stat Assoc 22:209), NaN where there is nothing to share.

    Args:
        right: successes, 0 to `total`.
        total: trials.
        z: of the confidence; 1.96 for 95 %.
    """
    if total == 0:
        return float("nan"), float("nan")
    share, shrink = right / total, 1 + z**2 / total
    middle = (share + z**2 / (2 * total)) / shrink
    half = z / shrink * np.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    return max(float(middle - half), 0.0), min(float(middle + half), 1.0)


def cohen_kappa(first: Sequence[str], second: Sequence[str]) -> float:
    """Return the agreement of two readers beyond chance (Cohen 1960); NaN where chance alone explains all of it.

    Args:
        first, second: their answers to the same questions, in the same order.
    """
    if not first:
        return float("nan")
    answers = sorted({*first, *second})
    table = np.array([[sum(a == x and b == y for a, b in zip(first, second, strict=True)) for y in answers]
                      for x in answers]) / len(first)  # fmt: skip
    expected = float(table.sum(0) @ table.sum(1))
    return float("nan") if expected == 1 else float((np.trace(table) - expected) / (1 - expected))


def resampled_share(
    right: np.ndarray, total: np.ndarray, rng: np.random.Generator, count: int = RESAMPLINGS
) -> tuple[float, float]:
    """Return the 95 % interval of a share by resampling readers and patients, each with replacement.

    Args:
        right, total: (readers, patients), the numbers of right and of all answers. A single reader is not resampled;
            the interval then does not extend to other readers.
        rng: draws.
        count: of resamplings.
    """
    readers, patients = total.shape
    of_readers = rng.multinomial(readers, np.full(readers, 1 / readers), count)
    of_patients = rng.multinomial(patients, np.full(patients, 1 / patients), count)
    found = np.einsum("nr,rp,np->n", of_readers, right.astype(float), of_patients)
    given = np.einsum("nr,rp,np->n", of_readers, total.astype(float), of_patients)
    return percentile_interval(found[given > 0] / given[given > 0])
