"""What a slice view shows, computed by Slicer's own slice logic without a window."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy


class SliceView:
    """A slice view through a point of the world, in one of the three standard directions."""

    def __init__(self, name: str, direction: str = "Axial", pixels: tuple[int, int] = (256, 256)) -> None:
        self.logic = slicer.vtkMRMLSliceLogic()
        self.logic.SetMRMLScene(slicer.mrmlScene)
        self.node = self.logic.AddSliceNode(name)
        self.node.SetOrientation(direction)
        self.node.SetDimensions(*pixels, 1)

    @property
    def composite(self) -> Any:
        return self.logic.GetSliceCompositeNode()

    def picture(self, centre: np.ndarray, side: float) -> np.ndarray:
        """(rows, columns, 4) uint8: the blended layers around a point, `side` mm wide, as shown."""
        columns, rows, _ = self.node.GetDimensions()
        self.node.SetFieldOfView(side, side * rows / columns, 1.0)
        self.node.JumpSliceByCentering(*centre)
        place = self.node.GetSliceToRAS()
        for axis in range(3):
            place.SetElement(axis, 3, centre[axis])
        self.node.UpdateMatrices()
        self.logic.UpdatePipeline()
        for layer in (self.logic.GetBackgroundLayer(), self.logic.GetForegroundLayer(), self.logic.GetLabelLayer()):
            if layer is not None:
                layer.UpdateTransforms()  # without a window nothing tells the layers that the view has moved
        port = self.logic.GetImageDataConnection()
        port.GetProducer().Update()
        image = port.GetProducer().GetOutputDataObject(port.GetIndex())
        values = vtk_to_numpy(image.GetPointData().GetScalars())
        return values.reshape(*image.GetDimensions()[1::-1], -1)[::-1]


def save(picture: np.ndarray, path: str) -> None:
    """As PNG."""
    from vtk.util.numpy_support import numpy_to_vtk

    image = vtk.vtkImageData()
    image.SetDimensions(picture.shape[1], picture.shape[0], 1)
    image.GetPointData().SetScalars(
        numpy_to_vtk(np.ascontiguousarray(picture[::-1]).reshape(-1, picture.shape[2]), deep=True)
    )
    writer = vtk.vtkPNGWriter()
    writer.SetFileName(path)
    writer.SetInputData(image)
    writer.Write()
