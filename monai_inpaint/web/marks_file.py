"""Read a mask, a label map, a DICOM SEG or structure set as regions of an image."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.grid import align_hole
from monai_inpaint.imaging.image import Image
from monai_inpaint.imaging.label_map import hole_of
from monai_inpaint.io.dicom.identity import check_hole_image
from monai_inpaint.io.isolated import read_image_isolated
from monai_inpaint.regions.hole_file import LABEL_MAP, SEGMENTATION, STRUCTURE_SET, read_hole, sop_class

MOST = 20  # regions of a label map


def read_marks(path: Path, image: Image) -> dict[str, np.ndarray]:
    """Read regions for an image: bool voxels of its shape by their names; "" where there is one without a name.

    Raises:
        InputError: it is no mask, marks nothing, lies elsewhere, belongs to another patient, or holds too many labels.
    """
    if sop_class(path) in (SEGMENTATION, LABEL_MAP, STRUCTURE_SET):
        return {"": align_hole(read_hole(path, image, "*"), image).voxels}
    drawn = read_image_isolated(path)
    check_hole_image(drawn, image)
    if drawn.voxels.dtype.kind not in "iu" or drawn.lossy:
        return {"": _aligned(drawn, image)}
    labels = [int(label) for label in np.unique(drawn.voxels) if label]
    if len(labels) < 2:
        return {"": _aligned(drawn, image)}
    if len(labels) > MOST:
        raise InputError(f"{path} contains {len(labels)} labels; load a mask of {MOST} regions at most.")
    return {f"Label {label}": _aligned(_only(drawn, label), image) for label in labels}


def _only(drawn: Image, label: int) -> Image:
    return replace(drawn, voxels=(drawn.voxels == label).astype(np.uint8), slope=1.0, intercept=0.0)


def _aligned(drawn: Image, image: Image) -> np.ndarray:
    hole = align_hole(hole_of(drawn), image).voxels
    if not hole.any():
        raise InputError(f"{drawn.path} marks nothing in this image; choose the mask that belongs to it.")
    return hole
