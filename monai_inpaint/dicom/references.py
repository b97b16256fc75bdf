"""Whether a SEG or RTSTRUCT belongs to an image: the series it refers to, and the frame of reference."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydicom.dataset import Dataset

from monai_inpaint.errors import InputError
from monai_inpaint.images import Image
from monai_inpaint.io.dicom import DicomHeader


def referenced_series(dataset: Dataset) -> set[str]:
    """The SeriesInstanceUIDs that a SEG or RTSTRUCT says it was drawn on."""
    return {str(item.SeriesInstanceUID) for item in _series_items(dataset) if item.get("SeriesInstanceUID")}


def referenced_instances(dataset: Dataset) -> set[str]:
    """The SOPInstanceUIDs that the frames of a SEG name as their source."""
    groups = [
        *(dataset.get("SharedFunctionalGroupsSequence") or []),
        *(dataset.get("PerFrameFunctionalGroupsSequence") or []),
    ]
    return {uid for group in groups for uid in frame_sources(group)}


def frame_sources(group: Dataset) -> list[str]:
    """The SOPInstanceUIDs that one functional group of a SEG names as its source."""
    return [
        str(source.ReferencedSOPInstanceUID)
        for derivation in group.get("DerivationImageSequence") or []
        for source in derivation.get("SourceImageSequence") or []
        if source.get("ReferencedSOPInstanceUID")
    ]


def check_drawn_on(dataset: Dataset, image: Image, path: Path) -> None:
    """Refuse a SEG or RTSTRUCT that was drawn on another series than the image.

    One that names no series, as old programs write them, is known by its frame of reference alone: `check_frame`.

    Raises:
        InputError: as said, or the image was not read from DICOM.
    """
    if not isinstance(image.header, DicomHeader):
        raise InputError(f"{path} marks a DICOM series, {_name(image)} is none; give the series it was drawn on.")
    series, instances = referenced_series(dataset), referenced_instances(dataset)
    own = {str(item.get("SOPInstanceUID", "")) for item in image.header.datasets}
    if not (series or instances) or own & instances:
        return
    if str(image.header.datasets[0].get("SeriesInstanceUID", "")) not in series:
        raise InputError(f"{path} was drawn on another series than {_name(image)}; give the series that it refers to.")


def check_frame(frame_of_reference: object, image: Image, path: Path) -> None:
    """Refuse positions that are told in another frame of reference than the image's, or in none.

    Raises:
        InputError: as said, or the image has no place in the patient.
    """
    if image.affine is None or not image.placed:
        raise InputError(f"{path} marks places in the patient, {_name(image)} tells none; draw the hole on its pixels.")
    own = image.header.datasets[0].get("FrameOfReferenceUID")
    if not own or str(own) != str(frame_of_reference or ""):
        raise InputError(f"{path} lies in another frame of reference than {_name(image)}; draw the hole on this image.")


def _series_items(dataset: Dataset) -> Iterator[Dataset]:
    yield from dataset.get("ReferencedSeriesSequence") or []
    for frame in dataset.get("ReferencedFrameOfReferenceSequence") or []:
        for study in frame.get("RTReferencedStudySequence") or []:
            yield from study.get("RTReferencedSeriesSequence") or []


def _name(image: Image) -> str:
    return str(image.path or "the image")
