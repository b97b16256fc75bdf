"""Results of an evaluation: every figure of every case, and means over them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from monai_inpaint.evaluation.case import EvaluationCase
from monai_inpaint.reports import Comparison, Table


@dataclass(frozen=True)
class Result:
    """One method on one case. `figures` are the protocol's measures, empty if it failed; `error` is the reason.

    `features` are those of the fill less those of the truth (`monai_inpaint.metrics.paired_classifier`), if asked for.
    """

    case: str
    patient: str
    modality: str
    variant: str
    low: float
    high: float
    hole_pixels: int
    method: str
    seconds: float
    figures: dict[str, float] = field(default_factory=dict)
    error: str = ""
    features: np.ndarray | None = field(default=None, repr=False, compare=False)

    @staticmethod
    def of(
        case: EvaluationCase,
        method: str,
        seconds: float,
        figures: dict[str, float],
        error: str = "",
        features: np.ndarray | None = None,
    ) -> Result:
        """Return the result of a method on a case."""
        return Result(
            case=case.name,
            patient=case.patient,
            modality=case.modality,
            variant=case.variant,
            low=case.low,
            high=case.high,
            hole_pixels=int(case.hole.sum()),
            method=method,
            seconds=seconds,
            figures=figures,
            error=error,
            features=features,
        )


@dataclass(frozen=True)
class Average:
    """Mean and standard deviation (of the population) over images; `count` finite values went in, of `images`."""

    mean: float
    deviation: float
    count: int
    images: int


@dataclass(frozen=True)
class Summary:
    """An evaluation.

    Attributes:
        facts: provenance of the figures: name and value.
        results: one for each case and method, in order.
        methods: names, in order.
        classical: those of them that are classical.
        skipped: images that could not be read or (with some of their slices) do not fit the protocol: name and reason.
        output: the folder written.
        shown: the cases of its page, as pictures.
        tables: of its page.
    """

    facts: dict[str, str]
    results: list[Result]
    methods: list[str]
    classical: list[str]
    skipped: list[tuple[str, str]]
    output: Path
    shown: Sequence[Comparison] = ()
    tables: Sequence[Table] = ()

    @property
    def failed(self) -> list[Result]:
        """The cases on which a method failed."""
        return [result for result in self.results if result.error]

    @property
    def variants(self) -> list[str]:
        """The protocol's variants among the cases, in order."""
        return list(dict.fromkeys(result.variant for result in self.results))

    @property
    def measures(self) -> list[str]:
        """The measures taken, in order."""
        return list(dict.fromkeys(name for result in self.results for name in result.figures))

    def label(self, method: str) -> str:
        """Return a method's name as tables and pictures show it: see `label_among`."""
        return label_among(method, self.methods)

    def of(self, method: str, variant: str | None = None) -> list[Result]:
        """Return the successful results of a method, of one variant or of all."""
        return [
            result
            for result in self.results
            if result.method == method and not result.error and variant in (None, result.variant)
        ]

    def average(self, method: str, measure: str, variant: str | None = None) -> Average:
        """Of a measure (or "seconds") over the images. Infinite values (an exact fill's PSNR) are left out."""
        found = self.of(method, variant)
        return _average([r.seconds if measure == "seconds" else r.figures.get(measure, np.nan) for r in found])

    def told_apart(self, method: str, variant: str | None = None) -> float:
        """Share of a method's fills that a classifier recognises, 0.5 is chance; NaN without features."""
        found = [(r.features, r.patient) for r in self.of(method, variant) if r.features is not None]
        if not found:
            return float("nan")
        from monai_inpaint.metrics.paired_classifier import told_apart

        features, patients = zip(*found, strict=True)
        return told_apart(np.stack(features), patients)

    def best_classical(self, variant: str | None = None) -> str | None:
        """Return the classical method with the highest mean PSNR; None where none was measured."""
        means = {name: self.average(name, "psnr", variant).mean for name in self.classical}
        means = {name: mean for name, mean in means.items() if np.isfinite(mean)}
        return max(means, key=lambda name: means[name]) if means else None

    def gains(self, method: str, baseline: str, variant: str | None = None) -> list[tuple[Result, float]]:
        """Return each result of `method` on an image that both filled, and its PSNR minus that of `baseline`, in dB."""
        base = {(r.case, r.variant): r.figures["psnr"] for r in self.of(baseline, variant)}
        pairs = [(r, base.get((r.case, r.variant))) for r in self.of(method, variant)]
        return [(r, r.figures["psnr"] - other) for r, other in pairs if other is not None]

    def gain(self, method: str, baseline: str, variant: str | None = None) -> Average:
        """Average `gains` over the images."""
        return _average(gain for _, gain in self.gains(method, baseline, variant))

    def gains_by_patient(self, method: str, baseline: str, variant: str | None = None) -> list[float]:
        """Average `gains` over the images of each patient; infinite values are left out."""
        gains: dict[str, list[float]] = {}
        for result, gain in self.gains(method, baseline, variant):
            if np.isfinite(gain):
                gains.setdefault(result.patient, []).append(gain)
        return [float(np.mean(found)) for found in gains.values()]


def label_among(method: str, methods: Sequence[str]) -> str:
    """Return the name without folders, for a bundle given by its path, if no other method has the same."""

    def last(name: str) -> str:
        return re.split(r"[/\\]", name.rstrip("/\\"))[-1]

    short = last(method)
    return short if [last(name) for name in methods].count(short) == 1 else method


def _average(values: Iterable[float]) -> Average:
    every = np.array(list(values), float)
    finite = every[np.isfinite(every)]
    if finite.size == 0:
        return Average(float("nan"), float("nan"), 0, every.size)
    return Average(float(finite.mean()), float(finite.std()), finite.size, every.size)
