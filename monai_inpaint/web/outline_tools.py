"""Tools that mark what is inside an outline drawn on a slice: a lasso and a box."""

# trame and Slicer bring no types
# pyright: basic

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
from slicer import vtkMRMLSliceNode
from trame_slicer.segmentation import SegmentationEffectScissors
from trame_slicer.segmentation.segment_modifier import ModificationMode
from trame_slicer.segmentation.segmentation_effect_pipeline import SegmentationEffectPipeline
from trame_slicer.segmentation.segmentation_effect_scissors_widget import (
    SegmentationScissorsPipeline,
    SegmentationScissorsWidget,
)
from trame_slicer.utils import vtk_image_to_np
from vtkmodules.util.numpy_support import vtk_to_numpy

from monai_inpaint.regions.drawn_outline import inside_outline
from monai_inpaint.web.scene_volume import place_of_node


class LassoTool(SegmentationEffectScissors):
    """Mark what is inside a closed outline, drawn freehand on a slice.

    trame-slicer's own computes on the whole volume, which takes seconds in a large one.
    """

    depth = 0.0  # mm across the slice; 0: this slice only

    def _create_pipeline(self, view_node: Any, _parameter: Any) -> SegmentationEffectPipeline | None:
        return _OutlinePipeline(SegmentationScissorsWidget()) if isinstance(view_node, vtkMRMLSliceNode) else None

    def apply_points_display_coordinates(self, points_display: Any, view: Any) -> None:
        """Mark what is inside the outline (pixels of the view); called once it is closed."""
        if points_display.GetNumberOfPoints() < 3 or not self.modifier.active_segment_id:
            return
        to_mm = slicer.util.arrayFromVTKMatrix(view.get_view_node().GetXYToRAS())
        outline = vtk_to_numpy(points_display.GetData()).astype(float)[:, :2] @ to_mm[:3, :2].T + to_mm[:3, 3]
        normal = to_mm[:3, 2] / np.linalg.norm(to_mm[:3, 2])
        volume = self.modifier.volume_node
        box, inside = inside_outline(
            volume.GetImageData().GetDimensions(), place_of_node(volume), outline, normal, self.depth
        )
        if not inside.any():
            return
        labels = self.modifier.create_modifier_labelmap()
        vtk_image_to_np(labels)[box[::-1]] = inside.transpose(2, 1, 0)
        extent = [end for part in box for end in (part.start, part.stop - 1)]
        self.modifier.apply_labelmap(labels, modification_mode=ModificationMode.Add, modifier_extent=extent)


class BoxTool(LassoTool):
    """Mark a rectangle on a slice, from corner to corner."""

    def _create_pipeline(self, view_node: Any, _parameter: Any) -> SegmentationEffectPipeline | None:
        return _OutlinePipeline(_BoxWidget()) if isinstance(view_node, vtkMRMLSliceNode) else None


class _OutlinePipeline(SegmentationScissorsPipeline):
    """trame-slicer's, which would mark once more each time the tool is selected."""

    def __init__(self, widget: SegmentationScissorsWidget) -> None:
        super().__init__()
        self.widget = widget
        widget.interaction_stopped.connect(self._OnWidgetInteractionStopped)

    def SetActive(self, isActive: bool) -> None:  # noqa: N802, N803  VTK's names
        """Select the tool, or deselect it."""
        SegmentationEffectPipeline.SetActive(self, isActive)
        self.widget.set_modifier(self._effect.modifier)
        self.widget.set_active(is_active=isActive)


class _BoxWidget(SegmentationScissorsWidget):
    """Draws the rectangle between where the button was pressed and where the mouse is."""

    _corner = (0, 0)

    def start_painting(self, x: int, y: int) -> None:
        self._corner = (x, y)
        super().start_painting(x, y)

    def add_point(self, x: int, y: int) -> None:
        left, top = self._corner
        self._brush.reset()
        for corner in ((left, top), (x, top), (x, y), (left, y)):
            self._brush.add_point(*corner)

    def preview_point(self, x: int, y: int) -> None:  # noqa: ARG002  the rectangle is all that is shown
        if self.is_painting():
            self._brush.set_visible(True)
            self._brush.preview_point(*self._corner)
