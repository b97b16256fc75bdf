"""Does the spread of the samples tell how wrong a fill is?"""

from __future__ import annotations

import numpy as np

from benchmarks.cases import cases_of
from benchmarks.setting import Options, markdown
from monai_inpaint import Filler
from monai_inpaint.evaluation.case import Case
from monai_inpaint.evaluation.classical import fill_biharmonic

PROTOCOLS = (
    ("cxr", "cxr-centre"), ("cxr", "cxr-patch"), ("ct", "slice-square"), ("mr", "slice-square"), ("mr", "lesion"),
)  # fmt: skip
IMAGES, SAMPLES = 40, 8


def run(options: Options) -> str:
    """The table: coverage, error against spread, gain against the gain that the report of a run estimates."""
    rows = []
    for bundle, protocol in PROTOCOLS:
        filler = Filler(bundle)
        found = [_figures(case, filler, options.seed) for case in cases_of(options, bundle, protocol, IMAGES)]
        if not found:
            rows.append([f"{bundle}, {protocol}", "0", *["-"] * 6])
            continue
        outside, error, spread, gain, said = np.array(found).T
        rows.append([
            f"{bundle}, {protocol}", str(len(found)), f"{100 * outside.mean():.1f} %", f"{error.mean():.3g}",
            f"{spread.mean():.3g}", _correlation(error, spread), f"{gain.mean():+.2f}", f"{said.mean():+.2f}",
        ])  # fmt: skip
    notes = [
        f"data: {options.data.name if options.data else ''}, split {options.split}, seed {options.seed}, at most "
        f"{options.limit or IMAGES} images a row, {SAMPLES} samples; inside the hole, in the images' own units",
        "outside: voxels whose error exceeds twice the spread; 5 % would be calibrated",
        "rmse and spread: root mean squares over the hole, mean over cases; correlation of the two between cases "
        "(Spearman)",
        "gain: PSNR of the estimate over the biharmonic fill, true and as `doubt` in the report of a run estimates it",
    ]
    heading = [
        "bundle, protocol", "cases", "outside", "rmse", "spread", "correlation", "gain dB", "gain dB, estimated",
    ]  # fmt: skip
    return markdown("Trust", heading, rows, notes)


def _figures(case: Case, filler: Filler, seed: int) -> tuple[float, ...]:
    fill = filler(case.voided, case.hole, samples=SAMPLES, seed=seed)
    error = np.asarray(fill.image - case.truth, np.float64)[case.hole]
    classical = np.asarray(fill_biharmonic(case.voided, case.hole) - case.truth, np.float64)[case.hole]
    spread = fill.spread[case.hole]
    rmse = np.sqrt(np.mean(error**2))
    gain = 20 * np.log10(np.sqrt(np.mean(classical**2)) / rmse)
    estimated = fill.report["doubt"]["gain_over_biharmonic_db"]
    return float((np.abs(error) > 2 * spread).mean()), rmse, np.sqrt(np.mean(spread**2)), gain, estimated


def _correlation(one: np.ndarray, other: np.ndarray) -> str:
    from scipy.stats import spearmanr

    return f"{spearmanr(one, other)[0]:.2f}" if len(one) > 2 else "-"
