"""Check that a SEG or RTSTRUCT belongs to an image (patient, study, series, instances, frame), and select its parts."""

# pydicom brings no types of its elements
# pyright: basic

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.imaging.label_map import listed, matching
from monai_inpaint.io.dicom.header import DicomHeader
from monai_inpaint.io.dicom.identity import patients_differ


@dataclass(frozen=True)
class Drawn:
    """References of a SEG or RTSTRUCT to the images it was drawn on.

    Attributes:
        studies: StudyInstanceUIDs: its own, and those it refers to besides.
        series: SeriesInstanceUID -> the SOPInstanceUIDs that it lists of it.
        instances: all SOPInstanceUIDs that it names, also those that only a frame names, or where no series lists any a
            contour.
    """

    studies: frozenset[str]
    series: Mapping[str, frozenset[str]]
    instances: frozenset[str]

    @property
    def names_anything(self) -> bool:
        """Whether it names anything; old programs name nothing but a frame of reference."""
        return bool(self.series or self.instances)

    def is_on(self, series: str, instances: Set[str], *, whole: bool) -> bool:
        """Return whether it was drawn on a series.

        Args:
            series: its SeriesInstanceUID.
            instances: its SOPInstanceUIDs.
            whole: the image is one instance (a film, a multi-frame volume), whose series may contain others: if any
                instance is listed, this one must be.
        """
        if self.series and series not in self.series:
            return False
        if self.instances and (whole or not self.series):
            return not self.instances.isdisjoint(instances)
        return bool(self.series)

    def of_series(self, series: str) -> frozenset[str]:
        """Return the SOPInstanceUIDs that it names and does not list in another series."""
        return self.instances.difference(*(listed for uid, listed in self.series.items() if uid != series))


def drawn_on(dataset: Dataset) -> Drawn:
    """Read the references of a SEG or RTSTRUCT."""
    studies, series = {str(dataset.get("StudyInstanceUID") or "")}, defaultdict(set)
    for study, item in _series_items(dataset):
        studies.add(study)
        listed = [*(item.get("ReferencedInstanceSequence") or []), *(item.get("ContourImageSequence") or [])]
        if item.get("SeriesInstanceUID"):
            series[str(item.SeriesInstanceUID)] |= set(_instances(listed))
    groups = [
        *(dataset.get("SharedFunctionalGroupsSequence") or []),
        *(dataset.get("PerFrameFunctionalGroupsSequence") or []),
    ]
    sources = {uid for group in groups for uid in frame_sources(group)}
    if not any(series.values()):  # thousands of contours are read only where nothing else names them
        for roi in dataset.get("ROIContourSequence") or []:
            for contour in roi.get("ContourSequence") or []:
                sources.update(_instances(contour.get("ContourImageSequence") or []))
    return Drawn(
        frozenset(studies - {""}),
        {uid: frozenset(instances) for uid, instances in series.items()},
        frozenset(sources.union(*series.values())),
    )


def frame_sources(group: Dataset) -> list[str]:
    """Return the SOPInstanceUIDs that one functional group of a SEG names as its source."""
    return [
        uid
        for derivation in group.get("DerivationImageSequence") or []
        for uid in _instances(derivation.get("SourceImageSequence") or [])
    ]


def check_drawn_on(dataset: Dataset, image: Image, path: Path) -> None:
    """Refuse a SEG or RTSTRUCT that was not drawn on the image: of another patient, study or series.

    If it refers to the series or instances of the image, its patient and study may be missing: it may have been
    de-identified separately. If it refers to nothing, as files of old programs, it is identified by its patient, its
    study and its frame of reference, which `check_frame` compares.

    Raises:
        InputError: see above; the image lacks slices of its series that the file refers to, or was not read from DICOM.
    """
    header, name = image.header, _name(image)
    if not isinstance(header, DicomHeader):
        raise InputError(f"{path} marks a DICOM series, but {name} is not one; give the series it was drawn on.")
    first, drawn = header.datasets[0], drawn_on(dataset)
    if patients_differ(dataset, first, lacking=not drawn.names_anything):
        raise InputError(f"{path} belongs to another patient than {name}; give what was drawn on this image.")
    study, series = str(first.get("StudyInstanceUID") or ""), str(first.get("SeriesInstanceUID") or "")
    if study not in drawn.studies and (drawn.studies or not drawn.names_anything):
        raise InputError(f"{path} belongs to another study than {name}; give what was drawn on this image.")
    if not drawn.names_anything:
        return
    own = {str(item.get("SOPInstanceUID") or "") for item in header.datasets}
    if not drawn.is_on(series, own, whole=header.frames is not None or not image.placed):
        raise InputError(f"{path} was drawn on another series than {name}; give the series that it refers to.")
    named = drawn.of_series(series)
    lacking = len(named - own - header.left_out)
    if len(own) > 1 and lacking:
        raise InputError(
            f"{name} lacks {lacking} of the {len(named)} instances of its series that {path} refers to; "
            "give the whole series, or draw the hole on what is there."
        )


def check_frame(frame_of_reference: object, image: Image, path: Path) -> None:
    """Refuse positions in another frame of reference than the image's, or in none.

    Raises:
        InputError: see above; or the image has no position in the patient.
    """
    if image.affine is None or not image.placed:
        raise InputError(
            f"{path} marks positions in the patient, but {_name(image)} states none; draw the hole on its pixels."
        )
    own = image.header.datasets[0].get("FrameOfReferenceUID")
    if not own or str(own) != str(frame_of_reference or ""):
        raise InputError(f"{path} lies in another frame of reference than {_name(image)}; draw the hole on this image.")


def chosen(names: Sequence[str], numbers: Sequence[int], pattern: str | None, path: Path, kind: str) -> list[int]:
    """Select segments (`kind` "segments") or ROIs ("ROIs") by name or number; return their places in the lists.

    Raises:
        InputError: none, none of that name or number, several and no pattern, or one number for two.
    """
    if not names:
        raise InputError(f"{path} contains no {kind}; give one that marks what to fill.")
    if len(set(numbers)) < len(numbers):
        raise InputError(f"{path} gives one number to several {kind}, so they cannot be distinguished; write it again.")
    if pattern is None:
        if len(names) > 1:
            raise InputError(
                f"{path} contains {len(names)} {kind}: {listed(names)}; say which to fill: --segment NAME, '*' for all."
            )
        return [0]
    found = matching(names, pattern, numbers)
    if not found:
        raise InputError(f"{path} contains no {kind} named {pattern}; it contains {listed(names)}.")
    return found


def _instances(items: list[Dataset]) -> Iterator[str]:
    for item in items:
        if item.get("ReferencedSOPInstanceUID"):
            yield str(item.ReferencedSOPInstanceUID)


def _series_items(dataset: Dataset) -> Iterator[tuple[str, Dataset]]:
    """Each series that is referred to, and the study it is in; "" for that of the data set itself."""
    for item in dataset.get("ReferencedSeriesSequence") or []:
        yield "", item
    for study in dataset.get("StudiesContainingOtherReferencedInstancesSequence") or []:
        for item in study.get("ReferencedSeriesSequence") or []:
            yield str(study.get("StudyInstanceUID") or ""), item
    for frame in dataset.get("ReferencedFrameOfReferenceSequence") or []:
        for study in frame.get("RTReferencedStudySequence") or []:
            for item in study.get("RTReferencedSeriesSequence") or []:
                yield str(study.get("ReferencedSOPInstanceUID") or ""), item


def _name(image: Image) -> str:
    return str(image.path or "the image")
