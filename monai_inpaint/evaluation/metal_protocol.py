"""Protocol of metal artifact reduction: simulated implants in CT slices, corrected by each method."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.evaluation.case import EvaluationCase
from monai_inpaint.evaluation.datalist import Entry
from monai_inpaint.evaluation.image_region import ImageRegion, slices_of
from monai_inpaint.evaluation.protocol_interface import Method, Protocol
from monai_inpaint.evaluation.summary import Summary
from monai_inpaint.evaluation.tables import csv_text
from monai_inpaint.imaging.axial import axial_slices
from monai_inpaint.imaging.image import Image
from monai_inpaint.metal.detect_ct import Found
from monai_inpaint.metal.methods import METHODS, choose
from monai_inpaint.metal.reduce import reduce_metal
from monai_inpaint.metrics.metal_artifact import MEASURES, MetalCase, measure
from monai_inpaint.reports import Comparison, Picture, Table, difference_png, grey_png
from monai_inpaint.synthesis.metal.implants import KINDS
from monai_inpaint.synthesis.metal.simulate import simulate_metal

if TYPE_CHECKING:
    from monai_inpaint.metrics.lpips import Lpips

SCANNED = "none"  # the method that leaves the image as it is
_WINDOW = (-500.0, 500.0)  # HU of the pictures
_COLOURS = 300.0  # HU at which the colours of differences end


@dataclass(frozen=True, eq=False)
class ImplantCase(EvaluationCase):
    """A CT slice with a simulated implant, which is the hole and whose kind is the variant; truth in HU.

    Attributes:
        scanned: the slice with metal and artifacts, as the methods get it.
    """

    scanned: Image = field(kw_only=True)

    @cached_property
    def measured(self) -> MetalCase:
        """Arguments of the measures."""
        rows, columns, *_ = self.spacing or (1.0, 1.0)
        return MetalCase(self.scanned.units(), self.truth, self.hole, (rows, columns))


class MetalProtocol(Protocol):
    """Simulate an implant of each kind in CT slices, correct by each method, and measure.

    The methods are given the metal, so that corrections are compared and not its detection.
    """

    name = "metal"
    modalities = ("ct",)
    packages = ("monai-inpaint", "numpy", "scipy", "astra-toolbox", "xraydb", "openvino")

    def modality_of(self, entry: Entry, image: Image) -> str | None:
        """CT where neither the list nor the file states a modality."""
        return super().modality_of(entry, image) or "ct"

    def cases(
        self,
        image: Image,
        lesion: np.ndarray | None,  # noqa: ARG002
        *,
        modality: str,
        name: str,
        patient: str,
        seed: int,
    ) -> tuple[list[EvaluationCase], list[str]]:
        """Simulate an implant of each kind in up to three slices; see `Protocol.cases`."""
        rng = np.random.default_rng([seed, crc32(f"{self.name}/{name}".encode())])
        cases: list[EvaluationCase] = []
        reasons: list[str] = []
        for part in slices_of(_axial_last(image), None, modality, rng):
            slice_name = name if part.index is None else f"{name}#{part.index}"
            for implant in KINDS:
                try:
                    cases.append(_simulated(part, implant, int(rng.integers(2**31)), slice_name, patient or name))
                except InputError as error:
                    reasons.append(f"{implant}: {error}")
        return cases, reasons

    def methods(self, names: Sequence[str], engine: str, seed: int) -> list[Method]:  # noqa: ARG002
        """Find methods of `monai_inpaint.metal.methods.METHODS`, and "none"; see `Protocol.methods`."""
        known = (SCANNED, *METHODS)
        if unknown := [name for name in names if name not in known]:
            raise InputError(f"protocol {self.name} compares {', '.join(known)}, not {', '.join(unknown)}.")
        if not names or len(set(names)) < len(names):
            raise InputError(f"name each method once, of {', '.join(known)}.")
        return [_method(name, engine) for name in names]

    def measure(
        self,
        case: EvaluationCase,
        output: np.ndarray,
        lpips: Lpips | None,  # noqa: ARG002
    ) -> dict[str, float]:
        """Take the measures of the AAPM CT-MAR challenge, and errors by distance from the metal."""
        assert isinstance(case, ImplantCase)
        return measure(case.measured, output)

    def facts(
        self,
        methods: Sequence[Method],  # noqa: ARG002
        features: str | None,  # noqa: ARG002
    ) -> tuple[dict[str, str], dict[str, str]]:
        """See `Protocol.facts`."""
        images = (
            "axial CT slices at their own resolution with one simulated implant of each kind "
            f"({', '.join(KINDS)}), whose place is given to the methods"
        )
        region = "the patient outside the metal; every measure is 0 for the truth, and larger is worse"
        return {"images": images}, {"region": region, "averaging": "each slice, then the mean over slices"}

    def gallery(self) -> MetalGallery:
        """See `Protocol.gallery`."""
        return MetalGallery()

    def tables(self, summary: Summary) -> list[Table]:
        """The challenge's measures of all cases; RMSE by implant; RMSE and 1 - SSIM by distance from the metal."""
        methods, headings = summary.methods, ["method", *(heading for heading, _ in MEASURES.values()), "s a slice"]
        challenge = [
            [name, *(f"{_mean(summary, name, key):.{digits}f}" for key, (_, digits) in MEASURES.items()),
             f"{_mean(summary, name, 'seconds'):.2f}"]
            for name in methods
        ]  # fmt: skip
        by_implant = [[name, *(f"{_mean(summary, name, 'rmse', kind):.1f}" for kind in KINDS)] for name in methods]
        bands = [name for name in summary.measures if name not in MEASURES]
        by_band = [
            [name, *(f"{_mean(summary, name, band):.{1 if band.startswith('rmse') else 4}f}" for band in bands)]
            for name in methods
        ]
        return [
            Table("Measures of the AAPM CT-MAR challenge", headings, challenge),
            Table("RMSE in HU by implant", ["method", *KINDS], by_implant),
            Table("RMSE in HU and 1 - SSIM by distance from the metal", ["method", *bands], by_band),
        ]

    def cases_csv(self, summary: Summary) -> str:
        """See `Protocol.cases_csv`."""
        measures = summary.measures
        rows: list[Sequence[object]] = [("case", "patient", "implant", "method", "seconds", *measures, "error")]
        for r in summary.results:
            figures = (r.figures.get(name, "") for name in measures)
            rows.append((r.case, r.patient, r.variant, r.method, f"{r.seconds:.6f}", *figures, r.error))
        return csv_text(rows)

    def summary_csv(self, summary: Summary) -> str:
        """See `Protocol.summary_csv`."""
        means = [(name, *(_mean(summary, name, key) for key in summary.measures)) for name in summary.methods]
        return csv_text([("method", *summary.measures), *means])


class MetalGallery:
    """Shows the first case of each kind of implant."""

    def __init__(self) -> None:
        self._first: dict[str, tuple[EvaluationCase, dict[str, np.ndarray]]] = {}

    def add(self, case: EvaluationCase, method: str, output: np.ndarray) -> None:
        """Keep the result if the case is the first of its implant."""
        first, outputs = self._first.setdefault(case.variant, (case, {}))
        if first is case:
            outputs[method] = output

    def pictures(
        self,
        summary: Summary,  # noqa: ARG002
        again: Callable[[set[str]], Iterable[EvaluationCase]],  # noqa: ARG002
    ) -> list[Comparison]:
        """See `Gallery.pictures`."""
        return [_compared(case, outputs) for case, outputs in self._first.values()]


def _axial_last(image: Image) -> Image:
    """Move the axial slices along k, where `slices_of` looks for them."""
    axial = axial_slices(image)
    if axial.axis in (None, 2):
        return image
    order = [*(axis for axis in range(3) if axis != axial.axis), axial.axis]
    affine = None if image.affine is None else image.affine[:, [*order, 3]]
    return Image(image.units().transpose(order), affine, image.modality)


def _simulated(part: ImageRegion, implant: str, seed: int, name: str, patient: str) -> ImplantCase:
    spacing = part.spacing or (1.0, 1.0)
    clean = Image(part.pixels, np.diag([*spacing, 1.0, 1.0]), "ct")
    pair = simulate_metal(clean, implant, seed)
    metal = pair.metal.voxels != 0
    return ImplantCase(
        name, patient, pair.truth.units(), metal, *_WINDOW, "ct", implant, spacing, scanned=pair.artifact
    )


def _method(name: str, engine: str) -> Method:
    if name == SCANNED:
        return Method(name, "", (), lambda case: case.measured.scanned)  # type: ignore[attr-defined]
    _, bundle = choose("ct", name, None)  # a missing bundle is refused before the work
    version = f"{bundle.name} {bundle.version}" if bundle else ""
    return Method(name, version, bundle.modalities if bundle else (), partial(_corrected, name, engine))


def _corrected(method: str, engine: str, case: EvaluationCase) -> np.ndarray:
    assert isinstance(case, ImplantCase)
    return reduce_metal(case.scanned, method, found=Found.known(case.hole), engine=engine).image.units()


def _compared(case: EvaluationCase, outputs: dict[str, np.ndarray]) -> Comparison:
    columns = [[Picture(grey_png(case.truth, *_WINDOW, outline=case.hole), "truth, metal outlined")]]
    for method, output in outputs.items():
        error = np.where(case.hole, 0.0, output - case.truth)
        columns.append(
            [
                Picture(grey_png(output, *_WINDOW), "as scanned" if method == SCANNED else method),
                Picture(difference_png(error, _COLOURS), f"{method} - truth", (_COLOURS, "HU")),
            ]
        )
    return Comparison(f"{case.name} - {case.variant}", columns, f"window {_WINDOW[0]:.0f} to {_WINDOW[1]:.0f} HU")


def _mean(summary: Summary, method: str, measure_name: str, implant: str | None = None) -> float:
    return summary.average(method, measure_name, implant).mean
