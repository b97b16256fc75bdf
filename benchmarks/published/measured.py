"""Methods on cases, and the cells of their figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.resampled import resampled
from benchmarks.setting import Options
from monai_inpaint.errors import InputError
from monai_inpaint.evaluation import Summary
from monai_inpaint.evaluation.case import EvaluationCase
from monai_inpaint.evaluation.fill_methods import find_methods
from monai_inpaint.evaluation.protocol_interface import Method
from monai_inpaint.evaluation.run import result_of

DECIMALS = {"psnr": 2, "mse": 1, "ssim": 3, "uqi": 3}


def methods_for(modality: str, names: Sequence[str], options: Options) -> tuple[list[Method], list[str]]:
    """Those methods that can fill such images, and a line for each that is missing.

    Args:
        modality: "cxr", "ct" or "mr".
        names: unless `options.methods` names others. A bundle among them may be missing.

    Raises:
        InputError: a method of `options.methods` is at fault.
    """
    if options.methods:
        found, missing = find_methods(options.methods, seed=options.seed), []
    else:
        found, missing = [], []
        for name in names:
            try:
                found += find_methods([name], seed=options.seed)
            except InputError as error:
                # The error's middle: without the place on this machine before it, or what a user might do after it.
                missing.append(f"not measured: {name}: {str(error).partition(';')[0].rpartition(': ')[2]}")
    return [method for method in found if method.classical or modality in method.modalities], missing


def measured(cases: Iterable[EvaluationCase], methods: Sequence[Method]) -> Summary:
    """Every method on every case, the same for all."""
    results = [result_of(case, method) for case in cases for method in methods]
    names, classical = [m.name for m in methods], [m.name for m in methods if m.classical]
    return Summary({}, results, names, classical, [], Path())


def figure(summary: Summary, method: str, measure: str, variant: str) -> str:
    """Mean ± standard deviation over the cases."""
    average = summary.average(method, measure, variant)
    decimals = DECIMALS[measure]
    return f"{average.mean:.{decimals}f} ± {average.deviation:.{decimals}f}" if average.count else "-"


def by_patient(summary: Summary, method: str, measure: str, variant: str) -> dict[str, float]:
    """The patients' means of a measure."""
    values: dict[str, list[float]] = {}
    for result in summary.of(method, variant):
        values.setdefault(result.patient, []).append(result.figures[measure])
    return {patient: float(np.mean(found)) for patient, found in values.items()}


def psnr_over(summary: Summary, method: str, baseline: str | None, variant: str, seed: int) -> str:
    """How much higher the PSNR is than the baseline's, in dB: mean over patients and its interval."""
    if baseline is None or method == baseline:
        return ""
    own, other = (by_patient(summary, name, "psnr", variant) for name in (method, baseline))
    gains = [own[patient] - other[patient] for patient in own if patient in other]
    return resampled(mean, [gains], np.random.default_rng(seed), "+.2f")


def mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def counts(summary: Summary, variant: str, what: str) -> str:
    """How many cases of how many patients."""
    found = {(result.case, result.patient) for result in summary.results if result.variant == variant}
    return f"{len(found)} {what} of {len({patient for _, patient in found})} patients"


def failures(summary: Summary) -> list[str]:
    """A line for each method that failed on a case."""
    failed = {result.method: result for result in reversed(summary.failed)}
    return [
        f"failed: {name} on {sum(r.method == name for r in summary.failed)} cases, first {first.case}: {first.error}"
        for name, first in failed.items()
    ]
