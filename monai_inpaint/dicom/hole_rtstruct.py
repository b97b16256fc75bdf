"""A hole from a DICOM structure set (RTSTRUCT): closed contours, filled on the slices of the image."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from monai_inpaint.dicom.contours import inside_contours
from monai_inpaint.dicom.hole import chosen
from monai_inpaint.dicom.references import check_drawn_on, check_frame
from monai_inpaint.errors import InputError
from monai_inpaint.images import Image
from monai_inpaint.io.checks import parsing
from monai_inpaint.io.dicom_file import load

_CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
_ACROSS = 0.5  # slices that the points of one contour may lie from their slice


def read_structures(path: Path, image: Image, segment: str | None) -> Image:
    """The chosen ROIs of an RTSTRUCT, united: bool voxels on the image's own grid.

    A voxel belongs to an ROI if its centre lies inside an odd number of the ROI's contours on its slice, so that a
    contour within another one cuts a cavity, as a keyhole does. Each contour counts for the slice it lies on; nothing
    is put between contours. Points and open lines mark nothing.

    Args:
        path: an RTSTRUCT.
        image: the series it refers to.
        segment: as `read_hole` takes it.

    Raises:
        InputError: as `read_hole` says; contours that run across the slices, that are no lists of points, or none.
    """
    with parsing(path, "a DICOM structure set"):
        dataset = load(path)
        check_drawn_on(dataset, image, path)
        rois = list(dataset.get("StructureSetROISequence") or [])
        drawn = {int(item.ReferencedROINumber): item for item in dataset.get("ROIContourSequence") or []}
        which = chosen([str(roi.get("ROIName") or "") for roi in rois], segment, path, "ROIs")
        marked = np.zeros(image.voxels.shape, bool, order="F" if image.voxels.flags.f_contiguous else "C")
        for roi in (rois[n] for n in which):
            check_frame(roi.get("ReferencedFrameOfReferenceUID") or dataset.get("FrameOfReferenceUID"), image, path)
            _mark(marked, drawn.get(int(roi.ROINumber), Dataset()), image, path)
        return Image(marked, image.affine, path=path)


def _mark(marked: np.ndarray, roi: Dataset, image: Image, path: Path) -> None:
    """Add one ROI to the voxels that are marked."""
    assert image.affine is not None
    solid = marked if marked.ndim == 3 else marked[..., None]
    to_index = np.linalg.inv(image.affine) @ np.diag([-1.0, -1.0, 1.0, 1.0])  # of LPS mm
    slices: dict[int, list[np.ndarray]] = defaultdict(list)
    closed = [item for item in roi.get("ContourSequence") or [] if item.get("ContourGeometricType") in _CLOSED]
    if not closed:
        raise InputError(f"{path} has no closed contours for what is to be filled; draw it with closed contours.")
    for contour in closed:
        numbers = np.array(contour.get("ContourData") or [], float)
        if numbers.size < 9 or numbers.size % 3 or not np.isfinite(numbers).all():
            raise InputError(f"{path} has a contour that is no list of at least three points; write it anew.")
        points = numbers.reshape(-1, 3) @ to_index[:3, :3].T + to_index[:3, 3]
        k = int(np.floor(np.median(points[:, 2]) + 0.5))
        if np.abs(points[:, 2] - k).max() > _ACROSS + 1e-3:
            raise InputError(f"{path} has contours that run across the slices of {image.path}; draw them on these.")
        if 0 <= k < solid.shape[2]:
            slices[k].append(points[:, :2])
    for k, contours in slices.items():
        solid[..., k] |= inside_contours(contours, (solid.shape[0], solid.shape[1]))
