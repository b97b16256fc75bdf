"""Tools that mark, or unmark, what a brush is dragged over: a disc in the slice, or a ball."""

# trame and Slicer bring no types
# pyright: basic

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from slicer import vtkMRMLSliceNode
from trame_slicer.segmentation import SegmentationEffectErase, SegmentationEffectPaint
from trame_slicer.segmentation.segmentation_effect_pipeline import SegmentationEffectPipeline
from trame_slicer.segmentation.segmentation_paint_pipeline import SegmentationPaintPipeline2D
from trame_slicer.segmentation.segmentation_paint_widget import SegmentationPaintWidget2D
from trame_slicer.views import SliceView

from monai_inpaint.web.scene_volume import place_of_node

_STEP = 0.2  # of the brush's diameter, between two places of it: the edge is wavy by 2 % of the radius


class PaintTool(SegmentationEffectPaint):
    """Mark."""

    def _create_pipeline(self, view_node: Any, _parameter: Any) -> SegmentationEffectPipeline | None:
        return _BrushPipeline() if isinstance(view_node, vtkMRMLSliceNode) else None


class EraseTool(SegmentationEffectErase):
    """Unmark."""

    def _create_pipeline(self, view_node: Any, _parameter: Any) -> SegmentationEffectPipeline | None:
        return _BrushPipeline() if isinstance(view_node, vtkMRMLSliceNode) else None


class _BrushPipeline(SegmentationPaintPipeline2D):
    def CreateWidget(self) -> None:  # noqa: N802  VTK's name
        if self.widget is None and isinstance(self._view, SliceView):
            self.widget = _StrokeWidget(self._view, lambda: self._effect.modifier.volume_node)


class _StrokeWidget(SegmentationPaintWidget2D):
    """Shows a stroke and remembers its places, each voxel once: the brush is put on the middle of a voxel.

    trame-slicer's own remembers as many as the mouse makes, and all are redrawn at each movement.

    Args:
        view: that is painted in.
        volume: returns the node that is painted on.
    """

    def __init__(self, view: SliceView, volume: Callable[[], Any]) -> None:
        super().__init__(view)
        self._volume = volume
        self._stroke_rel_spacing = _STEP
        self._to_voxels = np.eye(4)
        self._voxels: set[tuple[int, ...]] = set()
        self._last: list[float] | None = None

    def start_painting(self) -> None:
        """Begin a stroke."""
        self._to_voxels = np.linalg.inv(place_of_node(self._volume()))
        super().start_painting()

    def clear(self) -> None:
        """Forget the stroke."""
        super().clear()
        self._voxels.clear()
        self._last = None

    def update_widget_position(self, position: Any) -> None:
        """Go on to a place in mm."""
        super().update_widget_position(position)
        self._last = list(position) if self.is_painting() else None

    def _get_last_paint_coordinate(self) -> list[float] | None:
        return self._last

    def _add_point_to_selection(self, position: Any) -> None:
        voxel = tuple(round(at) for at in (self._to_voxels @ (*position[:3], 1.0))[:3])
        if voxel not in self._voxels:
            self._voxels.add(voxel)
            super()._add_point_to_selection(position)
