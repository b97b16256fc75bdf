"""Position of nodes in the world as a matrix; nonlinear transforms are refused."""

import numpy as np
import slicer
import vtk

from .errors import InpaintError


def to_world(node: "slicer.vtkMRMLTransformableNode") -> np.ndarray:
    """(4, 4): the node's own mm to those of the world, through all transforms above it.

    Raises:
        InpaintError: one of them is not linear.
    """
    matrix = vtk.vtkMatrix4x4()
    parent = node.GetParentTransformNode()
    if parent is None:
        return np.eye(4)
    if not parent.GetMatrixTransformToWorld(matrix):
        raise InpaintError(
            f"{node.GetName()} lies under the transform {parent.GetName()}, which is not linear; harden it first "
            "(module Data, right-click the transform of the node, Harden transform)."
        )
    return array_of(matrix)


def array_of(matrix: "vtk.vtkMatrix4x4") -> np.ndarray:
    """(4, 4) float64."""
    return slicer.util.arrayFromVTKMatrix(matrix)
