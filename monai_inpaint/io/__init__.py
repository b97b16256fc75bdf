"""Read and write images by the suffix of their path; a format's library is imported when a file needs it."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.io.atomic import check_output, staged
from monai_inpaint.io.files import files_of, is_detached
from monai_inpaint.io.read_back import check_saved
from monai_inpaint.paths import is_folder, regular_file

# suffix -> (module that reads, module that writes or None)
FORMATS: dict[str, tuple[str, str | None]] = {
    ".nii": ("nifti", "nifti"),
    ".nii.gz": ("nifti", "nifti"),
    ".nrrd": ("nrrd", "nrrd"),
    ".mha": ("meta_image", "meta_image"),
    ".mhd": ("meta_image", "meta_image"),
    ".png": ("pictures", "pictures"),
    ".tif": ("tiff", "tiff"),
    ".tiff": ("tiff", "tiff"),
    ".jpg": ("pictures", None),
    ".jpeg": ("pictures", None),
    ".webp": ("pictures", None),
    ".dcm": ("dicom.read", "dicom.write"),
}

__all__ = ["FORMATS", "check_output", "files_of", "is_detached", "read_image", "suffix_of", "write_image"]


def suffix_of(path: str | Path) -> str:
    """Return the known suffix a path ends with, in lower case (".nii.gz" counts as one); "" where there is none."""
    name = Path(path).name.lower()
    return next((s for s in sorted(FORMATS, key=len, reverse=True) if name.endswith(s) and name != s), "")


def read_image(path: str | Path) -> Image:
    """Read one image file, or a folder with one DICOM series.

    Args:
        path: .nii, .nii.gz, .nrrd, .mha, .mhd, .png, .tif, .tiff, .jpg, .jpeg, .webp, .dcm (or any file that
            begins as DICOM files do), or a folder.

    Returns:
        2D (rows, columns) or 3D (i, j, k) stored voxels in native byte order, with geometry, units and header.

    Raises:
        InputError: the file is missing, not a regular file, empty, damaged, of an unknown kind, or not a 2D or 3D grey
            image.
    """
    path = Path(path)
    try:
        if is_folder(path):
            return _module("dicom.read").read_folder(path)
        if regular_file(path) == 0:
            raise InputError(f"{path} is empty (0 bytes); give a complete image file.")
        return _reader(path).read(path)
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; check the path.") from error
    except PermissionError as error:
        raise InputError(f"{path} may not be read; check its permissions.") from error
    except NotADirectoryError as error:
        raise InputError(f"{path} does not exist: a part of its path is a file; check the path.") from error


def write_image(
    image: Image, path: str | Path, *, overwrite: bool = False, derived: dict[str, Any] | None = None
) -> None:
    """Write an image; the file appears complete or not at all.

    The whole header is kept if the format is that of the source; else geometry and units, as far as the format can
    store them. A path without suffix is a folder for a DICOM series.

    Args:
        image: what to write; an image in DICOM format needs the header of a DICOM source.
        path: its suffix selects the format; lossy formats are refused, as they would change known voxels.
        overwrite: replace an existing output (never the file that the image was read from).
        derived: {"description", "model", "version"} marks the output as derived if the format supports it; for DICOM
            also "label", "burned_in", "manufacturer" and "part", see `derive.mark_derived`.

    Raises:
        InputError: unknown or lossy suffix, existing or unwritable output, a format that cannot store the image, or a
            written file that does not read back as the image.
    """
    writer, folder = _writer(path)
    path = Path(path)
    if not image.voxels.dtype.isnative:
        image = replace(image, voxels=image.voxels.astype(image.voxels.dtype.newbyteorder("=")))
    check_output(path, overwrite=overwrite, sources=[image.path] if image.path else [])
    with staged(path, folder=folder, overwrite=overwrite) as place:
        writer.write(image, place, derived)
        check_saved(image, place, path, read_image)


def _module(name: str):
    return import_module(f"monai_inpaint.io.{name}")


def _reader(path: Path):
    suffix = suffix_of(path)
    if suffix:
        return _module(FORMATS[suffix][0])
    with path.open("rb") as file:
        if file.read(132)[128:] == b"DICM":
            return _module("dicom.read")
    raise InputError(f"{path} has no suffix of a format that can be read; known are {', '.join(FORMATS)}.")


def _writer(path: str | Path):
    """The module that writes, and whether the path is a folder."""
    suffix = suffix_of(path)
    if not suffix and (str(path).endswith(("/", "\\")) or not Path(path).suffix or Path(path).is_dir()):
        return _module("dicom.write"), True
    writable = ", ".join(s for s, (_, writer) in FORMATS.items() if writer)
    if not suffix:
        raise InputError(f"{path} has no suffix of a format that can be written; known are {writable}.")
    writer = FORMATS[suffix][1]
    if writer is None:
        raise InputError(f"{path}: {suffix} is a lossy format and would change known voxels; choose one of {writable}.")
    return _module(writer), False
