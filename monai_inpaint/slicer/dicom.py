"""DICOM of a filled volume: the files that it was made of, its export, and Slicer's database."""

from pathlib import Path
from typing import Any, Protocol

import slicer

from . import results
from .errors import InpaintError
from .exports import ExportResults
from .volumes import catch_volume


class Database(Protocol):
    """Interface of `slicer.dicomDatabase`, as far as it is used here."""

    def fileForInstance(self, uid: str) -> str: ...  # noqa: N802  Slicer's name


def export_results_job(filled: Any, database: Database | None, parent: Path, for_database: bool) -> ExportResults:
    """Return the job that writes all DICOM objects of a filled volume into a new folder in `parent`.

    A volume that was filled several times gives one derived series of its original, with all regions.

    Raises:
        InpaintError: see `source_files`, `results.report_of` and `results.computed_of`.
    """
    line = results.line_of(filled)
    report = results.report_of(filled)
    before = [results.report_of(node) for node in line[:-1]]
    if before:
        notes = [*report.get("notes", []), f"The volume was changed in {len(line)} runs; this report is of the last."]
        report = {**report, "notes": notes}
        if any("burned_in" in one.get("hole", {}) for one in before):  # the difference would show the text
            report["hole"] = {**report.get("hole", {}), "burned_in": {"rectangles": [], "complete": False}}
    maps = {}
    if len(line) == 1:  # the maps of a further run are of its own region only
        beside = results.nodes_beside(filled)
        maps = {
            kind: slicer.util.arrayFromVolume(beside[kind])
            for kind in (results.SPREAD, results.LABELS)
            if kind in beside
        }
    return ExportResults(
        catch_volume(filled),
        source_files(filled, database),
        report,
        [results.computed_of(node) for node in line],
        parent,
        for_database,
        maps,
    )


def source_files(filled: Any, database: Database | None) -> list[Path]:
    """Return the files of the series that a filled volume was made of, over all runs.

    Raises:
        InpaintError: the volume was not filled here, or its source does not come from the DICOM database.
    """
    source = results.source_of(results.line_of(filled)[0])
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


def add_to_database(folder: Path) -> int:
    """Copy the objects of an export into Slicer's DICOM database, which puts them into the patient's study.

    Returns:
        The number of files.

    Raises:
        InpaintError: there is no database, or it does not take them.
    """
    from DICOMLib import DICOMUtils

    database = getattr(slicer, "dicomDatabase", None)
    if database is None or not database.isOpen:
        raise InpaintError(f"Slicer's DICOM database is not open; open it in the module DICOM, and import {folder}.")
    if not DICOMUtils.importDicom(str(folder), database, copyFiles=True):
        raise InpaintError(f"Slicer's DICOM database did not take the files; they are in {folder}, import them there.")
    return sum(1 for _ in folder.rglob("*.dcm"))
