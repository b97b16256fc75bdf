"""All that goes back to an archive after a run, written into one folder, which appears complete or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset

from monai_inpaint.dicom.evidence import evidence_of
from monai_inpaint.dicom.overview import overview_of
from monai_inpaint.dicom.parametric_map import Kind, parametric_map
from monai_inpaint.dicom.segmentation_writer import hole_segmentation
from monai_inpaint.dicom.structured_report import record_of
from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.io import check_output, write_image
from monai_inpaint.io.atomic import staged
from monai_inpaint.io.dicom.derive import check_identity
from monai_inpaint.io.dicom.header import DicomHeader
from monai_inpaint.io.dicom.write import save, taking_over
from monai_inpaint.io.provenance import derivation_of


@dataclass(frozen=True)
class Results:
    """Where the results of one run lie, all in `folder`.

    Attributes:
        derived: the folder of the derived series.
        hole: a DICOM SEG.
        difference, spread: Parametric Maps; None without a pixel spacing, which they must have. `difference` is None
            where burned-in text was filled, which it would tell; `spread` where there were no samples.
        record: a structured report.
        overview: a Secondary Capture picture.
    """

    folder: Path
    derived: Path
    hole: Path
    difference: Path | None
    spread: Path | None
    record: Path
    overview: Path

    @property
    def files(self) -> list[Path]:
        """Every file, the derived images first."""
        objects = (self.hole, self.difference, self.spread, self.record, self.overview)
        return [*sorted(self.derived.iterdir()), *(path for path in objects if path)]


def write_results(
    source: Image,
    result: Image,
    hole: np.ndarray,
    report: dict[str, Any],
    folder: Path,
    spread: np.ndarray | None = None,
) -> Results:
    """Write the derived series, the hole, the signed difference, the spread, a record and an overview.

    Args:
        source: read from DICOM.
        result: the source with other voxels, of the same geometry.
        hole: bool, of the source's shape: which voxels were computed. Where a method changes voxels all over (metal in
            projections), those that changed.
        report: of `fill` or `reduce_metal`.
        folder: is made; may exist if it is empty.
        spread: the error to expect, in units, float32 of the source's shape.

    Raises:
        InputError: the source is not from DICOM, the hole is empty, highdicom is not installed, or `folder` exists or
            cannot be written.
    """
    if not isinstance(source.header, DicomHeader):
        name = source.path or "The image"
        raise InputError(
            f"{name} was not read from DICOM, so there can be no DICOM results; give a DICOM file or series."
        )
    for dataset in source.header.datasets:
        check_identity(dataset, source.path or "The image")
    if not hole.any():
        raise InputError(f"No voxel of {source.path or 'the image'} was computed, so there are no results to write.")
    check_output(folder, sources=[source.path] if source.path else [])
    derived = derivation_of(report)
    evidence, hidden = evidence_of(source, hole), "burned_in" in report.get("hole", {})
    segmentation = hole_segmentation(evidence, hole, derived, found=_found(report))
    located = evidence if source.placed else evidence_of(source, hole, assumed=True)
    maps: dict[Kind, np.ndarray] = {}
    if source.affine is not None and not hidden:
        maps[Kind.DIFFERENCE] = located.change(source, result)
    if source.affine is not None and spread is not None:
        maps[Kind.SPREAD] = located.planes(spread)
    with staged(folder, folder=True) as place:
        images = place / "derived"
        write_image(result, images if source.voxels.ndim == 3 and evidence.frames is None else _one(images),
                    derived=derived)  # fmt: skip
        series = dcmread(next(images.iterdir()), stop_before_pixels=True).SeriesInstanceUID
        _save(segmentation, place / "hole.dcm")
        for kind, values in maps.items():
            _save(parametric_map(located, values, source, derived, kind), place / _name(kind))
        voxels, size = int(np.count_nonzero(hole)), _voxel_size(source)
        _save(record_of(evidence, segmentation, series, voxels, size and voxels * size, report, derived),
              place / "record.dcm")  # fmt: skip
        _save(overview_of(source, result, hole, derived, hidden=hidden), place / "overview.dcm")
    written = {kind: folder / _name(kind) for kind in maps}
    return Results(
        folder, folder / "derived", folder / "hole.dcm", written.get(Kind.DIFFERENCE), written.get(Kind.SPREAD),
        folder / "record.dcm", folder / "overview.dcm",
    )  # fmt: skip


def _name(kind: Kind) -> str:
    return f"{kind.name.lower()}.dcm"


def _one(folder: Path) -> Path:
    """The file of an image that is a single one."""
    folder.mkdir()
    return folder / "image.dcm"


def _save(dataset: Dataset, path: Path) -> None:
    with taking_over(path.name):
        save(dataset, path)


def _found(report: dict[str, Any]) -> bool:
    """Whether a program chose the hole."""
    return "found" in report or "proposed_by" in report.get("hole", {})


def _voxel_size(source: Image) -> float | None:
    """mm3 of a volume, mm2 of a single slice; None without spacing."""
    return float(np.prod(source.spacing)) if source.spacing else None
