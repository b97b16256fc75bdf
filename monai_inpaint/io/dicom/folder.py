"""Select the slices of the one DICOM series in a folder."""

from __future__ import annotations

import filecmp
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset

from monai_inpaint.errors import InputError
from monai_inpaint.io.dicom.file import load
from monai_inpaint.io.dicom.identity import check_slices, is_uid, text_of, uid_name
from monai_inpaint.io.dicom.mosaic import check_no_mosaic

Head = tuple[Path, Dataset]  # a file, and its data set without pixels

_ALIKE = (
    "Rows", "Columns", "BitsAllocated", "PixelRepresentation", "PhotometricInterpretation", "DiffusionBValue",
)  # fmt: skip
# what says how many images there are: of the series, of the acquisition that it was made from
_COUNTS = {"NumberOfSeriesRelatedInstances": "series", "ImagesInAcquisition": "acquisition"}


@dataclass(frozen=True)
class Slices:
    """The slices of a series, by the names of their files.

    Attributes:
        heads: at least one.
        left_out: SOPInstanceUIDs of localizers.
        notes: what a reader of the report should know of the choice, a sentence each, without names of files.
    """

    heads: tuple[Head, ...]
    left_out: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


def slices_in(folder: Path) -> Slices:
    """Return the slices of the one series in a folder (not in its subfolders).

    Files other than DICOM images (a DICOMDIR, texts, reports, structures) are skipped, and so are localizers among
    other images. Identical copies of a file count once.

    Raises:
        InputError: no image, several series, files that cannot be read or do not belong together, or a mosaic.
    """
    every = _image_heads(folder)
    chosen = [head for head in every if "LOCALIZER" not in text_of(head[1], "ImageType").upper()]
    chosen = chosen or every
    if not chosen:
        raise InputError(f"{folder} contains no DICOM images; give the folder that contains the image files.")
    for path, head in chosen:
        check_no_mosaic(head, path)
    heads, copies = _without_copies(chosen)
    localizers = len(every) - len(chosen)
    left_out = frozenset(text_of(head, "SOPInstanceUID") for _, head in every) - {
        text_of(head, "SOPInstanceUID") for _, head in heads
    }
    notes = [
        *([f"Localizers beside the series that were left out: {localizers}."] if localizers else []),
        *([f"Files that are copies of others, byte for byte, and do not count: {copies}."] if copies else []),
    ]
    if len(heads) > 1:
        _check_one_series(folder, heads)
        notes += _other_counts(heads[0][1], len(every) - copies)
    return Slices(tuple(heads), left_out, tuple(notes))


def _image_heads(folder: Path) -> list[Head]:
    heads, others = [], []
    for path in sorted(path for path in folder.iterdir() if not path.is_dir()):
        if not is_dicom(path):
            others.append(path)
            continue
        head = load(path, head=True)
        if "Rows" in head and "SOPInstanceUID" in head:
            heads.append((path, head))
        elif is_cut(head):
            raise InputError(f"{path} is cut short; copy it again.")
    names = {_without_numbers(path) for path, _ in heads}
    for path in others:
        if _without_numbers(path) in names:
            raise InputError(f"{path} is named like the slices beside it, but is not a DICOM file; copy it again.")
    return heads


def is_dicom(path: Path) -> bool:
    """Return whether a file begins as DICOM does. A slice that is skipped silently would be a gap.

    Raises:
        InputError: it does not, but looks as if it should; it is a link that leads to no file, no regular file, or may
            not be read.
    """
    # Editors lock a file with a hidden link to nowhere; macOS puts a hidden file beside each.
    hidden = path.name.startswith(".")
    if not path.is_file():
        if hidden:
            return False
        raise InputError(f"{path} cannot be read: it is a dead link, a pipe or a device; copy the file there.")
    try:
        with path.open("rb") as file:
            start = file.read(132)
    except PermissionError as error:
        raise InputError(f"{path} may not be read; check its permissions.") from error
    if start[128:] == b"DICM":
        return True
    if hidden:
        return False
    if start[:2] in (b"\x02\x00", b"\x08\x00") and start[3:4] == b"\x00":
        raise InputError(f"{path} looks like DICOM without its preamble; write it again as a DICOM file.")
    # nothing, or a part of the empty preamble, under a name that slices have: a copy that failed
    suffix = path.suffix.lower()
    failed = not start.strip(b"\0") and (suffix in ("", ".ima") or suffix[1:].isdigit())
    if suffix == ".dcm" or failed:
        raise InputError(f"{path} is not a DICOM file, or is damaged; replace or remove it.")
    return False


def note_part(head: Dataset) -> tuple[str, ...]:
    """Return the note for the report on a file that is one of several parts of a volume; nothing for others."""
    parts = head.get("InConcatenationTotalNumber")
    return (f"The file is one of {parts} parts of a volume.",) if isinstance(parts, int) and parts > 1 else ()


def is_cut(head: Dataset) -> bool:
    """Whether a data set without the required attributes of an image claims to be one, or is too short to tell."""
    if "DirectoryRecordSequence" in head:
        return False
    kinds = head.get("SOPClassUID"), head.file_meta.get("MediaStorageSOPClassUID")  # the first may be cut itself
    return not kinds[0] or any("Image Storage" in uid_name(kind) for kind in kinds)


def _without_numbers(path: Path) -> str:
    return re.sub("[0-9]+", "0", path.name)


def _without_copies(heads: Sequence[Head]) -> tuple[list[Head], int]:
    """Each instance once, and how many files are copies of others.

    Raises:
        InputError: two different files have the same SOPInstanceUID.
    """
    first: dict[str, Head] = {}
    for path, head in heads:
        other = first.setdefault(text_of(head, "SOPInstanceUID"), (path, head))[0]
        if other is not path and not filecmp.cmp(path, other, shallow=False):
            raise InputError(
                f"{path} has the SOPInstanceUID of {other.name}, which must be unique; remove one of them."
            )
    return list(first.values()), len(heads) - len(first)


def _check_one_series(folder: Path, heads: Sequence[Head]) -> None:
    series: dict[str, list[Path]] = defaultdict(list)
    for path, head in heads:
        series[text_of(head, "SeriesInstanceUID")].append(path)
    if len(series) > 1:
        listed = "; ".join(
            f"{uid if is_uid(uid) else 'one without a valid UID'} ({len(paths)} files, the first is {paths[0].name})"
            for uid, paths in series.items()
        )
        raise InputError(f"{folder} contains {len(series)} series; put one into a folder of its own: {listed}.")
    for path, head in heads:
        if int(head.get("NumberOfFrames") or 1) > 1:
            raise InputError(f"{path} contains several frames beside other files in its folder; give it by itself.")
    check_slices(folder, heads)
    first_path, first = heads[0]
    for path, head in heads:
        apart = next((keyword for keyword in _ALIKE if head.get(keyword) != first.get(keyword)), None)
        if apart is None and text_of(head, "EchoNumbers") != text_of(first, "EchoNumbers"):
            apart = "EchoNumbers"
        if apart:
            raise InputError(
                f"{path} differs from {first_path.name} in {apart}; give slices of one kind, size and contrast."
            )


def _other_counts(head: Dataset, count: int) -> list[str]:
    """Note that the header states another number of images than there are, as reconstructions may."""
    notes = []
    for keyword, whole in _COUNTS.items():
        number = text_of(head, keyword)
        if number.isdecimal() and int(number) != count:
            notes.append(f"The header states {int(number)} images in the {whole}; {count} are here.")
    return notes
