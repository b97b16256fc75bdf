"""List the image series of a folder with DICOM files, and the SEG and RTSTRUCT that refer to them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydicom.dataset import Dataset

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.imaging.modality import FILMS, FROM_DICOM
from monai_inpaint.io.dicom.file import load
from monai_inpaint.io.dicom.folder import is_cut, is_dicom
from monai_inpaint.io.dicom.identity import is_uid
from monai_inpaint.io.isolated import read_image_isolated
from monai_inpaint.io.stage import temporary_folder
from monai_inpaint.pacs.anonymous_errors import sentence_of
from monai_inpaint.regions.hole_file import LABEL_MAP, SEGMENTATION, STRUCTURE_SET
from monai_inpaint.regions.references import Drawn, drawn_on
from monai_inpaint.regions.segmentation_reader import segments_of
from monai_inpaint.regions.structure_set_reader import rois_of

_OURS = "monai-inpaint"
_UIDS = ("SeriesInstanceUID", "StudyInstanceUID", "SOPInstanceUID")
_MARKS = {SEGMENTATION: "SEG", LABEL_MAP: "SEG", STRUCTURE_SET: "RTSTRUCT"}


@dataclass(frozen=True)
class Series:
    """The files of one image: a series, or of films a single one, since a series of films is not a volume.

    Attributes:
        uid, study: SeriesInstanceUID and StudyInstanceUID.
        synthetic: it says that its content is made up, so it is not a source to fill.
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
    """A SEG or RTSTRUCT: its SOPInstanceUID, the names of its segments or ROIs, and what it refers to."""

    uid: str
    kind: str
    path: Path
    names: tuple[str, ...]
    drawn: Drawn

    def is_on(self, series: Series) -> bool:
        """Return whether it was drawn on a series; of a film, whether on this very film where it says on which."""
        return self.drawn.is_on(series.uid, series.instances, whole=series.modality in FILMS)


@dataclass(frozen=True)
class Study:
    """Content of a folder. `unreadable` has a sentence for each file that may contain a slice and cannot be read."""

    series: list[Series] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


def find_series(folder: Path) -> Study:
    """Find all series below a folder, by the order of their SeriesInstanceUIDs; files of other kinds are skipped.

    Files that are damaged are named by their number among all files, as names can identify the patient.

    Raises:
        InputError: no such folder, or no DICOM file in it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give one with the DICOM files of a study.")
    study, groups = Study(), {}
    files = sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    for number, path in enumerate(files, start=1):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if is_dicom(path):
                    _sort(load(path, head=True), path, groups, study)
        except Exception as error:
            study.unreadable.append(sentence_of(error, {str(path): f"File {number} of {len(files)}"}))
    for uid in sorted(groups):
        study.series.extend(_joined(groups[uid]))
    if not (study.series or study.marks or study.unreadable):
        raise InputError(f"{folder} contains no DICOM images; give a folder with the files of a study.")
    return study


def read_series(series: Series) -> Image:
    """Read the image of a series; errors name it by its UID.

    Raises:
        InputError: as `read_image` says.
    """
    return read_files(series.paths, f"Series {series.uid}")


def read_files(paths: tuple[Path, ...], name: str) -> Image:
    """Read the image that consists of these DICOM files; errors contain the name that is given, none of a file.

    Raises:
        InputError: as `read_image` says.
    """
    with _gathered(paths) as folder:
        try:
            return replace(read_image_isolated(folder), path=None)
        except InputError as error:
            sentence = str(error).replace(f"{folder}{os.sep}", f"{name}, file ").replace(str(folder), name)
            raise InputError(sentence) from error.__cause__


def _sort(head: Dataset, path: Path, groups: dict[str, list[Series]], study: Study) -> None:
    """Put a file where it belongs."""
    kind = _MARKS.get(str(head.get("SOPClassUID", "")))
    if kind:
        if str(head.get("Manufacturer", "")) != _OURS:  # what we filled once is not to be filled again
            study.marks.append(
                Mark(str(head.get("SOPInstanceUID") or ""), kind, path, _names(head, kind), drawn_on(head))
            )
        return
    cut = "Rows" not in head
    if cut and not is_cut(head):
        return
    uids = {keyword: str(head.get(keyword) or "") for keyword in _UIDS}
    wrong = next((keyword for keyword, uid in uids.items() if not is_uid(uid)), None)
    if wrong and cut:
        raise InputError(f"{path} is cut short; copy it again.")
    if wrong:
        raise InputError(f"{path} has no {wrong} that is a UID; it belongs to no series.")
    series, of_study, instance = uids.values()  # a cut one stays with its series, which is refused when it is read
    synthetic = str(head.get("SyntheticData", "")) == "YES"
    one = Series(series, of_study, str(head.get("Modality", "")), str(head.get("SeriesDescription") or ""), synthetic,
                 (path,), frozenset([instance]))  # fmt: skip
    groups.setdefault(series, []).append(one)


def _joined(parts: list[Series]) -> Iterator[Series]:
    """Group the images of one SeriesInstanceUID: one series; of films each instance; nothing if of other modalities.

    Slices stay together with whatever has their SeriesInstanceUID, so that who reads them sees it, and refuses it.
    """
    modalities = {part.modality for part in parts}.intersection(FROM_DICOM)
    if not modalities:
        return
    together: dict[str, list[Series]] = {}
    for part in parts:
        if not modalities.issubset(FILMS):
            together.setdefault("", []).append(part)
        elif part.modality in FILMS:
            together.setdefault(min(part.instances), []).append(part)
    for key in sorted(together):
        items = together[key]
        yield replace(
            items[0],
            modality=min(modalities.intersection(item.modality for item in items)),
            paths=tuple(path for item in items for path in item.paths),
            instances=frozenset().union(*(item.instances for item in items)),
            synthetic=any(item.synthetic for item in items),
        )


def _names(head: Dataset, kind: str) -> tuple[str, ...]:
    if kind == "SEG":
        return tuple(str(item.get("SegmentLabel") or "") for item in segments_of(head))
    return tuple(roi.name for roi in rois_of(head) if roi.contours)


@contextmanager
def _gathered(paths: tuple[Path, ...]) -> Iterator[Path]:
    """A folder that holds these files alone, as links; numbers for names, since names can identify the patient."""
    with temporary_folder("monai-inpaint-series") as folder:
        for number, path in enumerate(paths, start=1):
            (folder / f"{number:06d}.dcm").symlink_to(path.resolve())
        yield folder
