"""Sending to an archive: the instances, and its possible answers, for every protocol."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom.filereader import read_file_meta_info
from pydicom.uid import UID

from monai_inpaint.errors import InputError
from monai_inpaint.io.dicom.identity import uid_name


class Unreachable(Exception):
    """The archive cannot be reached, or has no room; it may later."""


class TooMuch(Exception):
    """There is no room for what an archive sends."""


@dataclass(frozen=True)
class Instance:
    """A file with what its meta information says."""

    path: Path
    sop_class: str
    uid: str
    syntax: str


@dataclass(frozen=True)
class RefusedInstance:
    """An instance that the archive refused for good; `why` is its status or error."""

    instance: Instance
    why: str


def instances_below(folder: Path) -> list[Instance]:
    """Return all DICOM files below a folder, by path; raises InputError where one is damaged."""
    found = []
    for path in sorted(folder.rglob("*.dcm")):
        try:
            meta = read_file_meta_info(path)
            kind, uid, syntax = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID, meta.TransferSyntaxUID
        except Exception as error:  # of any kind, since pydicom reads what is damaged
            raise InputError(f"{path.name} is damaged.") from error
        found.append(Instance(path, str(kind), str(uid), str(syntax)))
    return found


def kinds_of(refused: Sequence[RefusedInstance]) -> str:
    """Return how many instances of which kinds were refused, and why, for the log."""
    counts = Counter((uid_name(UID(one.instance.sop_class)), one.why) for one in refused)
    return ", ".join(f"{count} {kind} ({why})" for (kind, why), count in sorted(counts.items()))
