"""An image as a volume of the scene, in its units."""

# Slicer brings no types
# pyright: basic

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
from vtkmodules.vtkCommonMath import vtkMatrix4x4

from monai_inpaint.imaging.image import Image
from monai_inpaint.slicer.jobs import FORMATS

# of a film or picture: rows go down, columns to the right, as it is looked at
_AS_IT_LIES = np.array([[0, -1, 0, 0], [-1, 0, 0, 0], [0, 0, -1, 0], [0, 0, 0, 1]], float)
_AXES = (("L", "R"), ("P", "A"), ("I", "S"))  # towards low and high values of RAS


def add_volume(image: Image, name: str) -> Any:
    """Add a new node with the image's voxels in units."""
    voxels = in_scene(_in_units(image))
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    slicer.util.updateVolumeFromArray(node, np.ascontiguousarray(voxels))
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(place_of(image)))
    node.CreateDefaultDisplayNodes()
    if image.inverted:
        node.GetDisplayNode().SetAndObserveColorNodeID("vtkMRMLColorTableNodeInvertedGrey")
    return node


def place_of(image: Image) -> np.ndarray:
    """(4, 4), indices to mm of the scene: the patient's for a volume, a plane of its own for a film."""
    if image.voxels.ndim == 3 and image.affine is not None:
        return image.affine
    spacing = image.spacing or (1.0, 1.0)
    return _AS_IT_LIES @ np.diag([*spacing[:2], spacing[2] if len(spacing) > 2 else 1.0, 1.0])


def place_of_node(node: Any) -> np.ndarray:
    """(4, 4), indices of a volume node to mm."""
    matrix = vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)


def in_scene(voxels: np.ndarray) -> np.ndarray:
    """An image's array (i, j, k) or (rows, columns) as the scene has it: (k, j, i)."""
    return np.atleast_3d(voxels).transpose(2, 1, 0)


def from_scene(voxels: np.ndarray, image: Image) -> np.ndarray:
    """An array of the scene (k, j, i) in the order and shape of the image's."""
    return voxels.transpose(2, 1, 0).reshape(image.voxels.shape)


def letters(image: Image, right: np.ndarray, down: np.ndarray) -> dict[str, str]:
    """The letters at the edges of a view, R, L, A, P, S or I; none where the file does not say how the patient lies.

    Args:
        image: what is shown.
        right, down: (3,) directions of the screen in mm of the scene.
    """
    if image.affine is None or not image.placed:
        return {}
    to_patient = image.affine[:3, :3] @ np.linalg.inv(place_of(image)[:3, :3])
    edges = {"right": right, "left": -np.asarray(right), "bottom": down, "top": -np.asarray(down)}
    return {edge: _letter(to_patient @ direction) for edge, direction in edges.items()}


def unit_of(modality: str | None) -> str:
    """Unit of the values, for people; "" if the file does not state it."""
    return "HU" if modality == "ct" else ""


def _letter(direction: np.ndarray) -> str:
    axis = int(np.argmax(np.abs(direction)))
    return _AXES[axis][int(direction[axis] > 0)]


def _in_units(image: Image) -> np.ndarray:
    """The voxels in physical units: as stored where that is the same, as whole numbers where there are none between."""
    scaled = np.ndim(image.slope) or np.ndim(image.intercept) or (image.slope, image.intercept) != (1, 0)
    if not scaled:
        return image.voxels if image.voxels.dtype.name in FORMATS else image.voxels.astype(np.float64)
    units = image.units()
    whole = np.rint(units)
    limits = np.iinfo(np.int16)
    if np.array_equal(whole, units) and limits.min <= whole.min() and whole.max() <= limits.max:
        return whole.astype(np.int16)
    return units
