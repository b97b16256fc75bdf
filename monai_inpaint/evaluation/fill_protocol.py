"""Protocol of fills: holes whose content is known, filled by classical methods and bundles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

from monai_inpaint.evaluation.case import EvaluationCase, intensity_window
from monai_inpaint.evaluation.fill_methods import find_methods
from monai_inpaint.evaluation.gallery import FillGallery
from monai_inpaint.evaluation.image_region import MarkedRegion
from monai_inpaint.evaluation.measure import measure
from monai_inpaint.evaluation.protocol_interface import Method, Protocol
from monai_inpaint.evaluation.summary import Summary
from monai_inpaint.evaluation.tables import cases_csv, summary_csv, tables
from monai_inpaint.imaging.image import Image
from monai_inpaint.reports import Table

if TYPE_CHECKING:
    from monai_inpaint.metrics.lpips import Lpips

PACKAGES = (
    "monai-inpaint",
    "numpy",
    "scipy",
    "scikit-image",
    "opencv-python-headless",
    "pillow",
    "openvino",
    "onnxruntime",
    "torch",
)


@dataclass(frozen=True)
class FillProtocol(Protocol):
    """Cut cases with a hole from images.

    Attributes:
        name: as typed on the command line.
        hole: one sentence on images and holes for the reports.
        cut: cuts the cases of one image, from the image, a lesion on its grid, the modality and a random generator;
            returns a reason for each part of the image that is unsuitable.
        window: side in pixels of the crop that LPIPS is computed on.
        modalities: which images it is for.
        lesions: whether it uses the images' lesions; other protocols do not get them.
    """

    name: str
    hole: str
    cut: Callable[[Image, np.ndarray | None, str, np.random.Generator], Iterator[MarkedRegion | str]]
    window: int
    modalities: tuple[str, ...] = ("cxr", "ct", "mr")
    lesions: bool = False
    features: bool = True
    packages: tuple[str, ...] = PACKAGES

    def cases(
        self, image: Image, lesion: np.ndarray | None, *, modality: str, name: str, patient: str, seed: int
    ) -> tuple[list[EvaluationCase], list[str]]:
        """See `Protocol.cases`."""
        rng = np.random.default_rng([seed, crc32(f"{self.name}/{name}".encode())])
        cases: list[EvaluationCase] = []
        reasons: list[str] = []
        for found in self.cut(image, lesion, modality, rng):
            if isinstance(found, str):
                reasons.append(found)
                continue
            part, hole, variant, where = found
            cases.append(
                EvaluationCase(
                    f"{name}{where}",
                    patient or name,
                    part.pixels,
                    hole,
                    *intensity_window(part.pixels, hole, modality, part.eight_bit),
                    modality,
                    variant,
                    part.spacing,
                    part.affine,
                    part.film,
                    part.corner,
                    part.eight_bit,
                )
            )
        return cases, reasons

    def methods(self, names: Sequence[str], engine: str, seed: int) -> list[Method]:
        """See `Protocol.methods`."""
        return find_methods(names, engine, seed)

    def measure(self, case: EvaluationCase, output: np.ndarray, lpips: Lpips | None) -> dict[str, float]:
        """See `monai_inpaint.evaluation.measure.measure`."""
        return measure(case, output, lpips, self.window)

    def facts(self, methods: Sequence[Method], features: str | None) -> tuple[dict[str, str], dict[str, str]]:
        """See `Protocol.facts`."""
        taken = {
            "region": "all figures are taken inside the hole; SSIM and UQI on the full image, averaged over hole "
            "pixels (SSIM Gaussian 11 wide, sigma 1.5; UQI 8 wide); sharpness is gradient energy, filled over true; "
            "in volumes all are computed in 3D, in voxels, regardless of the spacing",
            "data range": "0-255, values clipped to the window mapped to it: 8-bit films 0 to 255; CT -1000 to 1000 "
            "HU (8-bit pictures of CT have no HU and are left out); MR, and films of more bits, the 0.5-99.5 "
            "percentiles of the known pixels; each case's window is in cases.csv",
            "averaging": "each image, then mean ± standard deviation over images",
            "LPIPS": f"SqueezeNet 1.1 ({features}), version 0.1, on the composite (of a volume the "
            f"slice along k through the hole's middle), {self.window} pixels around the hole"
            if features
            else "not measured: no features given",
        }
        if features:
            taken["told apart"] = (
                "share of the fills that a classifier tells from the truth, 50 % where it cannot: paired logistic "
                "regression on SqueezeNet features of the hole, cross-validated by patient"
            )
        if not any(method.classical for method in methods):
            taken["beware"] = "no classical method stands in this table to compare with"
        return {"images and hole": self.hole}, taken

    def gallery(self) -> FillGallery:
        """See `Protocol.gallery`."""
        return FillGallery()

    def tables(self, summary: Summary) -> list[Table]:
        """See `Protocol.tables`."""
        return tables(summary)

    def cases_csv(self, summary: Summary) -> str:
        """See `Protocol.cases_csv`."""
        return cases_csv(summary)

    def summary_csv(self, summary: Summary) -> str:
        """See `Protocol.summary_csv`."""
        return summary_csv(summary)
