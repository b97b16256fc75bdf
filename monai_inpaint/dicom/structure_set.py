"""Regions of a derived series as a DICOM structure set (RTSTRUCT) for treatment planning systems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ImplicitVRLittleEndian, RTStructureSetStorage

from monai_inpaint.dicom.evidence import adopt_study
from monai_inpaint.dicom.region_outlines import outlines_of
from monai_inpaint.dicom.segmentation_writer import AFFECTED, METAL
from monai_inpaint.imaging.image import Image
from monai_inpaint.io.dicom.derive import new_uid, series_number
from monai_inpaint.io.dicom.geometry import LPS_TO_RAS
from monai_inpaint.io.dicom.moment import now_for, set_moment
from monai_inpaint.version import __version__

_COLOURS = {METAL: (86, 180, 233), AFFECTED: (230, 159, 0)}
_COLOUR = (0, 158, 115)
_STUDY_CLASS = "1.2.840.10008.3.1.2.3.1"  # Detached Study Management (retired), as the standard still asks for


def has_structures(source: Image) -> bool:
    """Return whether a DICOM image has a position in the patient and a frame of reference, as contours require."""
    return bool(source.affine is not None and source.placed and source.header.of_slice(0).get("FrameOfReferenceUID"))


def structure_set(
    source: Image, images: Sequence[Dataset], regions: Mapping[str, np.ndarray], derived: dict[str, str], *, found: bool
) -> Dataset:
    """Return a structure set with one ROI a region, drawn on derived images.

    Contours enclose exactly the voxels of their region, see `outlines_of`.

    Args:
        source: the source of the images, with the same geometry; see `has_structures`.
        images: the derived data sets in the order of the slices; a single one for a single slice or a multi-frame file.
        regions: by their names; bool, of the source's shape.
        derived: {"description", "model", "version", "label"}.
        found: a program chose the regions, not a person.
    """
    first = images[0]
    frame = first.FrameOfReferenceUID
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian  # explicit, a contour has at most 64 KB
    adopt_study(dataset, first)
    dataset.SOPClassUID, dataset.SOPInstanceUID = RTStructureSetStorage, new_uid()
    dataset.Modality, dataset.SeriesInstanceUID = "RTSTRUCT", new_uid()
    dataset.SeriesNumber, dataset.InstanceNumber = series_number(source.header.of_slice(0), 6), 1
    dataset.SeriesDescription = f"Structures: {derived['label']}"
    dataset.Manufacturer, dataset.ManufacturerModelName, dataset.SoftwareVersions = (
        "monai-inpaint", derived["model"], __version__)  # fmt: skip
    dataset.OperatorsName, dataset.ApprovalStatus = "", "UNAPPROVED"
    dataset.FrameOfReferenceUID, dataset.PositionReferenceIndicator = frame, ""
    dataset.StructureSetLabel, dataset.StructureSetDescription = "monai-inpaint", derived["description"]
    set_moment(dataset, now_for(first), "InstanceCreation", "StructureSet")
    series, study, reference = Dataset(), Dataset(), Dataset()
    series.SeriesInstanceUID = first.SeriesInstanceUID
    series.ContourImageSequence = Items([_instance(image) for image in images])
    study.ReferencedSOPClassUID, study.ReferencedSOPInstanceUID = _STUDY_CLASS, first.StudyInstanceUID
    study.RTReferencedSeriesSequence = Items([series])
    reference.FrameOfReferenceUID, reference.RTReferencedStudySequence = frame, Items([study])
    dataset.ReferencedFrameOfReferenceSequence = Items([reference])
    rois, shapes, observations = [], [], []
    for number, (name, region) in enumerate(regions.items(), start=1):
        roi, shape, observation = Dataset(), Dataset(), Dataset()
        roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = number, name, frame
        roi.ROIGenerationAlgorithm = "AUTOMATIC" if found else "MANUAL"
        shape.ReferencedROINumber, shape.ROIDisplayColor = number, list(_COLOURS.get(name, _COLOUR))
        shape.ContourSequence = Items(_contours(source, images, region))
        observation.ObservationNumber = observation.ReferencedROINumber = number
        observation.RTROIInterpretedType, observation.ROIInterpreter = "", ""
        rois.append(roi)
        shapes.append(shape)
        observations.append(observation)
    dataset.StructureSetROISequence, dataset.ROIContourSequence = Items(rois), Items(shapes)
    dataset.RTROIObservationsSequence = Items(observations)
    return dataset


def _contours(source: Image, images: Sequence[Dataset], region: np.ndarray) -> list[Dataset]:
    assert source.affine is not None
    solid, frames = region if region.ndim == 3 else region[..., None], source.header.frames
    contours = []
    for k in map(int, np.flatnonzero(solid.any(axis=(0, 1)))):
        image = _instance(images[k]) if frames is None else _instance(images[0], frames[k])
        for outline in outlines_of(solid[..., k]):
            points = outline @ source.affine[:3, :2].T + source.affine[:3, 2] * k + source.affine[:3, 3]
            contour = Dataset()
            contour.ContourImageSequence = Items([image])
            contour.ContourGeometricType, contour.NumberOfContourPoints = "CLOSED_PLANAR", len(points)
            contour.ContourData = [f"{place:.6f}" for place in (points * LPS_TO_RAS).ravel()]
            contours.append(contour)
    return contours


def _instance(image: Dataset, frame: int | None = None) -> Dataset:
    """A reference to an instance, or to a frame (from 0) of it."""
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
    if frame is not None:
        item.ReferencedFrameNumber = frame + 1
    return item
