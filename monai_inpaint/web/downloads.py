"""Write a step to a file: the choices of content and format."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from monai_inpaint.imaging.image import Image
from monai_inpaint.io import read_image, suffix_of, write_image
from monai_inpaint.io.dicom.header import DicomHeader
from monai_inpaint.io.provenance import derivation_of
from monai_inpaint.slicer.errors import InpaintError
from monai_inpaint.version import NOTICE
from monai_inpaint.web import fill_steps
from monai_inpaint.web.fill_steps import ResultsJob, Step

MHD = ".mhd, zipped"
VOLUME = (".nii.gz", ".nii", ".nrrd", ".mha", MHD)
FILM = (".png", ".tif")
DICOM = ".dcm"
RESULTS = "DICOM results"


def formats_of(image: Image, source: Path) -> list[str]:
    """Formats that the image can be saved in, that of its own file first; a series of several files is zipped."""
    known = [*(FILM if image.voxels.ndim == 2 else ()), *(VOLUME if image.affine is not None else ())]
    own = DICOM if isinstance(image.header, DicomHeader) else suffix_of(source)
    if own == DICOM:
        return [".zip" if source.is_dir() else DICOM, RESULTS, *known]
    return sorted(known, key=lambda suffix: suffix != own)


def write_step(step: Step, suffix: str, folder: Path) -> Path:
    """Write the image of a step into an empty folder; returns the file.

    Raises:
        InputError: the format cannot hold the image.
        InpaintError: not all DICOM results have been made.
    """
    if suffix == RESULTS:
        return _write_results(step, folder / "results.zip")
    if suffix == ".zip":
        return Path(shutil.make_archive(str(folder / "series"), "zip", step.path))
    if suffix in (DICOM, suffix_of(step.path)):
        return Path(shutil.copy(step.path, folder / f"image{suffix}"))
    path = folder / "image" / f"image{suffix.partition(',')[0]}"
    path.parent.mkdir()
    write_image(read_image(step.path), path, derived=derivation_of(step.origin.report))
    return Path(shutil.make_archive(str(folder / "image"), "zip", path.parent)) if suffix == MHD else path


def write_map(step: Step, folder: Path) -> Path:
    """Write the map of a step into an empty folder; returns the file."""
    return Path(shutil.copy(step.map.path, folder))


def write_reports(step: Step, folder: Path) -> Path:
    """Write the reports of all steps that led to one, as a JSON list; returns the file."""
    path = folder / "report.json"
    path.write_text(json.dumps(step.reports, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def ending(suffix: str) -> str:
    """Suffix of a saved image, by the format that was chosen."""
    return {RESULTS: "_results.zip", MHD: "_filled.zip"}.get(suffix, f"_filled{suffix}")


def saved_name(name: str, end: str) -> str:
    """The name of a file to save, after that of the one that was loaded."""
    name = name.partition(" and ")[0]  # further files of a series
    return f"{name[: len(name) - len(suffix_of(name))]}{end}"


def _write_results(step: Step, path: Path) -> Path:
    """All DICOM objects and reports, as the command wrote them: a folder for each step, from the source on."""
    if ResultsJob.next(step):
        raise InpaintError("The DICOM results are not made yet; press Image.")
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        archive.writestr("notice.txt", f"{NOTICE}\n")
        for number, one in enumerate(step.line, start=1):
            results = one.place / fill_steps.RESULTS
            place = results if results.exists() else one.place
            files = place.rglob("*") if place is results else [place / "report.json"]  # a map has no objects
            for file in sorted(file for file in files if file.is_file()):
                archive.write(file, f"{number}/{file.relative_to(place)}")
    return path
