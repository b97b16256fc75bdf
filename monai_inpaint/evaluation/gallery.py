"""Select the cases whose pictures are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from monai_inpaint.evaluation.case import EvaluationCase
from monai_inpaint.evaluation.summary import Summary
from monai_inpaint.reports import Comparison, compare, planes


def chosen_cases(summary: Summary) -> dict[tuple[str, str], list[str]]:
    """(case, variant) -> the reason: best, median and worst by PSNR of each method in each variant."""
    chosen: dict[tuple[str, str], list[str]] = {}
    for variant in summary.variants:
        for method in summary.methods:
            ranked = sorted(summary.of(method, variant), key=lambda r: r.figures["psnr"], reverse=True)
            if not ranked:
                continue
            for rank, index in (("best", 0), ("median", len(ranked) // 2), ("worst", len(ranked) - 1)):
                result = ranked[index]
                why = f"{rank} of {summary.label(method)} ({result.figures['psnr']:.2f} dB)"
                chosen.setdefault((result.case, result.variant), []).append(why)
    return chosen


class FillGallery:
    """Collects the filled values of the holes, and shows the chosen cases; of volumes three planes each."""

    def __init__(self) -> None:
        self._fills: dict[tuple[str, str, str], np.ndarray] = {}

    def add(self, case: EvaluationCase, method: str, output: np.ndarray) -> None:
        """Keep the values in the hole, which are few."""
        self._fills[case.name, case.variant, method] = output[case.hole]

    def pictures(self, summary: Summary, again: Callable[[set[str]], Iterable[EvaluationCase]]) -> list[Comparison]:
        """Return the chosen cases, those of the first variant and method first; see `Gallery.pictures`."""
        chosen = chosen_cases(summary)
        made = again({name for name, _ in chosen})
        cases = {key: case for case in made if (key := (case.name, case.variant)) in chosen}
        comparisons = []
        for key, reasons in chosen.items():
            case = cases[key]
            shown = {}
            for method in summary.methods:
                values = self._fills.get((*key, method))
                if values is not None:
                    shown[summary.label(method)] = fill = case.truth.copy()
                    fill[case.hole] = values
            comparisons.append(_comparison(case, shown, "; ".join(reasons)))
        return comparisons


def _comparison(case: EvaluationCase, fills: dict[str, np.ndarray], note: str) -> Comparison:
    def flat(values: np.ndarray) -> np.ndarray:
        return values if case.affine is None else planes(values, case.centre, case.affine)

    comparison = compare(
        f"{case.name} - {case.variant}",
        flat(case.voided),
        flat(case.hole),
        {method: flat(fill) for method, fill in fills.items()},
        low=case.low,
        high=case.high,
        truth=flat(case.truth),
        unit="HU" if case.modality == "ct" and case.low < 0 else "",
        note=note,
    )
    if case.affine is None:
        return comparison
    planes_of = "axial, coronal and sagittal slice through the middle of the hole"
    return replace(comparison, note=f"{note}; {planes_of}", wide=True)
