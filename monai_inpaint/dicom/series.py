"""What a folder with DICOM files holds: image series, and the SEG and RTSTRUCT that refer to them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from pydicom.dataset import Dataset
from pydicom.uid import UID

from monai_inpaint.dicom.hole import LABEL_MAP, SEGMENTATION, STRUCTURE_SET
from monai_inpaint.dicom.hole_rtstruct import rois_of
from monai_inpaint.dicom.hole_seg import segments_of
from monai_inpaint.dicom.references import referenced_instances, referenced_series
from monai_inpaint.dicom.rules import MODALITIES
from monai_inpaint.dicom.sentences import sentence_of
from monai_inpaint.errors import InputError
from monai_inpaint.images import Image
from monai_inpaint.io import read_image
from monai_inpaint.io.dicom_file import load

_OURS = "monai-inpaint"
_FILMS = ("CR", "DX")
_MARKS = {SEGMENTATION: "SEG", LABEL_MAP: "SEG", STRUCTURE_SET: "RTSTRUCT"}


@dataclass(frozen=True)
class Series:
    """The files of one image: a series, or of films a single one, since a series of films is no volume.

    Attributes:
        uid, study: SeriesInstanceUID and StudyInstanceUID.
        synthetic: it says that its content is made up, so it is no source to fill.
        instances: SOPInstanceUIDs.
    """

    uid: str
    study: str
    modality: str
    description: str
    synthetic: bool
    paths: tuple[Path, ...]
    instances: frozenset[str]


@dataclass(frozen=True)
class Mark:
    """A SEG or RTSTRUCT: the names of its segments or ROIs, and the series and instances that it refers to."""

    kind: str
    path: Path
    names: tuple[str, ...]
    series: frozenset[str]
    instances: frozenset[str]

    def is_on(self, series: Series) -> bool:
        """Whether it was drawn on a series; of a film, whether on this very film where it says on which."""
        if self.instances and series.modality in _FILMS:
            return bool(self.instances & series.instances)
        return series.uid in self.series or bool(self.instances & series.instances)


@dataclass(frozen=True)
class Study:
    """What a folder holds. `unreadable` are files that begin as DICOM and are damaged: a sentence for each."""

    series: list[Series] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


def find_series(folder: Path) -> Study:
    """All series below a folder, by the order of their SeriesInstanceUIDs; files of other kinds are passed over.

    Files that are damaged are named by their number among all files, as names can tell who the patient is.

    Raises:
        InputError: no such folder, or no DICOM file in it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; give one with the DICOM files of a study.")
    study, groups = Study(), {}
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for number, path in enumerate(files, start=1):
        if not _is_dicom(path):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                _sort(load(path, head=True), path, groups, study)
        except Exception as error:
            study.unreadable.append(sentence_of(error, {str(path): f"File {number} of {len(files)}"}))
    for key in sorted(groups):
        parts = groups[key]
        study.series.append(
            replace(
                parts[0],
                paths=tuple(path for part in parts for path in part.paths),
                instances=frozenset().union(*(part.instances for part in parts)),
                synthetic=any(part.synthetic for part in parts),
            )
        )
    if not (study.series or study.marks or study.unreadable):
        raise InputError(f"{folder} holds no DICOM images; give a folder with the files of a study.")
    return study


def read_series(series: Series) -> Image:
    """The image of a series; errors name it by its UID.

    Raises:
        InputError: as `read_image` says.
    """
    with _gathered(series.paths) as folder:
        try:
            return replace(read_image(folder), path=None)
        except InputError as error:
            raise InputError(str(error).replace(str(folder), f"Series {series.uid}")) from error.__cause__


def _sort(head: Dataset, path: Path, groups: dict[tuple[str, ...], list[Series]], study: Study) -> None:
    """Put a file where it belongs."""
    kind = _MARKS.get(str(head.get("SOPClassUID", "")))
    if kind:
        if str(head.get("Manufacturer", "")) != _OURS:  # what we filled once is not to be filled again
            series, instances = frozenset(referenced_series(head)), frozenset(referenced_instances(head))
            study.marks.append(Mark(kind, path, _names(head, kind), series, instances))
        return
    if "Rows" not in head:
        if "Image Storage" in UID(str(head.file_meta.get("MediaStorageSOPClassUID", ""))).name:
            raise InputError(f"{path} is cut short; copy it again.")
        return
    modality = str(head.get("Modality", ""))
    if modality not in MODALITIES:
        return
    uid, instance = str(head.SeriesInstanceUID), str(head.SOPInstanceUID)
    synthetic = str(head.get("SyntheticData", "")) == "YES"
    one = Series(uid, str(head.StudyInstanceUID), modality, str(head.get("SeriesDescription") or ""), synthetic,
                 (path,), frozenset([instance]))  # fmt: skip
    groups.setdefault((uid, instance) if modality in _FILMS else (uid,), []).append(one)


def _names(head: Dataset, kind: str) -> tuple[str, ...]:
    if kind == "SEG":
        return tuple(str(item.get("SegmentLabel") or "") for item in segments_of(head))
    return tuple(roi.name for roi in rois_of(head) if roi.contours)


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


@contextmanager
def _gathered(paths: tuple[Path, ...]) -> Iterator[Path]:
    """A folder that holds these files alone, as links; numbers for names, since names can tell who the patient is."""
    with TemporaryDirectory() as folder:
        for number, path in enumerate(paths, start=1):
            (Path(folder) / f"{number:06d}.dcm").symlink_to(path.resolve())
        yield Path(folder)
