"""Stand-ins of the source for highdicom: patient, study and position of each slice; no more, and nothing invalid.

highdicom refuses data sets with missing or invalid attributes of the patient, which are common in archives. It gets
stand-ins with empty ones, and `adopt_study` then replaces these by the source's own attributes, as they are stored.
"""

from __future__ import annotations

import copy
import uuid
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
)

from monai_inpaint.imaging.bounding_box import extent
from monai_inpaint.imaging.image import Image
from monai_inpaint.io.dicom.geometry import LPS_TO_RAS
from monai_inpaint.io.dicom.header import DicomHeader
from monai_inpaint.io.dicom.moment import now_for, set_moment
from monai_inpaint.io.dicom.write import taking_over

# Of the patient, the study, the trial and the de-identification: what every object of one study shares.
STUDY = (
    "SpecificCharacterSet", "TimezoneOffsetFromUTC",
    "PatientName", "PatientID", "IssuerOfPatientID", "IssuerOfPatientIDQualifiersSequence", "TypeOfPatientID",
    "OtherPatientIDs", "OtherPatientIDsSequence", "PatientBirthDate", "PatientBirthTime", "PatientSex",
    "OtherPatientNames", "EthnicGroup", "PatientComments", "QualityControlSubject", "PatientSpeciesDescription",
    "PatientSpeciesCodeSequence", "PatientBreedDescription", "PatientBreedCodeSequence", "ResponsiblePerson",
    "ResponsibleOrganization",
    "StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "AccessionNumber", "IssuerOfAccessionNumberSequence",
    "ReferringPhysicianName", "StudyDescription", "ProcedureCodeSequence", "PhysiciansOfRecord",
    "PatientAge", "PatientSize", "PatientWeight", "AdmissionID", "IssuerOfAdmissionIDSequence",
    "ClinicalTrialSponsorName", "ClinicalTrialProtocolID", "ClinicalTrialProtocolName", "ClinicalTrialSiteID",
    "ClinicalTrialSiteName", "ClinicalTrialSubjectID", "ClinicalTrialSubjectReadingID", "ClinicalTrialTimePointID",
    "ClinicalTrialTimePointDescription",
    "PatientIdentityRemoved", "DeidentificationMethod", "DeidentificationMethodCodeSequence",
    "LongitudinalTemporalInformationModified",
)  # fmt: skip
_BLANK = ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate",
          "StudyTime", "ReferringPhysicianName")  # fmt: skip
_FILMS = (ComputedRadiographyImageStorage, DigitalXRayImageStorageForPresentation, DigitalXRayImageStorageForProcessing)
_NEEDED = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Rows", "Columns")
_LOSSY = ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod")


@dataclass(frozen=True)
class Evidence:
    """The slices from the first to the last that contain some of the hole, and their sources.

    Attributes:
        slices: along the last axis of a volume; one for a single slice or film.
        images: stand-ins: one for each of these slices, or one for a multi-frame file.
        frames: for a multi-frame file the frame (from 0) of each of these slices; None for all others.
        first: the source's first data set, complete.
    """

    slices: range
    images: list[Dataset]
    frames: list[int] | None
    first: Dataset

    def planes(self, values: np.ndarray) -> np.ndarray:
        """Return the slices of an array of the image's shape as DICOM keeps them: (slices, rows, columns)."""
        if values.ndim == 2:
            return values[None]
        return np.ascontiguousarray(values[:, :, self.slices.start : self.slices.stop].transpose(2, 1, 0))

    def change(self, before: Image, after: Image) -> np.ndarray:
        """Compute after - before in units, float32, slice by slice: a volume in double precision takes gigabytes."""
        if before.voxels.ndim == 2:
            return (after.units() - before.units())[None]
        result = np.empty((len(self.slices), *before.voxels.shape[1::-1]), np.float32)
        for n, k in enumerate(self.slices):
            result[n] = (after.units((..., k)) - before.units((..., k))).T
        return result

    def places(self) -> dict[str, object]:
        """Positions of the planes, as arguments of highdicom, which cannot derive them for multi-frame files."""
        if self.frames is None:
            return {}
        from monai_inpaint.dicom.codes import load

        groups = self.images[0].PerFrameFunctionalGroupsSequence
        position = load("").PlanePositionSequence
        return {
            "plane_positions": [
                position("PATIENT", groups[n].PlanePositionSequence[0].ImagePositionPatient) for n in self.frames
            ]
        }


def evidence_of(source: Image, hole: np.ndarray, *, assumed: bool = False) -> Evidence:
    """Return the stand-ins for the slices of a hole, which must not be empty.

    Args:
        source: read from DICOM.
        hole: bool, of its shape.
        assumed: a film gets an assumed position, in a separate frame of reference.
    """
    header = source.header
    assert isinstance(header, DicomHeader)
    first = header.of_slice(0)
    box = extent(hole)
    assert box is not None
    slices = range(box[2].start, box[2].stop) if hole.ndim == 3 else range(1)
    if header.frames is not None:
        return Evidence(slices, [_multiframe(source, header)], [header.frames[k] for k in slices], first)
    return Evidence(slices, [_slice(source, header.datasets[k], assumed=assumed) for k in slices], None, first)


def adopt_study(dataset: Dataset, source: Dataset) -> None:
    """Replace patient, study and de-identification of `dataset` by those of `source`, as they are stored.

    What an object must have, but the source has not, is left empty.
    """
    with taking_over("The result"):
        for keyword in STUDY:
            if keyword in source:
                dataset[keyword] = copy.copy(source[keyword])
            elif keyword in _BLANK:
                setattr(dataset, keyword, "")
            elif keyword in dataset:
                del dataset[keyword]
        written = [name for name in ("InstanceCreation", "Content", "Series") if f"{name}Date" in dataset]
        set_moment(dataset, now_for(source), *written)  # the source's offset from UTC holds for them now


def blank_patient() -> Dataset:
    """Return a data set with an empty patient and study, which highdicom takes."""
    dataset = Dataset()
    for keyword in _BLANK:
        setattr(dataset, keyword, "")
    return dataset


def stand_in(source: Dataset) -> Dataset:
    """Patient (without values) and study: all that a reference to an image needs."""
    dataset = blank_patient()
    with taking_over("The result"):
        for keyword in (*_NEEDED, *_LOSSY):
            if keyword in _NEEDED or source.get(keyword):
                setattr(dataset, keyword, source[keyword].value)
    return dataset


def _slice(image: Image, source: Dataset, *, assumed: bool) -> Dataset:
    dataset = stand_in(source)
    affine = image.affine
    if affine is None or not (image.placed or assumed):
        # Kinds of images that must have a frame of reference are not taken without, even where they state no position.
        if source.SOPClassUID not in _FILMS:
            dataset.FrameOfReferenceUID = own_frame(source)
        if affine is not None:
            dataset.PixelSpacing = list(np.linalg.norm(affine[:3, :2], axis=0))
        return dataset
    frame = source.get("FrameOfReferenceUID") if image.placed else None
    dataset.FrameOfReferenceUID = frame or own_frame(source)
    dataset.PixelSpacing, dataset.ImageOrientationPatient = _measures(affine, image.voxels.ndim)
    origin = source.get("ImagePositionPatient")
    dataset.ImagePositionPatient = list(origin) if origin and image.placed else list(affine[:3, 3] * LPS_TO_RAS)
    thickness, between = source.get("SliceThickness"), float(np.linalg.norm(affine[:3, 2]))
    dataset.SliceThickness = float(thickness) if thickness else between
    if image.voxels.ndim == 3:
        dataset.SpacingBetweenSlices = between
    return dataset


def _multiframe(image: Image, header: DicomHeader) -> Dataset:
    source, affine = header.of_slice(0), image.affine
    assert affine is not None
    assert header.frames is not None
    dataset = stand_in(source)
    dataset.FrameOfReferenceUID = source.get("FrameOfReferenceUID") or own_frame(source)
    dataset.NumberOfFrames = len(header.frames)
    measures, orientation, shared = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, orientation.ImageOrientationPatient = _measures(affine, 3)
    measures.SliceThickness = measures.SpacingBetweenSlices = float(np.linalg.norm(affine[:3, 2]))
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = Sequence([measures]), Sequence([orientation])
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    groups = []
    for k in np.argsort(header.frames):
        place, group = Dataset(), Dataset()
        place.ImagePositionPatient = list((affine @ [0, 0, float(k), 1])[:3] * LPS_TO_RAS)
        group.PlanePositionSequence = Sequence([place])
        groups.append(group)
    dataset.PerFrameFunctionalGroupsSequence = Sequence(groups)
    return dataset


def _measures(affine: np.ndarray, axes: int) -> tuple[list[float], list[float]]:
    """PixelSpacing (between rows, between columns) and the direction cosines (across, down) in LPS."""
    down, across = (affine[:3, 0], affine[:3, 1]) if axes == 2 else (affine[:3, 1], affine[:3, 0])
    spacing = [float(np.linalg.norm(down)), float(np.linalg.norm(across))]
    return spacing, [*(across / spacing[1] * LPS_TO_RAS), *(down / spacing[0] * LPS_TO_RAS)]


def own_frame(source: Dataset) -> UID:
    """Return a frame of reference for a source without one: the same for all objects of a run."""
    return UID(f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, source.SeriesInstanceUID).int}")
