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


def legend(node: Any, columns: int) -> np.ndarray:
    """(rows, columns, 3) uint8: the title of a volume's legend, and its colours between the ends of its window."""
    display = node.GetDisplayNode()
    title = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(node).GetTitleText()
    low, high = (_text(f"{value:.3g}") for value in (display.GetWindowLevelMin(), display.GetWindowLevelMax()))
    table = vtk_to_numpy(display.GetColorNode().GetLookupTable().GetTable())
    across = np.linspace(0, len(table) - 1, columns - low.shape[1] - high.shape[1] - 24).astype(int)
    bar = (table[across, :3] * (table[across, 3:] / 255.0)).astype(np.uint8)  # clear is black here
    strip, row = np.zeros((44, columns, 3), np.uint8), 24
    for picture, column in ((_text(title), 6), (low, 6), (high, columns - high.shape[1] - 6)):
        top = row if column != 6 or picture is low else 4
        shown = picture[: len(strip) - top, : columns - column]
        strip[top : top + len(shown), column : column + shown.shape[1]] = shown
    strip[row + 2 : row + 14, low.shape[1] + 12 : low.shape[1] + 12 + len(across)] = bar
    return strip


def _text(words: str) -> np.ndarray:
    """(rows, columns, 3) uint8, white on black."""
    looks, image, box = vtk.vtkTextProperty(), vtk.vtkImageData(), [0, 0, 0, 0]
    looks.SetFontSize(13)
    renderer = vtk.vtkTextRenderer.GetInstance()
    renderer.RenderString(looks, words, image, [0, 0], 72)
    renderer.GetBoundingBox(looks, words, box, 72)
    values = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(*image.GetDimensions()[1::-1], -1)
    opacity = values[: box[3] - box[2] + 1, : box[1] - box[0] + 1, 3:][::-1]
    return np.repeat(opacity, 3, axis=2)


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
