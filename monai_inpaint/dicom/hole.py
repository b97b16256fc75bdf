"""Read a hole: an image of any format, or a DICOM segmentation or structure set that refers to the series to fill."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from monai_inpaint.errors import InputError
from monai_inpaint.images import Image
from monai_inpaint.io.isolated import read_image_guarded
from monai_inpaint.io.limits import regular_file

SEGMENTATION, LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"
STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"


def read_hole(path: Path, image: Image, segment: str | None = None) -> Image:
    """The hole for an image, in its own geometry or the image's; `geometry.align_hole` brings it onto the image's grid.

    Args:
        path: as `read_image` takes it, or a DICOM segmentation (SEG) or structure set (RTSTRUCT).
        image: what is to be filled; for a SEG or RTSTRUCT the DICOM series that it refers to.
        segment: name of the segments or ROIs of a SEG or RTSTRUCT to fill; a shell pattern, upper and lower case are
            one, "*" takes all together. None: the only one.

    Raises:
        InputError: as `read_image` says; a SEG or RTSTRUCT of another series or frame of reference, one that holds
            several segments where none is named or none of that name, or a `segment` of a file that has no segments.
    """
    kind = sop_class(path)
    if kind in (SEGMENTATION, LABEL_MAP):
        from monai_inpaint.dicom.hole_seg import read_segmentation

        return read_segmentation(path, image, segment)
    if kind == STRUCTURE_SET:
        from monai_inpaint.dicom.hole_rtstruct import read_structures

        return read_structures(path, image, segment)
    if segment is not None:
        raise InputError(f"{path} is no DICOM segmentation or structure set; leave out --segment.")
    return read_image_guarded(path)


def sop_class(path: Path) -> str:
    """What kind of object a DICOM file says it is (a UID); "" for all else."""
    try:
        regular_file(path)
        with path.open("rb") as file:
            if file.read(132)[128:] != b"DICM":
                return ""
    except (OSError, InputError):  # missing or a folder: whoever reads it says so
        return ""
    from pydicom.filereader import read_file_meta_info

    from monai_inpaint.io.checks import parsing

    with parsing(path, "DICOM"):
        meta = read_file_meta_info(path)
        return str(meta.get("MediaStorageSOPClassUID", ""))


def chosen(names: Sequence[str], pattern: str | None, path: Path, kind: str) -> list[int]:
    """Which of the named segments (`kind` "segments") or ROIs ("ROIs") are meant: their places in `names`.

    Raises:
        InputError: none, none of that name, or several and no pattern.
    """
    listed = ", ".join(name or "(no name)" for name in names[:20]) + (", ..." if len(names) > 20 else "")
    if not names:
        raise InputError(f"{path} holds no {kind}; give one that marks what to fill.")
    if pattern is None:
        if len(names) > 1:
            raise InputError(
                f"{path} holds {len(names)} {kind}: {listed}; say which to fill: --segment NAME, '*' for all."
            )
        return [0]
    found = [n for n, name in enumerate(names) if fnmatchcase(name.strip().lower(), pattern.strip().lower())]
    if not found:
        raise InputError(f"{path} holds no {kind} named {pattern}; it holds {listed}.")
    return found
