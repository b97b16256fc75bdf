"""Write all DICOM results of a run into one folder, which appears complete or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset

from monai_inpaint.dicom.evidence import evidence_of
from monai_inpaint.dicom.overview import overview_of
from monai_inpaint.dicom.parametric_map import Kind, parametric_map
from monai_inpaint.dicom.segmentation_writer import AFFECTED, HOLE, METAL, segmentation
from monai_inpaint.dicom.structure_set import has_structures, structure_set
from monai_inpaint.dicom.structured_report import record_of
from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.io import check_output, write_image
from monai_inpaint.io.atomic import staged
from monai_inpaint.io.dicom.derive import check_identity
from monai_inpaint.io.dicom.header import DicomHeader
from monai_inpaint.io.dicom.write import save, taking_over
from monai_inpaint.io.provenance import derivation_of

if TYPE_CHECKING:
    from monai_inpaint.metal.reduce import Reduced

DERIVED = "derived"  # the folder of the derived series


@dataclass(frozen=True)
class Results:
    """Paths of the results of one run, all in `folder`.

    Attributes:
        derived: the folder of the derived series.
        hole: a DICOM SEG of the hole and the other regions.
        structures: an RTSTRUCT of the same regions on the derived series; None for images that have no place in the
            patient, or where there are none to draw.
        difference, spread: Parametric Maps; None without a pixel spacing, which they require. `difference` is None if
            burned-in text was filled, which it would reveal; `spread` is None without samples.
        record: a structured report.
        overview: a Secondary Capture picture.
    """

    folder: Path
    derived: Path
    hole: Path
    structures: Path | None
    difference: Path | None
    spread: Path | None
    record: Path
    overview: Path

    @property
    def files(self) -> list[Path]:
        """Every file, the derived images first."""
        objects = (self.hole, self.structures, self.difference, self.spread, self.record, self.overview)
        return [*sorted(self.derived.iterdir()), *(path for path in objects if path)]


def write_results(
    source: Image,
    result: Image,
    hole: np.ndarray,
    report: dict[str, Any],
    folder: Path,
    spread: np.ndarray | None = None,
    regions: Mapping[str, np.ndarray] = MappingProxyType({}),
) -> Results:
    """Write the derived series, the hole, structures, the signed difference, the spread, a record and an overview.

    Args:
        source: read from DICOM.
        result: the source with other voxels, of the same geometry.
        hole: bool, of the source's shape: which voxels were computed. Where a method changes voxels all over (metal in
            projections), those that changed.
        report: of `fill` or `reduce_metal`.
        folder: is made; may exist if it is empty.
        spread: the error to expect, in units, float32 of the source's shape.
        regions: further ones to mark, bool of the source's shape, by their names in `segmentation_writer`.

    Raises:
        InputError: the source is not from DICOM, the hole is empty, highdicom or shapely is not installed, or `folder`
            exists or cannot be written.
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
    marked = {HOLE: hole, **{name: region for name, region in regions.items() if region.any()}}
    where, found = np.logical_or.reduce(list(marked.values())), _found(report)
    evidence, hidden = evidence_of(source, where), "burned_in" in report.get("hole", {})
    segments = segmentation(evidence, marked, derived, found=found)
    located = evidence if source.placed else evidence_of(source, where, assumed=True)
    if _works_on_projections(report):  # and changes slices all over, which is no region to draw
        del marked[HOLE]
    maps: dict[Kind, np.ndarray] = {}
    if source.affine is not None and not hidden:
        maps[Kind.DIFFERENCE] = located.change(source, result)
    if source.affine is not None and spread is not None:
        maps[Kind.SPREAD] = located.planes(spread)
    with staged(folder, folder=True) as place:
        images = place / DERIVED
        write_image(result, images if source.voxels.ndim == 3 and evidence.frames is None else _one(images),
                    derived=derived)  # fmt: skip
        heads = [dcmread(path, stop_before_pixels=True) for path in sorted(images.iterdir(), key=_in_order)]
        save_object(segments, place / "hole.dcm")
        drawn = bool(marked) and has_structures(source)
        if drawn:
            save_object(structure_set(source, heads, marked, derived, found=found), place / "structures.dcm")
        for kind, values in maps.items():
            save_object(parametric_map(located, values, source, derived, kind), place / _name(kind))
        series, voxels, size = heads[0].SeriesInstanceUID, int(np.count_nonzero(hole)), _voxel_size(source)
        save_object(record_of(evidence, segments, series, voxels, size and voxels * size, report, derived),
              place / "record.dcm")  # fmt: skip
        save_object(overview_of(source, result, hole, derived, hidden=hidden), place / "overview.dcm")
    written = {kind: folder / _name(kind) for kind in maps}
    return Results(
        folder, folder / DERIVED, folder / "hole.dcm", folder / "structures.dcm" if drawn else None,
        written.get(Kind.DIFFERENCE), written.get(Kind.SPREAD), folder / "record.dcm", folder / "overview.dcm",
    )  # fmt: skip


def metal_regions(reduced: Reduced) -> dict[str, np.ndarray]:
    """Return the further regions of a reduction of metal artifacts, for `write_results`."""
    return {METAL: reduced.metal, AFFECTED: reduced.affected}


def _in_order(path: Path) -> tuple[int, str]:
    """The files of a derived series by their numbers."""
    return len(path.name), path.name


def _name(kind: Kind) -> str:
    return f"{kind.name.lower()}.dcm"


def _one(folder: Path) -> Path:
    """The file of an image that is a single one."""
    folder.mkdir()
    return folder / "image.dcm"


def save_object(dataset: Dataset, path: Path) -> None:
    """Write an object whose patient and study are copied from a source.

    Raises:
        InputError: an element of the source has a value that its type forbids.
    """
    with taking_over(path.name):
        save(dataset, path)


def _found(report: dict[str, Any]) -> bool:
    """Whether a program chose the hole."""
    return "found" in report or "proposed_by" in report.get("hole", {})


def _works_on_projections(report: dict[str, Any]) -> bool:
    return report.get("method", "inpaint") != "inpaint"


def _voxel_size(source: Image) -> float | None:
    """mm3 of a volume, mm2 of a single slice; None without spacing."""
    return float(np.prod(source.spacing)) if source.spacing else None
