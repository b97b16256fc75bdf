"""Read a hole from a DICOM structure set (RTSTRUCT): closed contours, filled on the slices of the image."""

# pydicom brings no types of its elements
# pyright: basic

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.imaging.label_map import Hole
from monai_inpaint.io.checks import parsing
from monai_inpaint.io.dicom.file import load
from monai_inpaint.regions.contours import distinct, inside_contours
from monai_inpaint.regions.references import check_drawn_on, check_frame, chosen

_CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
_ACROSS = 0.5  # slices that the points of one contour may lie from their slice
_SAME_PLANE = 0.05  # mm between contours of one plane, by rounding


@dataclass(frozen=True, eq=False)
class Roi:
    """A region of a structure set.

    Attributes:
        item: of the StructureSetROISequence.
        contours: its closed contours that can enclose something.
        others: how many points, open lines and contours of fewer than three corners it has besides.
    """

    item: Dataset
    contours: list[Dataset]
    others: int

    @property
    def name(self) -> str:
        return str(self.item.get("ROIName") or "")


@dataclass
class _Count:
    """Pixels of contours, inside of the image and all, and contours that were drawn more than once."""

    here: int = 0
    drawn: int = 0
    repeated: int = 0


def read_structures(path: Path, image: Image, segment: str | None) -> Hole:
    """Read the chosen ROIs of an RTSTRUCT, united, on the image's own grid.

    A voxel belongs to an ROI if its centre is inside an odd number of the contours of one plane, so that a contour
    inside another one is a cavity, as with a keyhole; equal contours count once. Planes on the same slice are united.
    Each contour counts for the slice it is on; there is no interpolation between contours. Points, open lines and ROIs
    without a contour are skipped.

    Args:
        path: an RTSTRUCT.
        image: the series it refers to.
        segment: see `read_hole`.

    Raises:
        InputError: see `read_hole`; contours that cross slices, that are not lists of points, or none.
    """
    with parsing(path, "a DICOM structure set"):
        dataset = load(path)
        check_drawn_on(dataset, image, path)
        rois = rois_of(dataset)
        drawn = [roi for roi in rois if roi.contours]
        named = drawn if segment is None and drawn else rois
        numbers = [int(roi.item.ROINumber) for roi in named]
        which = [named[n] for n in chosen([roi.name for roi in named], numbers, segment, path, "ROIs")]
        if not any(roi.contours for roi in which):
            raise InputError(f"{path} has no closed contours for what is to be filled; draw it with closed contours.")
        marked = np.zeros(image.voxels.shape, bool, order="F" if image.voxels.flags.f_contiguous else "C")
        count, gaps = _Count(), 0
        for roi in which:
            frame = roi.item.get("ReferencedFrameOfReferenceUID") or dataset.get("FrameOfReferenceUID")
            check_frame(frame, image, path)
            gaps += _mark(marked, roi, image, path, count)
        empty = sum(not roi.contours for roi in (rois if segment is None else which))
        notes = [
            (empty, "{} ROIs without closed contours were skipped."),
            (sum(roi.others for roi in which), "{} points, open lines or contours of two points were skipped."),
            (count.repeated, "{} contours were drawn twice and counted once."),
            (gaps, "{} slices between contours have none, and nothing was filled there."),
        ]
        kept = count.here / count.drawn if count.drawn else 1.0
        sentences = tuple(sentence.format(number) for number, sentence in notes if number)
        return Hole(Image(marked, image.affine, path=path), kept=kept, notes=sentences)


def rois_of(dataset: Dataset) -> list[Roi]:
    """Return all ROIs of a structure set, those without a contour among them."""
    items: dict[int, list[Dataset]] = defaultdict(list)
    for shape in dataset.get("ROIContourSequence") or []:
        items[int(shape.ReferencedROINumber)] += shape.get("ContourSequence") or []
    rois = []
    for roi in dataset.get("StructureSetROISequence") or []:
        own = items[int(roi.ROINumber)]
        closed = [item for item in own if item.get("ContourGeometricType") in _CLOSED]
        closed = [item for item in closed if len(item.get("ContourData") or []) > 6]
        rois.append(Roi(roi, closed, len(own) - len(closed)))
    return rois


def _mark(marked: np.ndarray, roi: Roi, image: Image, path: Path, count: _Count) -> int:
    """Add one ROI to the voxels that are marked; returns how many slices between its contours have none."""
    assert image.affine is not None
    solid = marked if marked.ndim == 3 else marked[..., None]
    to_index = np.linalg.inv(image.affine) @ np.diag([-1.0, -1.0, 1.0, 1.0])  # of LPS mm
    millimetres = float(np.linalg.norm(image.affine[:3, 2]))
    slices: dict[int, list[np.ndarray]] = defaultdict(list)
    for contour in roi.contours:
        numbers = np.array(contour.ContourData, float)
        if numbers.size % 3 or not np.isfinite(numbers).all():
            raise InputError(f"{path} has a contour that is not a list of points; write it again.")
        points = numbers.reshape(-1, 3) @ to_index[:3, :3].T + to_index[:3, 3]
        k = int(np.floor(np.median(points[:, 2]) + 0.5))
        if np.abs(points[:, 2] - k).max() > _ACROSS + 1e-3:
            raise InputError(f"{path} has contours that run across the slices of {image.path}; draw them on these.")
        if 0 <= k < solid.shape[2] or solid.shape[2] > 1:  # a single slice is one of many that were drawn on
            slices[k].append(points)
    for k, contours in slices.items():
        within = solid[..., k] if 0 <= k < solid.shape[2] else np.zeros(solid.shape[:2], bool)
        for plane in _planes(contours, _SAME_PLANE / millimetres):
            outlines = distinct([points[:, :2] for points in plane])
            count.repeated += len(plane) - len(outlines)
            inside, all_of_it = _within(outlines, (solid.shape[0], solid.shape[1]))
            within |= inside
            count.drawn += all_of_it
            count.here += int(np.count_nonzero(inside)) if 0 <= k < solid.shape[2] else 0
    return max(slices) - min(slices) + 1 - len(slices) if slices else 0


def _planes(contours: Sequence[np.ndarray], distance: float) -> list[list[np.ndarray]]:
    """Group the contours on one slice by their planes, which may be closer than the slices."""
    planes: list[list[np.ndarray]] = []
    last = -np.inf
    for contour in sorted(contours, key=lambda points: float(np.median(points[:, 2]))):
        depth = float(np.median(contour[:, 2]))
        if depth - last > distance:
            planes.append([])
            last = depth
        planes[-1].append(contour)
    return planes


def _within(outlines: Sequence[np.ndarray], shape: tuple[int, int]) -> tuple[np.ndarray, int]:
    """The pixels of the image inside the contours of one plane, and their number including those outside the image.

    Only a margin as wide as the image is counted.
    """
    corners = np.concatenate(outlines)
    low = np.clip(np.floor(corners.min(axis=0)), np.negative(shape), 0).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)) + 1, shape, 2 * np.array(shape)).astype(int)
    inside = inside_contours([outline - low for outline in outlines], (int(high[0] - low[0]), int(high[1] - low[1])))
    here = inside[-low[0] : shape[0] - low[0], -low[1] : shape[1] - low[1]]
    return here, int(np.count_nonzero(inside))
