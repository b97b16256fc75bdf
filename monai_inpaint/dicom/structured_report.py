"""Write the run as a DICOM measurement report (TID 1500) of the hole, with model and hashes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from monai_inpaint.dicom.codes import (
    DERIVED_SERIES,
    HASH_AFTER,
    HASH_BEFORE,
    NOTICE,
    VOXELS,
    load,
    own,
)
from monai_inpaint.dicom.comprehensive_sr import comprehensive_sr, observed_by
from monai_inpaint.dicom.evidence import Evidence


def record_of(
    evidence: Evidence, segmentation: Dataset, series: str, voxels: int, size: float | None, report: dict[str, Any],
    derived: dict[str, str],
) -> Dataset:  # fmt: skip
    """Make the Comprehensive SR.

    Args:
        evidence: of the source.
        segmentation: the hole, which it refers to.
        series: SeriesInstanceUID of the derived images.
        voxels, size: of the hole; the size in mm3 (volumes) or mm2 (single slices), None where the spacing is unknown.
        report: of the fill or of the metal reduction.
        derived: {"description", "model", "version", "label"}.
    """
    sr = load("sr")
    group = _group(evidence, segmentation, series, voxels, size, report, derived)
    content = sr.MeasurementReport(
        observation_context=observed_by(derived["model"]),
        procedure_reported=codes.SCT.ImagingProcedure,
        imaging_measurements=[group],
        title=codes.DCM.ImagingMeasurementReport,
    )
    return comprehensive_sr(
        content,
        [*evidence.images, segmentation],
        evidence.first,
        model=derived["model"],
        series=4,
        description=f"Record: {derived['label']}",
    )


def _group(
    evidence: Evidence, segmentation: Dataset, series: str, voxels: int, size: float | None, report: dict[str, Any],
    derived: dict[str, str],
) -> Any:  # fmt: skip
    """The measurements of the hole (TID 1411 of a volume, 1410 of a single slice) and the texts that go with them."""
    sr = load("sr")
    volume = report["geometry"]["shape"][2:] != []
    tracking = segmentation.SegmentSequence[0]
    algorithm = sr.AlgorithmIdentification(derived["model"], derived["version"], parameters=list(_parameters(report)))
    measurements = [sr.Measurement(own(VOXELS), voxels, codes.UCUM.NoUnits)]
    if size is not None:
        name, unit = (codes.SCT.Volume, codes.UCUM.CubicMillimeter) if volume else (
            codes.SCT.Area, codes.UCUM.SquareMillimeter)  # fmt: skip
        measurements.insert(0, sr.Measurement(name, size, unit))
    uids = segmentation.SOPClassUID, segmentation.SOPInstanceUID
    if volume:
        kind = sr.VolumetricROIMeasurementsAndQualitativeEvaluations
        segment = {"referenced_segment": sr.ReferencedSegment(*uids, 1, source_images=list(_sources(evidence)))}
    else:
        kind = sr.PlanarROIMeasurementsAndQualitativeEvaluations
        frame = sr.ReferencedSegmentationFrame(*uids, 1, 1, next(_sources(evidence)))
        del frame[0].ReferencedSOPSequence[0].ReferencedSegmentNumber  # frame or segment, not both (PS3.3, 10-3)
        segment = {"referenced_segment": frame}
    group = kind(
        tracking_identifier=sr.TrackingIdentifier(tracking.TrackingUID, tracking.TrackingID),
        finding_type=codes.DCM.SelectedRegion,
        algorithm_id=algorithm,
        measurements=measurements,
        **segment,
    )
    contains = sr.RelationshipTypeValues.CONTAINS
    texts = ((NOTICE, report["notice"]), (HASH_BEFORE, report["untouched"]["before"]),
             (HASH_AFTER, report["untouched"]["after"]))  # fmt: skip
    items = [sr.TextContentItem(own(name), text, contains) for name, text in texts]
    items.append(sr.UIDRefContentItem(own(DERIVED_SERIES), series, contains))
    group[0].ContentSequence.extend(items)
    return group


def _sources(evidence: Evidence) -> Iterator[Any]:
    """The images that the hole was drawn on."""
    item = load("sr").SourceImageForSegmentation
    for image in evidence.images:
        frames = None if evidence.frames is None else [frame + 1 for frame in evidence.frames]
        yield item(image.SOPClassUID, image.SOPInstanceUID, frames)


def _parameters(report: dict[str, Any]) -> Iterator[str]:
    """Further facts that determined the result, one a text."""
    versions = report["versions"]
    yield "versions: " + ", ".join(f"{name} {version}" for name, version in versions.items())
    if "bundle" in report:
        yield "bundle: " + ", ".join(f"{name} {value}" for name, value in report["bundle"].items())
    if "engine" in report:
        yield "engine: " + ", ".join(f"{name} {value}" for name, value in report["engine"].items())
    if "drawn" in report:
        yield "fill: " + ", ".join(f"{name} {value}" for name, value in report["drawn"].items())
    if "method" in report:
        yield f"method: {report['method']}, metal: {report['metal']}"
    if "metal_hu" in report:
        yield "value of the metal: " + ", ".join(f"{name} {value}" for name, value in report["metal_hu"].items())
    for fact in (report.get("doubt") or {}).get("verdict"), report.get("verdict"):
        if fact:
            yield fact
