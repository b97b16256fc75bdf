"""Regions that are marked, those that were filled, and how they came to be so: with undo and redo."""

# trame and Slicer bring no types
# pyright: basic

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import vtk
from slicer import vtkMRMLSegmentationNode, vtkSegment
from trame_slicer.core import SegmentationEditor
from trame_slicer.segmentation import SegmentationEffectThreshold, SegmentationOverwriteMode
from trame_slicer.segmentation.paint_effect_parameters import BrushDiameterMode
from trame_slicer.segmentation.segment_modifier import ModificationMode
from trame_slicer.segmentation.segmentation_undo_command import SegmentationLabelMapUndoCommand
from trame_slicer.utils import vtk_image_to_np
from undo_stack import UndoStack
from vtkmodules.util.numpy_support import vtk_to_numpy

from monai_inpaint.imaging.bounding_box import extent
from monai_inpaint.imaging.morphology import grown
from monai_inpaint.slicer.errors import InpaintError
from monai_inpaint.web.brush_tools import EraseTool, PaintTool
from monai_inpaint.web.outline_tools import BoxTool, LassoTool

UNDOS = 15  # steps; each keeps the regions before and after
MARKED = ((1.0, 0.62, 0.1), (0.95, 0.9, 0.2), (1.0, 0.4, 0.6), (0.75, 0.55, 1.0))  # one after another
FILLED = (0.2, 0.85, 0.8)
_EFFECTS = {
    "paint": PaintTool,
    "erase": EraseTool,
    "threshold": SegmentationEffectThreshold,
    "lasso": LassoTool,
    "box": BoxTool,
}
# tags of a segment: what is in them is undone with it
_FILLED, _HIDDEN = "Inpaint.Filled", "Inpaint.Hidden"
_LABELS = "Binary labelmap"
_OF_MM = {"ml": 1000.0, "cm\u00b2": 100.0}


class MarkedRegions:
    """The regions of one volume: each is marked (the next fill takes it), filled, or hidden (it does not).

    Args:
        editor: trame-slicer's.
        changed: called after every change.
    """

    def __init__(self, editor: SegmentationEditor, changed: Callable[[], None]) -> None:
        self._editor = editor
        self._changed = changed
        self._node: vtkMRMLSegmentationNode | None = None
        self._spacing, self._unit = (1.0, 1.0, 1.0), "px"
        self._added = 0
        self.stack = UndoStack(undo_limit=UNDOS)
        editor.set_undo_stack(self.stack)
        editor.segmentation_modified.connect(self._sync)
        self.stack.index_changed.connect(self._sync)

    def start(self, volume: Any, unit: str) -> None:
        """Begin with one empty region on a volume; what was there goes away.

        Args:
            volume: its node.
            unit: that regions are measured in: "ml", "cm\u00b2", or "px" where there is no size.
        """
        self._editor.deactivate_effect()
        node, old = self._editor.create_empty_segmentation_node(), self._node
        self._node, self._spacing, self._unit = node, volume.GetSpacing()[::-1], unit
        self._editor.set_active_segmentation(node, volume)
        self._editor.set_overwrite_mode(SegmentationOverwriteMode.ALLOW_OVERLAP)
        self._editor.set_surface_representation_enabled(False)
        self._add("Region 1")
        self.stack.clear()
        self._sync()
        if old is not None:
            old.GetScene().RemoveNode(old.GetDisplayNode())
            old.GetScene().RemoveNode(old)

    @property
    def active(self) -> str:
        """Of the region that tools change."""
        return self._editor.active_segment_id

    def names(self) -> list[str]:
        """Ids of all regions."""
        return self._editor.get_segment_ids()

    def activate(self, region: str) -> None:
        """Choose the region that tools change; one that was filled or hidden is marked again."""
        segment = self._segment(region)
        if _tag(segment, _FILLED) or _tag(segment, _HIDDEN):
            with self.recorded():
                segment.RemoveTag(_FILLED)
                segment.RemoveTag(_HIDDEN)
        self._editor.set_active_segment_id(region)
        self._sync()

    def show(self, regions: list[str]) -> None:
        """Show these regions and no others; what is hidden is not filled."""
        hidden = {name for name in self.names() if name not in regions}
        if hidden == {name for name in self.names() if _tag(self._segment(name), _HIDDEN)}:
            return
        with self.recorded():
            for name in self.names():
                _set_tag(self._segment(name), _HIDDEN, name in hidden)
        self._sync()

    def add(self) -> None:
        """Begin another region."""
        with self.recorded():
            self._add(self._next_name())
        self._sync()

    def remove(self) -> None:
        """Take the active region away; the last one becomes empty."""
        with self.recorded():
            self._node.GetSegmentation().RemoveSegment(self.active)
            if not self.names():
                self._add("Region 1")
        self._sync()

    def use(self, tool: str) -> None:
        """Select "paint", "erase", "threshold", "lasso" or "box"; anything else deselects the tool."""
        if tool not in _EFFECTS:
            self._editor.deactivate_effect()
            return
        self._editor.set_active_effect_type(_EFFECTS[tool])

    def set_brush(self, mm: float, *, ball: bool) -> None:
        """Set the diameter of the brush, a disc in the slice or a ball; a ball's outlines are as deep."""
        for name in ("paint", "erase"):
            effect = self._editor.get_effect(_EFFECTS[name])
            effect.set_brush_diameter(mm, BrushDiameterMode.Absolute)
            effect.set_use_sphere_brush(ball)
        for name in ("lasso", "box"):
            self._editor.get_effect(_EFFECTS[name]).depth = mm if ball else 0.0

    def preview(self, low: float, high: float) -> None:
        """Show what a threshold would mark."""
        self._editor.get_effect(SegmentationEffectThreshold).set_threshold_min_max_values((low, high))

    def mark(self, voxels: np.ndarray, name: str = "") -> int:
        """Add voxels (k, j, i) to the active region, or to a new one of this name; returns their number."""
        labels = self._editor.create_modifier_labelmap()
        vtk_image_to_np(labels)[voxels] = 1
        with self.stack.group_undo_commands(name):
            if name:
                with self.recorded():
                    self._add(name)
            self._modifier.apply_labelmap(labels, modification_mode=ModificationMode.Add)
        return int(voxels.sum())

    def change(self, mm: float) -> None:
        """Grow the active region by so many mm, or shrink it where they are negative.

        Raises:
            InpaintError: it is empty, or nothing would be left.
        """
        voxels = self._voxels(self.active)
        box = extent(voxels)
        if box is None:
            raise InpaintError("The region is empty; mark something first.")
        if mm >= 0:
            voxels = grown(voxels, mm, self._spacing)
        else:
            beside = np.pad(voxels[box], 1)
            voxels = np.zeros_like(voxels)
            voxels[box] = ~grown(~beside, -mm, self._spacing)[1:-1, 1:-1, 1:-1]
            if not voxels.any():
                raise InpaintError(f"Nothing of the region would be left; shrink it by less than {-mm:g} mm.")
        labels = self._editor.create_modifier_labelmap()
        vtk_image_to_np(labels)[voxels] = 1
        self._modifier.apply_labelmap(labels, modification_mode=ModificationMode.Set)

    def hole(self) -> np.ndarray:
        """All that is marked and shown, (k, j, i) bool.

        Raises:
            InputError: nothing is.
        """
        taken = self.marked()
        if not taken:
            raise InpaintError("Nothing is marked; paint, threshold or load what is to be filled.")
        hole = self._voxels(taken[0])
        for name in taken[1:]:
            hole |= self._voxels(name)
        return hole

    def marked(self) -> list[str]:
        """Ids of the regions that the hole is made of."""
        return [name for name in self.names() if self._is_marked(name)]

    def set_filled(self, filled: frozenset[str]) -> None:
        """Show these regions as filled and all others as marked; one to go on with is there."""
        for name in self.names():
            _set_tag(self._segment(name), _FILLED, name in filled)
        if not any(name not in filled and not _tag(self._segment(name), _HIDDEN) for name in self.names()):
            self._add(self._next_name())

    def listed(self) -> list[dict[str, Any]]:
        """For the page: id, name, colour, size, and whether it is filled or hidden."""
        return [
            {
                "id": name,
                "name": self._segment(name).GetName(),
                "colour": "#" + "".join(f"{round(255 * part):02x}" for part in self._segment(name).GetColor()),
                "size": self._measured(self._size(name)),
                "filled": _tag(self._segment(name), _FILLED),
            }
            for name in self.names()
        ]

    def shown(self) -> list[str]:
        """Of the regions that are not hidden."""
        return [name for name in self.names() if not _tag(self._segment(name), _HIDDEN)]

    def centre(self) -> np.ndarray | None:
        """The middle of the active region in mm, if it is not empty."""
        image, marked = self._labels(self.active)
        if image is None or not marked.any():
            return None
        k, j, i = (float(np.median(where)) for where in np.nonzero(marked))
        first, matrix = image.GetExtent()[::2], vtk.vtkMatrix4x4()
        image.GetImageToWorldMatrix(matrix)
        return np.array(matrix.MultiplyPoint((i + first[0], j + first[1], k + first[2], 1.0))[:3])

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Make all changes within it one step of undo."""
        with SegmentationLabelMapUndoCommand.push_state_change(self._editor.active_segmentation):
            yield

    @property
    def segmentation(self) -> Any:
        """trame-slicer's, for commands that are undone with more than regions."""
        return self._editor.active_segmentation

    @property
    def _modifier(self) -> Any:
        return self._editor.active_segment_modifier

    def _sync(self, *_: Any) -> None:
        """Show each region as its tags say, and have one of them active."""
        if self._node is None or self._editor.active_segmentation is None:
            return
        display, marked = self._node.GetDisplayNode(), 0
        for name in self.names():
            segment = self._segment(name)
            filled = _tag(segment, _FILLED)
            colour = FILLED if filled else MARKED[marked % len(MARKED)]
            marked += not filled
            if not np.allclose(segment.GetColor(), colour):
                segment.SetColor(*colour)
            display.SetSegmentVisibility(name, not _tag(segment, _HIDDEN))
            display.SetSegmentOpacity2DFill(name, 0.0 if filled else 0.5)
        if self.active not in self.names() or _tag(self._segment(self.active), _FILLED):
            rest = [name for name in self.names() if not _tag(self._segment(name), _FILLED)] or self.names()
            if rest and rest[-1] != self.active:
                self._editor.set_active_segment_id(rest[-1])
        self._changed()

    def _next_name(self) -> str:
        taken = {self._segment(name).GetName() for name in self.names()}
        return next(name for number in range(1, 10**6) if (name := f"Region {number}") not in taken)

    def _segment(self, name: str) -> vtkSegment:
        segment = self._node.GetSegmentation().GetSegment(name)
        if segment is None:
            raise InpaintError("This region is no longer there; choose another one.")
        return segment

    def _add(self, name: str) -> None:
        """Past the undo stack; its callers record it."""
        self._added += 1  # an id is never used again: a step knows the regions that it filled by theirs
        self._editor.set_active_segment_id(self._node.GetSegmentation().AddEmptySegment(f"region-{self._added}", name))

    def _is_marked(self, name: str) -> bool:
        segment = self._segment(name)
        return not _tag(segment, _FILLED) and not _tag(segment, _HIDDEN) and self._size(name) > 0

    def _measured(self, size: int) -> str:
        """So many voxels, for people."""
        if not size or self._unit == "px":
            return f"{size} px" if size else "empty"
        measure = size * float(np.prod(self._spacing)) / _OF_MM[self._unit]
        return f"{measure:.3g} {self._unit}" if measure < 1000 else f"{measure:,.0f} {self._unit}"

    def _size(self, name: str) -> int:
        return int(self._labels(name)[1].sum())

    def _labels(self, name: str) -> tuple[Any, np.ndarray]:
        """The part of the volume that is kept for a region, and where it is marked there."""
        segment = self._segment(name)
        image = segment.GetRepresentation(_LABELS)
        if image is None or min(image.GetDimensions()) < 1 or image.GetPointData().GetScalars() is None:
            return None, np.zeros((0, 0, 0), bool)
        voxels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])
        return image, voxels == segment.GetLabelValue()

    def _voxels(self, name: str) -> np.ndarray:
        """Voxels of a region, on the grid of the volume (k, j, i)."""
        return self._editor.get_segment_labelmap(name, as_numpy_array=True) > 0


class FillCommand(SegmentationLabelMapUndoCommand):
    """A fill, undone together with what it made of the regions.

    Args:
        states: of the regions, before and after.
        segmentation: trame-slicer's.
        before, after: called to show the image so.
    """

    def __init__(self, states: Any, segmentation: Any, before: Callable[[], None], after: Callable[[], None]) -> None:
        super().__init__(states, segmentation)
        self._before, self._after = before, after

    def undo(self) -> None:
        self._before()
        super().undo()

    def redo(self) -> None:
        self._after()
        super().redo()


def _tag(segment: vtkSegment, name: str) -> bool:
    value = vtk.reference("")
    return bool(segment.GetTag(name, value) and value.get())


def _set_tag(segment: vtkSegment, name: str, on: bool) -> None:
    if on:
        segment.SetTag(name, "1")
    else:
        segment.RemoveTag(name)
