"""Read a hole: an image of any format, or a DICOM segmentation or structure set that refers to the series to fill."""

from __future__ import annotations

from pathlib import Path

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.imaging.label_map import Hole, hole_of
from monai_inpaint.io.dicom.identity import check_hole_image
from monai_inpaint.io.isolated import read_image_guarded
from monai_inpaint.paths import regular_file

SEGMENTATION, LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"
STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"


def read_hole(path: Path, image: Image, segment: str | None = None) -> Hole:
    """Read the hole for an image, in its own geometry or that of the image; `grid.align_hole` aligns it.

    Args:
        path: see `read_image`; or a DICOM segmentation (SEG) or structure set (RTSTRUCT).
        image: the image to fill; for a SEG or RTSTRUCT the DICOM series that it refers to.
        segment: name or number of the segments, ROIs or labels to fill: an exact name, or a shell pattern, which
            ignores case; "*" selects all together. None: the only one.

    Raises:
        InputError: see `read_image` and `hole_of`; a SEG, RTSTRUCT or DICOM image of another patient, study or frame of
            reference; a SEG or RTSTRUCT of another series, or with several segments and none selected, or none of that
            name.
    """
    kind = sop_class(path)
    if kind in (SEGMENTATION, LABEL_MAP):
        from monai_inpaint.regions.segmentation_reader import read_segmentation

        return read_segmentation(path, image, segment)
    if kind == STRUCTURE_SET:
        from monai_inpaint.regions.structure_set_reader import read_structures

        return read_structures(path, image, segment)
    drawn = read_image_guarded(path)
    check_hole_image(drawn, image)
    return hole_of(drawn, segment)


def sop_class(path: Path) -> str:
    """Read the SOP class UID of a DICOM file, from its data set or else from its meta information.

    "" for all else.
    """
    try:
        regular_file(path)
        with path.open("rb") as file:
            if file.read(132)[128:] != b"DICM":
                return ""
    except (OSError, InputError):  # missing or a folder: whoever reads it says so
        return ""
    from monai_inpaint.io.dicom.file import load

    dataset = load(path, head=True, only=["SOPClassUID"])
    return str(dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID", ""))
