"""Does the spread of the samples tell how wrong a fill is?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.cases import COPIES, cases_of
from benchmarks.setting import Options, markdown
from monai_inpaint import Filler
from monai_inpaint.evaluation.case import EvaluationCase
from monai_inpaint.evaluation.classical import fill_biharmonic

# The bundles' factors were chosen on all but `free-form`.
PROTOCOLS = (
    ("cxr", "cxr-centre"), ("cxr", "cxr-patch"), ("cxr", "free-form"),
    ("ct", "slice-square"), ("ct", "lesion"), ("ct", "free-form"),
    ("mr", "slice-square"), ("mr", "lesion"), ("mr", "free-form"),
)  # fmt: skip
IMAGES, SAMPLES = 40, 8
OUTSIDE = 0.05  # of the voxels may err by more than twice the spread


@dataclass(frozen=True)
class Trust:
    """What one case says: `ratio` is |error| / (twice the spread) of each voxel in the hole, the rest as in the table.

    `gain` and `estimated` are in dB.
    """

    patient: str
    ratio: np.ndarray
    rmse: float
    spread: float
    gain: float
    estimated: float


def run(options: Options) -> str:
    """The table: coverage, error against spread, gain against the gain that the report of a run estimates."""
    rows = []
    for bundle, protocol in PROTOCOLS:
        filler = Filler(bundle)
        found = [_trust(case, filler, options.seed) for case in cases_of(options, bundle, protocol, IMAGES)]
        rows.append([f"{bundle}, {protocol}", str(len(found)), *(_cells(found, options.seed) if found else ["-"] * 8)])
    notes = [
        f"data: {options.data.name if options.data else ''}, split {options.split}, seed {options.seed}, at most "
        f"{options.limit or IMAGES} images a row, {SAMPLES} samples; inside the hole, in the images' own units; CT "
        f"without {COPIES}, which shows slices of train",
        "spread: with the bundle's `spread_factor` and `noise_factor`",
        f"outside: voxels whose error exceeds twice the spread; {_percent(OUTSIDE)} would be calibrated",
        f"times: the factor on the spread that would give {_percent(OUTSIDE)} outside on these images",
        f"other half: outside on half of the patients, with the times that give {_percent(OUTSIDE)} on the other "
        "half; mean of both directions",
        "rmse and spread: root mean squares over the hole, mean over cases; correlation of the two between cases "
        "(Spearman)",
        "gain: PSNR of the estimate over the biharmonic fill, true, and as estimated by `doubt` in the report of a run",
    ]
    heading = [
        "bundle, protocol", "cases", "outside", "times", "other half", "rmse", "spread", "correlation", "gain dB",
        "gain dB, estimated",
    ]  # fmt: skip
    return markdown("Trust", heading, rows, notes)


def outside(cases: Sequence[Trust], times: float = 1.0) -> float:
    """The share of voxels that err by more than twice the spread multiplied so; mean over cases."""
    return float(np.mean([np.mean(case.ratio > times) for case in cases]))


def times_for(cases: Sequence[Trust], share: float = OUTSIDE) -> float:
    """What the spread has to be multiplied by for that share outside: a quantile, every case of the same weight."""
    ratios = np.concatenate([case.ratio for case in cases])
    weights = np.concatenate([np.full(case.ratio.size, 1.0 / (case.ratio.size * len(cases))) for case in cases])
    order = np.argsort(ratios)
    place = np.searchsorted(np.cumsum(weights[order]), 1.0 - share)
    return float(ratios[order][min(place, ratios.size - 1)])


def other_half(cases: Sequence[Trust], seed: int) -> float | None:
    """The share outside on each half of the patients for what the other asks for; None without two patients."""
    patients = sorted({case.patient for case in cases})
    if len(patients) < 2:
        return None
    chosen = set(np.random.default_rng(seed).permutation(patients)[: len(patients) // 2])
    halves = [[case for case in cases if (case.patient in chosen) is one] for one in (True, False)]
    return (outside(halves[0], times_for(halves[1])) + outside(halves[1], times_for(halves[0]))) / 2


def _cells(cases: Sequence[Trust], seed: int) -> list[str]:
    rmse, spread = (np.array([getattr(case, name) for case in cases]) for name in ("rmse", "spread"))
    transferred = other_half(cases, seed)
    return [
        _percent(outside(cases)), f"{times_for(cases):.2f}", "-" if transferred is None else _percent(transferred),
        f"{rmse.mean():.3g}", f"{spread.mean():.3g}", _correlation(rmse, spread),
        f"{np.mean([case.gain for case in cases]):+.2f}", f"{np.mean([case.estimated for case in cases]):+.2f}",
    ]  # fmt: skip


def _trust(case: EvaluationCase, filler: Filler, seed: int) -> Trust:
    fill = filler(case.voided, case.hole, samples=SAMPLES, seed=seed)
    error = np.asarray(fill.image - case.truth, np.float64)[case.hole]
    classical = np.asarray(fill_biharmonic(case.voided, case.hole) - case.truth, np.float64)[case.hole]
    spread = fill.spread[case.hole].astype(np.float64)
    rmse = float(np.sqrt(np.mean(error**2)))
    gain = 20 * np.log10(np.sqrt(np.mean(classical**2)) / rmse)
    estimated = fill.report["doubt"]["gain_over_biharmonic_db"]
    ratio = np.abs(error) / np.maximum(2 * spread, np.finfo(float).tiny)
    return Trust(case.patient, ratio, rmse, float(np.sqrt(np.mean(spread**2))), float(gain), estimated)


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _correlation(one: np.ndarray, other: np.ndarray) -> str:
    from scipy.stats import spearmanr

    return f"{spearmanr(one, other)[0]:.2f}" if len(one) > 2 else "-"
