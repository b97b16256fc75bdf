"""Small nodes for the tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk

SHAPE = (24, 72, 64)  # k, j, i


def oblique(spacing: tuple[float, float, float] = (0.8, 1.1, 2.5)) -> np.ndarray:
    """IJK to RAS, turned about two axes, anisotropic, away from the origin."""
    a, b = 0.4, -0.25
    about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    matrix = np.eye(4)
    matrix[:3, :3] = about_z @ about_x @ np.diag(spacing)
    matrix[:3, 3] = (-31.5, 12.25, 440.0)
    return matrix


def tissue(shape: tuple[int, ...] = SHAPE, dtype: str = "int16") -> np.ndarray:
    """A noisy cylinder."""
    rng = np.random.default_rng(0)
    _, j, i = np.indices(shape)
    body = np.hypot((i - shape[2] / 2) / shape[2], (j - shape[1] / 2) / shape[1]) < 0.42
    return (np.where(body, 500, 20) + rng.normal(0, 15, shape)).astype(dtype)


def add_volume(
    voxels: np.ndarray | None = None, matrix: np.ndarray | None = None, name: str = "head", kind: str = "Scalar"
) -> Any:
    node = slicer.mrmlScene.AddNewNodeByClass(f"vtkMRML{kind}VolumeNode", name)
    slicer.util.updateVolumeFromArray(node, tissue() if voxels is None else voxels)
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(oblique() if matrix is None else matrix))
    node.CreateDefaultDisplayNodes()
    return node


def add_segment(mask: np.ndarray, volume: Any, name: str = "lesion") -> tuple[Any, str]:
    """A segmentation with two segments, the second of which is the mask."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "segmentation")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    for label, marked in (("other", np.ones_like(mask)), (name, mask)):
        node.GetSegmentation().AddEmptySegment(label, label)
        slicer.util.updateSegmentBinaryLabelmapFromArray(marked.astype(np.uint8), node, label, volume)
    return node, name


def add_point(position: np.ndarray) -> Any:
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "point")
    node.AddControlPointWorld(vtk.vtkVector3d(*position))
    return node


def add_transform(matrix: np.ndarray) -> Any:
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "moved")
    node.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    return node


def add_warp() -> Any:
    """A transform that no matrix can tell."""
    spline = vtk.vtkThinPlateSplineTransform()
    points = [vtk.vtkPoints(), vtk.vtkPoints()]
    for corner in ((0, 0, 0), (50, 0, 0), (0, 50, 0), (0, 0, 50), (30, 30, 30)):
        points[0].InsertNextPoint(corner)
        points[1].InsertNextPoint([x + 5 * (sum(corner) == 90) for x in corner])
    spline.SetSourceLandmarks(points[0])
    spline.SetTargetLandmarks(points[1])
    spline.SetBasisToR()
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "warp")
    node.SetAndObserveTransformToParent(spline)
    return node


def positions(matrix: np.ndarray, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    """(k, j, i, 3): where each voxel's centre lies, in mm."""
    k, j, i = np.indices(shape)
    return np.stack([i, j, k], axis=-1) @ matrix[:3, :3].T + matrix[:3, 3]


def ball(matrix: np.ndarray, centre: np.ndarray, radius: float, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    return np.linalg.norm(positions(matrix, shape) - centre, axis=-1) <= radius


def ijk_to_ras(node: Any) -> np.ndarray:
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)


def on_grid(drawn: tuple[np.ndarray, np.ndarray], matrix: np.ndarray, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    """A region's voxels on a volume's grid, for grids that differ by whole voxels."""
    hole, place = drawn
    first = np.rint((np.linalg.inv(matrix) @ place)[:3, 3]).astype(int)[::-1]
    whole = np.zeros(shape, bool)
    whole[tuple(slice(start, start + size) for start, size in zip(first, hole.shape, strict=True))] = hole
    return whole
