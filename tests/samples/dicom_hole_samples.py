"""SEG and RTSTRUCT files for the tests of holes that refer to a DICOM series."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
from highdicom import AlgorithmIdentificationSequence
from highdicom.seg import Segmentation, SegmentDescription
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, RTStructureSetStorage, generate_uid

Contours = Sequence[np.ndarray]


def sources(folder: Path) -> list[Dataset]:
    """The files of a series, along z."""
    datasets = [pydicom.dcmread(path) for path in sorted(folder.iterdir())]
    return sorted(datasets, key=lambda dataset: float(dataset.get("ImagePositionPatient", [0, 0, 0])[2]))


def segmentation(
    path: Path,
    images: Sequence[Dataset],
    marked: np.ndarray,
    *,
    kind: str = "BINARY",
    names: Sequence[str] = ("lesion",),
) -> Path:
    """A SEG of `marked`, (slices, rows, columns) or with a last axis for the segments named."""
    for image in images:
        for keyword in ("PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate", "StudyTime"):
            if keyword not in image:
                setattr(image, keyword, "")
    described = [
        SegmentDescription(
            n,
            name,
            codes.SCT.MorphologicallyAbnormalStructure,
            codes.SCT.Lesion,
            "AUTOMATIC",
            algorithm_identification=AlgorithmIdentificationSequence("test", codes.DCM.ArtificialIntelligence, "1"),
        )
        for n, name in enumerate(names, start=1)
    ]
    made = Segmentation(
        images,
        marked if kind == "FRACTIONAL" else marked.astype(np.uint8),
        kind,
        described,
        generate_uid(),
        70,
        generate_uid(),
        1,
        "somebody",
        "drawn",
        "1",
        "1",
    )
    made.save_as(path)
    return path


def structures(path: Path, image: Dataset, rois: dict[str, Contours], **elements) -> Path:
    """An RTSTRUCT of contours in LPS mm, each (points, 3), that refers to the series of `image`."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.Modality = RTStructureSetStorage, generate_uid(), "RTSTRUCT"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = image.StudyInstanceUID, generate_uid()
    dataset.PatientID, dataset.PatientName = image.PatientID, image.PatientName
    frame = str(elements.pop("frame", image.FrameOfReferenceUID))
    series, study, reference = Dataset(), Dataset(), Dataset()
    series.SeriesInstanceUID = elements.pop("series", image.SeriesInstanceUID)
    study.RTReferencedSeriesSequence = Items([series])
    reference.FrameOfReferenceUID, reference.RTReferencedStudySequence = frame, Items([study])
    dataset.ReferencedFrameOfReferenceSequence = Items([reference])
    listed, drawn = [], []
    for n, (name, contours) in enumerate(rois.items(), start=1):
        roi, shape = Dataset(), Dataset()
        roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = n, name, frame
        shape.ReferencedROINumber = n
        shape.ContourSequence = Items([_contour(points, elements.get("type", "CLOSED_PLANAR")) for points in contours])
        listed.append(roi)
        drawn.append(shape)
    dataset.StructureSetROISequence, dataset.ROIContourSequence = Items(listed), Items(drawn)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.save_as(path, enforce_file_format=True)
    return path


def _contour(points: np.ndarray, kind: str) -> Dataset:
    item = Dataset()
    item.ContourGeometricType, item.NumberOfContourPoints = kind, len(points)
    item.ContourData = [f"{value:.6g}"[:16] for value in np.asarray(points, float).ravel()]
    return item


def lps(affine: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """LPS mm of indices (points, 3) on a grid with a RAS affine."""
    return (indices @ affine[:3, :3].T + affine[:3, 3]) * [-1.0, -1.0, 1.0]
