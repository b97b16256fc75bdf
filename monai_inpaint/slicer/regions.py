"""The region to fill: a segment, a label map, a box or a ball, each as voxels with their geometry.

Regions are caught on the main thread, which costs nothing, and drawn in the thread of the run.
"""

import contextlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from .errors import InpaintError
from .transforms import array_of, to_world
from .volumes import Volume


class EmptySegmentError(InpaintError):
    """A segment in which nothing is marked."""


Drawn = tuple[np.ndarray, np.ndarray]  # (k, j, i) uint8, 1 in the hole; (4, 4) indices to the volume's own mm


class SceneRegion(Protocol):
    """Interface of a region to fill."""

    def draw(self, volume: Volume) -> Drawn:
        """Draw the region as voxels, on its own grid or on a part of the volume's.

        Raises:
            InpaintError: it is empty, or outside the volume.
        """
        ...


@dataclass(frozen=True, eq=False)
class Labels:
    """Voxels of a segment or a label map, on their own grid; the command aligns them with the volume's."""

    name: str
    voxels: np.ndarray
    label: int | None  # None: the only one
    ijk_to_world: np.ndarray
    _image: "vtk.vtkImageData"  # holds the voxels

    def draw(self, volume: Volume) -> Drawn:
        """See `Region.draw`."""
        label = self._only() if self.label is None else self.label
        marked = self.voxels == label
        if not marked.any():
            raise EmptySegmentError(f"{self.name} is empty; mark what is to be filled.")
        return marked.view(np.uint8), np.linalg.inv(volume.to_world) @ self.ijk_to_world

    def _only(self) -> int:
        """The label that is not zero."""
        labels = [int(label) for label in np.unique(self.voxels) if label]
        if not labels:
            raise InpaintError(f"{self.name} is empty; mark what is to be filled.")
        if len(labels) > 1:
            named = ", ".join(map(str, labels[:20])) + (", ..." if len(labels) > 20 else "")
            raise InpaintError(
                f"{self.name} contains {len(labels)} labels: {named}; import it as a segmentation and choose a segment."
            )
        return labels[0]


@dataclass(frozen=True, eq=False)
class Segments:
    """Several segments of one segmentation, filled together."""

    name: str
    parts: list[Labels]

    def draw(self, volume: Volume) -> Drawn:
        """See `Region.draw`."""
        drawn = []
        for part in self.parts:
            # segments may share an image, so that one is empty shows only here
            with contextlib.suppress(EmptySegmentError):
                drawn.append(part.draw(volume))
        if not drawn:
            raise EmptySegmentError(f"{self.name} has no segment that is shown and marked; mark one, or show it.")
        inverse = np.linalg.inv(drawn[0][1])
        places = [inverse @ place for _, place in drawn]
        firsts = np.rint([place[:3, 3] for place in places]).astype(int)
        for place, first in zip(places, firsts, strict=True):
            if not np.allclose(place[:3, :3], np.eye(3), atol=1e-4) or not np.allclose(place[:3, 3], first, atol=1e-2):
                raise InpaintError(f"The segments of {self.name} have different geometries; fill one after the other.")
        sizes = np.array([hole.shape[::-1] for hole, _ in drawn])
        low, high = firsts.min(axis=0), (firsts + sizes).max(axis=0)
        union = np.zeros((high - low)[::-1], np.uint8)
        for (hole, _), first in zip(drawn, firsts - low, strict=True):
            i, j, k = first
            union[k : k + hole.shape[0], j : j + hole.shape[1], i : i + hole.shape[2]] |= hole
        shift = np.eye(4)
        shift[:3, 3] = low
        return union, drawn[0][1] @ shift


@dataclass(frozen=True, eq=False)
class Box:
    """A markups ROI."""

    name: str
    size: np.ndarray  # mm along its axes
    to_world: np.ndarray  # from mm along its axes, from its centre

    def draw(self, volume: Volume) -> Drawn:
        """See `Region.draw`."""
        if (self.size <= 0).any():
            raise InpaintError(f"{self.name} has no size; draw the box again.")
        inverse, half = np.linalg.inv(self.to_world), self.size / 2
        corners = np.array([(*corner, 1) for corner in itertools.product(*zip(-half, half, strict=True))])

        def inside(world: np.ndarray) -> np.ndarray:
            return (np.abs(world @ inverse[:3, :3].T + inverse[:3, 3]) <= half).all(axis=-1)

        return _drawn(volume, self.name, corners @ self.to_world.T, inside)


@dataclass(frozen=True, eq=False)
class TextBox(Box):
    """A markups ROI around burned-in text: the pixels that it covers, in every slice."""

    def draw(self, volume: Volume) -> Drawn:
        """See `Region.draw`."""
        left, top, width, height = self.rectangle(volume)
        hole = np.zeros(volume.voxels.shape, np.uint8)
        hole[:, top : top + height, left : left + width] = 1
        return hole, volume.ijk_to_ras

    def rectangle(self, volume: Volume) -> tuple[int, int, int, int]:
        """Return left column, top row, width and height in voxels (i, j) of the volume.

        Raises:
            InpaintError: the box has no size, or lies outside the slices.
        """
        if (self.size <= 0).any():
            raise InpaintError(f"{self.name} has no size; draw the box again.")
        half = self.size / 2
        corners = np.array([(*corner, 1) for corner in itertools.product(*zip(-half, half, strict=True))])
        reach = (corners @ self.to_world.T @ np.linalg.inv(volume.ijk_to_world).T)[:, :2]
        sizes = volume.voxels.shape[:0:-1]
        left, top = (int(first) for first in np.clip(np.ceil(reach.min(axis=0)), 0, sizes))
        right, bottom = (int(last) for last in np.clip(np.floor(reach.max(axis=0)) + 1, 0, sizes))
        if left >= right or top >= bottom:
            raise InpaintError(f"{self.name} lies outside of {volume.name}; place it inside.")
        return left, top, right - left, bottom - top


@dataclass(frozen=True, eq=False)
class Ball:
    """All within a radius of a point."""

    name: str
    centre: np.ndarray  # mm in the world
    radius: float  # mm

    def draw(self, volume: Volume) -> Drawn:
        """See `Region.draw`."""
        reach = itertools.product((-self.radius, self.radius), repeat=3)
        corners = np.array([(*(self.centre + ends), 1) for ends in reach])

        def inside(world: np.ndarray) -> np.ndarray:
            return ((world - self.centre) ** 2).sum(axis=-1) <= self.radius**2

        return _drawn(volume, self.name, corners, inside)


def catch_segment(node: "slicer.vtkMRMLSegmentationNode | None", segment_id: str) -> Labels:
    """Catch one segment, in the geometry of its segmentation.

    Raises:
        InpaintError: no segmentation, no such segment, one without voxels, or a transform that is not linear.
    """
    if node is None:
        raise InpaintError("No segmentation is chosen; choose the one that marks what to fill.")
    segment = node.GetSegmentation().GetSegment(segment_id) if segment_id else None
    if segment is None:
        raise InpaintError(f"{node.GetName()} has no such segment; choose one of its segments.")
    kind = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
    if not node.GetSegmentation().ContainsRepresentation(kind):
        node.GetSegmentation().CreateRepresentation(kind)
    image = segment.GetRepresentation(kind)
    if image is None or min(image.GetDimensions()) < 1 or image.GetPointData().GetScalars() is None:
        raise EmptySegmentError(f"{segment.GetName()} is empty; mark what is to be filled.")
    # indices of an oriented image count from its extent, those of our arrays from zero
    matrix, shift = vtk.vtkMatrix4x4(), np.eye(4)
    image.GetImageToWorldMatrix(matrix)
    shift[:3, 3] = image.GetExtent()[::2]
    voxels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])
    place = to_world(node) @ array_of(matrix) @ shift
    return Labels(segment.GetName(), voxels, segment.GetLabelValue(), place, image)


def catch_visible_segments(node: "slicer.vtkMRMLSegmentationNode | None") -> Segments:
    """Catch all segments that are shown and marked.

    Raises:
        InpaintError: no segmentation, none of its segments is shown and marked, or a transform that is not linear.
    """
    if node is None:
        raise InpaintError("No segmentation is chosen; choose the one that marks what to fill.")
    display, parts = node.GetDisplayNode(), []
    for segment_id in node.GetSegmentation().GetSegmentIDs():
        if display is not None and not display.GetSegmentVisibility(segment_id):
            continue
        with contextlib.suppress(EmptySegmentError):
            parts.append(catch_segment(node, segment_id))
    if not parts:
        raise InpaintError(f"{node.GetName()} has no segment that is shown and marked; mark one, or show it.")
    return Segments(node.GetName(), parts)


def catch_label_map(node: "slicer.vtkMRMLLabelMapVolumeNode | None") -> Labels:
    """Catch a label map of one label.

    Raises:
        InpaintError: no label map, one without voxels, or a transform that is not linear.
    """
    if node is None:
        raise InpaintError("No label map is chosen; choose the one that marks what to fill.")
    if node.GetImageData() is None or not node.GetImageData().GetNumberOfPoints():
        raise InpaintError(f"{node.GetName()} contains no voxels; choose another label map.")
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    place = to_world(node) @ array_of(matrix)
    return Labels(node.GetName(), slicer.util.arrayFromVolume(node), None, place, node.GetImageData())


def catch_roi(node: "slicer.vtkMRMLMarkupsROINode | None", kind: type[Box] = Box) -> Box:
    """Catch a box, in any direction; with `TextBox` as one around burned-in text.

    Raises:
        InpaintError: no ROI, or a transform that is not linear.
    """
    if node is None:
        raise InpaintError("No ROI is chosen; draw a box around what is to be filled.")
    return kind(node.GetName(), np.array(node.GetSize()), to_world(node) @ array_of(node.GetObjectToNodeMatrix()))


def catch_point(node: "slicer.vtkMRMLMarkupsFiducialNode | None", radius: float) -> Ball:
    """Catch a ball around the first point of a list.

    Raises:
        InpaintError: no list, or no point in it.
    """
    if node is None or not node.GetNumberOfDefinedControlPoints():
        raise InpaintError("No point is placed; click where the volume is to be filled.")
    return Ball(node.GetName(), np.array(node.GetNthControlPointPositionWorld(0)), radius)


def _drawn(volume: Volume, name: str, corners: np.ndarray, inside: Callable[[np.ndarray], np.ndarray]) -> Drawn:
    """The voxels of a volume whose centres are inside a shape, within the shape's corners (N, 4) in the world."""
    place = volume.ijk_to_world
    reach = corners @ np.linalg.inv(place).T
    sizes = np.array(volume.voxels.shape[::-1])
    first = np.clip(np.ceil(reach[:, :3].min(axis=0)), 0, sizes).astype(int)
    last = np.clip(np.floor(reach[:, :3].max(axis=0)) + 1, 0, sizes).astype(int)
    if (first >= last).any():
        raise InpaintError(f"{name} lies outside of {volume.name}; place it inside.")
    i, j = np.meshgrid(np.arange(first[0], last[0]), np.arange(first[1], last[1]), indexing="xy")
    hole = np.zeros((last - first)[::-1], np.uint8)
    for n, k in enumerate(range(first[2], last[2])):
        indices = np.stack([i, j, np.full_like(i, k)], axis=-1)
        hole[n] = inside(indices @ place[:3, :3].T + place[:3, 3])
    if not hole.any():
        raise InpaintError(f"{name} contains no voxel of {volume.name}; make it larger.")
    shift = np.eye(4)
    shift[:3, 3] = first
    return hole, volume.ijk_to_ras @ shift
