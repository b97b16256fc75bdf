"""A scalar volume of the scene, as its voxels with their geometry."""

from dataclasses import dataclass

import numpy as np
import slicer
import vtk

from .errors import InpaintError
from .transforms import array_of, to_world


@dataclass(frozen=True, eq=False)
class Volume:
    """A volume node, caught on the main thread for use in others.

    Attributes:
        node_id: in the scene.
        name: of the node.
        voxels: (k, j, i), a view of the node's own; not to be written to.
        ijk_to_ras: (4, 4), to mm below the node's transforms.
        to_world: (4, 4), from there to the world.
        modality: "cxr", "ct", "mr", or None if unknown.
    """

    node_id: str
    name: str
    voxels: np.ndarray
    ijk_to_ras: np.ndarray
    to_world: np.ndarray
    modality: str | None
    _image: "vtk.vtkImageData"  # holds the voxels even if the node goes away
    _modified: int

    @property
    def ijk_to_world(self) -> np.ndarray:
        return self.to_world @ self.ijk_to_ras

    def check_unchanged(self) -> None:
        """Refuse a volume that was changed after it was read.

        Raises:
            InpaintError: the voxels were written to meanwhile.
        """
        if self._image.GetMTime() != self._modified:
            raise InpaintError(f"{self.name} was changed while it was read; press Apply again.")


def catch_volume(node: "slicer.vtkMRMLScalarVolumeNode | None") -> Volume:
    """Catch the volume of a node; costs nothing, whatever its size.

    Raises:
        InpaintError: no node, no voxels, colour, a time sequence, or a transform that is not linear.
    """
    if node is None:
        raise InpaintError("No volume is chosen; choose the one to fill.")
    name, image = node.GetName(), node.GetImageData()
    if image is None or not image.GetNumberOfPoints():
        raise InpaintError(f"{name} contains no voxels; load it again or choose another volume.")
    if image.GetNumberOfScalarComponents() != 1:
        raise InpaintError(
            f"{name} has {image.GetNumberOfScalarComponents()} components; only scalar volumes can be filled."
        )
    sequence = _sequence_of(node)
    if sequence is not None:
        raise InpaintError(
            f"{name} is one moment of the time sequence {sequence.GetName()}, and sequences are not filled; clone the "
            "volume (module Data, right-click, Clone) and fill the copy."
        )
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return Volume(
        node.GetID(),
        name,
        slicer.util.arrayFromVolume(node),
        array_of(matrix),
        to_world(node),
        _modality(node),
        image,
        image.GetMTime(),
    )


def _sequence_of(node: "slicer.vtkMRMLNode") -> "slicer.vtkMRMLNode | None":
    """The sequence that the node shows a moment of, if any."""
    for browser in slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode"):
        sequence = browser.GetSequenceNode(node)
        if sequence is not None:
            return sequence
    return None


def _modality(node: "slicer.vtkMRMLNode") -> str | None:
    """By the DICOM series that the node was loaded from."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    item = hierarchy.GetItemByDataNode(node) if hierarchy else 0
    code = hierarchy.GetItemAttribute(item, "DICOM.Modality") if item else ""
    source = node.GetNodeReference("InpaintSource")
    if not code and source is not None:  # filled here before
        return _modality(source)
    return {"CT": "ct", "MR": "mr", "CR": "cxr", "DX": "cxr"}.get(code)
