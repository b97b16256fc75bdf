"""Check output paths before computing, and write all outputs together or none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.io import FORMATS, check_output, files_of, suffix_of
from monai_inpaint.io.atomic import staged, written_files

IMAGES = tuple(suffix for suffix, (_, writer) in FORMATS.items() if writer)
UNITS = (".nii", ".nii.gz", ".nrrd", ".mha", ".mhd", ".tif", ".tiff")  # formats that hold float32
HOLES = tuple(suffix for suffix in IMAGES if suffix != ".dcm")
_FLAT = (".png", ".tif", ".tiff")


@dataclass(frozen=True)
class Target:
    """One output: `folder` where a DICOM series is meant."""

    path: Path
    folder: bool = False


Write = tuple[Target, Callable[[Path | str], None]]  # a target, and what writes it into a place of the same name


def image_target(text: str | Path) -> Target:
    """OUTPUT by its suffix; none, a closing slash or an existing folder mean a DICOM series."""
    path, suffix = Path(text), suffix_of(text)
    if suffix in IMAGES:
        return Target(path)
    if suffix:
        raise InputError(f"{path}: {suffix} is lossy and would change known voxels; choose one of {', '.join(IMAGES)}.")
    if not path.suffix or str(text).endswith(("/", os.sep)) or path.is_dir():
        return Target(path, folder=True)
    raise InputError(f"{path} has no suffix of a format that can be written; known are {', '.join(IMAGES)}.")


def results_target(text: str | Path) -> Target:
    """Check a folder for a derived series and the accompanying objects, which need highdicom and shapely."""
    from monai_inpaint.dicom.codes import load
    from monai_inpaint.dicom.region_outlines import load_shapely

    load("")
    load_shapely()
    target = image_target(text)
    if not target.folder:
        raise InputError(f"{text} is a file; with --dicom-results name a folder (a path without suffix).")
    return target


def units_target(text: str | Path) -> Target:
    """Check a path for a difference, spread or anomaly map: the format must store float32."""
    path = Path(text)
    if suffix_of(path) not in UNITS:
        raise InputError(f"{path} cannot store float32 values; choose one of {', '.join(UNITS)}.")
    return Target(path)


def hole_target(text: str | Path) -> Target:
    """Check a path for a proposed hole: any image format but DICOM, which keeps labels in other objects."""
    path = Path(text)
    if suffix_of(path) not in HOLES:
        raise InputError(f"{path}: the hole that is found is written there; choose one of {', '.join(HOLES)}.")
    return Target(path)


def report_target(text: str | Path) -> Target:
    """Check a path for the report, a .json file."""
    return _with_suffix(text, ".json", "a report")


def picture_target(text: str | Path) -> Target:
    """Check a path for a picture of the difference, a .png file."""
    return _with_suffix(text, ".png", "a picture")


def table_target(text: str | Path) -> Target:
    """Check a path for the boxes, a .csv file."""
    return _with_suffix(text, ".csv", "a table")


def _with_suffix(text: str | Path, suffix: str, what: str) -> Target:
    path = Path(text)
    if path.suffix.lower() != suffix:
        raise InputError(f"{path} must end with {suffix} to be {what}.")
    return Target(path)


def check_targets(targets: Sequence[Target], inputs: Sequence[Path], *, overwrite: bool) -> None:
    """Refuse, before anything is computed, what could not be written or would harm an input.

    Raises:
        InputError: two targets are the same, a target is an input or in the folder of an input, exists, or its folder
            does not.
    """
    real = [target.path.resolve() for target in targets]
    for n, (target, path) in enumerate(zip(targets, real, strict=True)):
        for other, its_path in zip(targets[:n], real[:n], strict=True):
            shared = set(written_files(path)) & set(written_files(its_path))
            if shared or its_path in path.parents or path in its_path.parents:
                raise InputError(
                    f"{target.path} and {other.path} are the same file or folder; give each output its own."
                )
        _keep_off_inputs(target, path, inputs)
        if target.path.is_dir():
            _check_folder(target)
        check_output(target.path, overwrite=overwrite, sources=inputs)


def check_holds(target: Target, image: Image) -> None:
    """Refuse, before filling, a format that cannot store the image: a volume as picture, DICOM without DICOM source."""
    suffix = suffix_of(target.path)
    if image.voxels.ndim == 3 and suffix in _FLAT:
        raise InputError(f"{target.path} cannot hold a volume; choose .nii.gz, .nrrd or .mha.")
    if target.folder or suffix == ".dcm":
        from monai_inpaint.io.dicom.derive import check_identity
        from monai_inpaint.io.dicom.header import DicomHeader

        if not isinstance(image.header, DicomHeader):
            raise InputError(f"{target.path}: only an image read from DICOM can be written as DICOM; choose .nii.gz.")
        check_identity(image.header.of_slice(0), image.path)


def write_together(writes: Sequence[Write], *, overwrite: bool) -> None:
    """Write every target under a temporary name, then rename all of them; a failure leaves nothing.

    Args:
        writes: the first target is renamed last, so that a program that waits for it finds the others.
        overwrite: existing targets may be replaced.

    Raises:
        InputError: disk full, no right to write, or a target came into being meanwhile.
    """
    ours: list[tuple[Path, os.stat_result]] = []
    before = {target.path for target, _ in writes if target.path.exists()}
    try:
        with ExitStack() as stack:
            places = [stack.enter_context(staged(target.path, overwrite=overwrite)) for target, _ in writes]
            for (target, write), place in zip(writes, places, strict=True):
                _write(target, place, write)
            for (target, _), place in zip(writes, places, strict=True):
                if target.path not in before:
                    ours += [(target.path.parent / item.name, item.stat()) for item in place.parent.iterdir()]
    except BaseException:
        for path, status in ours:
            if path.exists() and os.path.samestat(path.stat(), status):
                _remove(path)
        raise


def _keep_off_inputs(target: Target, path: Path, inputs: Sequence[Path]) -> None:
    for source in (file for named in inputs for file in files_of(named)):
        own = source.resolve()
        if path != own and own in path.parents:
            raise InputError(f"{target.path} lies inside the input {source}; name an output outside of it.")
        if own != path and path in own.parents:
            raise InputError(f"{target.path} contains the input {source}; name another output.")


def _check_folder(target: Target) -> None:
    if not target.folder:
        raise InputError(f"{target.path} is a folder; name a file.")
    # overwriting replaces the folder as a whole
    foreign = next((item.name for item in target.path.iterdir() if not _is_ours(item)), None)
    if foreign:
        raise InputError(f"{target.path} contains files other than a DICOM series ({foreign}); name another folder.")


def _is_ours(item: Path) -> bool:
    """The files of a folder of a series or of DICOM results."""
    return item.suffix.lower() == ".dcm" or (item.name == "derived" and item.is_dir())


def _write(target: Target, place: Path, write: Callable[[Path | str], None]) -> None:
    try:
        write(f"{place}{os.sep}" if target.folder else place)
    except InputError as error:
        # the user knows the target, not the hidden place beside it
        sentence = str(error).replace(str(place), str(target.path)).replace(str(place.parent), str(target.path.parent))
        raise InputError(sentence) from error


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
