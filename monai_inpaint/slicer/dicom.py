"""Find the DICOM files of a volume."""

from pathlib import Path
from typing import Protocol

import slicer

from .errors import InpaintError


class Database(Protocol):
    """What is needed of `slicer.dicomDatabase`."""

    def fileForInstance(self, uid: str) -> str: ...  # noqa: N802  Slicer's name


def source_files(filled: "slicer.vtkMRMLScalarVolumeNode", database: Database | None) -> list[Path]:
    """Return the files of the series that the source of a filled volume was loaded from.

    Raises:
        InpaintError: the volume was not filled here, or its source does not come from the DICOM database.
    """
    source = filled.GetNodeReference("InpaintSource")
    if source is None:
        raise InpaintError(f"{filled.GetName()} was not filled by this module, or its source left the scene.")
    uids = (source.GetAttribute("DICOM.instanceUIDs") or "").split()
    if not uids or database is None:
        raise InpaintError(
            f"{source.GetName()} was not loaded from DICOM, so no series can be derived from it; save "
            f"{filled.GetName()} as NRRD or NIfTI (File, Save Data)."
        )
    files = [database.fileForInstance(uid) for uid in uids]
    if not all(file and Path(file).is_file() for file in files):
        raise InpaintError(
            f"Some DICOM files of {source.GetName()} are missing; import its series again (module DICOM) and load it."
        )
    return [Path(file) for file in files]
