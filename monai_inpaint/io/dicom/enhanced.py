"""Mark the frames of an enhanced multi-frame data set as derived, in its functional groups."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from monai_inpaint.io.dicom.derive import derivation_codes, derived_type, reference_to
from monai_inpaint.io.dicom.private_elements import own_copy

_FRAME_TYPES = ("CTImageFrameTypeSequence", "MRImageFrameTypeSequence")


def mark_frames(dataset: Dataset, source: Dataset, derived: dict[str, str]) -> None:
    """Mark each frame of a shallow copy of `source` that `mark_derived` has marked.

    Args:
        dataset: the copy; its sequences are replaced, never changed in place.
        derived: {"description", "model", "version"}.
    """
    frames = [_marked(group) for group in source.PerFrameFunctionalGroupsSequence]
    for number, frame in enumerate(frames):
        derivation = Dataset()
        derivation.DerivationDescription = dataset.DerivationDescription
        derivation.DerivationCodeSequence = derivation_codes(_derivation(source, number), derived)
        derivation.SourceImageSequence = Sequence([reference_to(source, number)])
        frame.DerivationImageSequence = Sequence([derivation])
    dataset.PerFrameFunctionalGroupsSequence = Sequence(frames)
    if source.get("SharedFunctionalGroupsSequence"):
        shared = _marked(source.SharedFunctionalGroupsSequence[0])
        if "DerivationImageSequence" in shared:
            del shared.DerivationImageSequence  # now each frame has its own
        dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    dataset.SourceImageEvidenceSequence = Sequence([_evidence(source)])
    if "ContentQualification" in source:
        dataset.ContentQualification = "RESEARCH"


def _marked(group: Dataset) -> Dataset:
    """A shallow copy of a functional group with its frame type as derived."""
    copied = own_copy(group)
    for keyword in _FRAME_TYPES:
        if keyword in group:
            kinds = [own_copy(item) for item in group[keyword].value]
            for kind in kinds:
                kind.FrameType = derived_type(kind.get("FrameType"), enhanced=True)
            setattr(copied, keyword, Sequence(kinds))
    return copied


def _derivation(source: Dataset, number: int) -> Dataset:
    """Return how a frame of the source was derived before; empty where that is not stated."""
    shared = (source.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    for group in (source.PerFrameFunctionalGroupsSequence[number], shared):
        if group.get("DerivationImageSequence"):
            return group.DerivationImageSequence[0]
    return Dataset()


def _evidence(source: Dataset) -> Dataset:
    instance, series, study = Dataset(), Dataset(), Dataset()
    instance.ReferencedSOPClassUID, instance.ReferencedSOPInstanceUID = source.SOPClassUID, source.SOPInstanceUID
    series.SeriesInstanceUID, series.ReferencedSOPSequence = source.SeriesInstanceUID, Sequence([instance])
    study.StudyInstanceUID, study.ReferencedSeriesSequence = source.StudyInstanceUID, Sequence([series])
    return study
