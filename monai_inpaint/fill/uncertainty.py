"""Predict the error of a fill, and its gain over a classical fill, from samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monai_inpaint.fill.compose import Patch
from monai_inpaint.imaging.biharmonic import REACH, solve_biharmonic
from monai_inpaint.imaging.bounding_box import around
from monai_inpaint.imaging.image import Image

LARGEST = 50_000  # voxels of a hole whose classical fill takes no more than seconds
WORTH = 0.5  # dB below which the network's fill is called no better than the classical one


def reliability(
    source: Image, filled: Image, hole: np.ndarray, spread: Sequence[Patch]
) -> dict[str, float | str | None]:
    """Compute expected error and gain of a best estimate, if it differs from the truth by the spread.

    With s^2 the mean square of the spread, the mean squared distance of the truth from any other fill c is s^2 + |fill
    - c|^2: the expected gain over c is 10 log10 of the ratio of that to s^2. Here c is the biharmonic fill.

    Args:
        source: the image.
        filled: with the best estimate in the hole.
        hole: bool, of the image's shape.
        spread: the predicted standard deviation of the error, in units; see `spread_of`.

    Returns:
        "expected_rmse" in units; "gain_over_biharmonic_db", None for holes of more than 50 000 voxels, where the
        equation is not solved, and where the spread is 0 everywhere; "verdict", a sentence.
    """
    variance = float(np.mean(np.concatenate([part.units[part.hole] ** 2 for part in spread])))
    gain = None
    if variance > 0 and np.count_nonzero(hole) <= LARGEST:
        box = around(hole, 2 * REACH)
        units = source.units(box).astype(np.float64)
        unknown = hole[box] | ~np.isfinite(units)
        units[unknown] = 0.0
        classical = units.copy()
        classical[unknown] = solve_biharmonic(units, unknown)
        change = (filled.units(box).astype(np.float64) - classical)[hole[box]]
        gain = round(10.0 * float(np.log10(1.0 + np.mean(change**2) / variance)), 2)
    if gain is None:
        verdict = "Not compared with a biharmonic fill."
    elif gain < WORTH:
        verdict = "By the spread of its samples this fill is no better than a biharmonic one."
    else:
        verdict = f"By the spread of its samples this fill is about {gain:.1f} dB better than a biharmonic one."
    return {
        "expected_rmse": round(variance**0.5, 6),
        "gain_over_biharmonic_db": gain,
        "verdict": verdict,
    }
