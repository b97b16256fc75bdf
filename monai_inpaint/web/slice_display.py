"""Content of the slice views: before and after, the difference, window and level, and the voxel under the cursor."""

# trame and Slicer bring no types
# pyright: basic

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import slicer
from trame_slicer.core import SlicerApp
from vtkmodules.vtkCommonCore import vtkCommand

from monai_inpaint.imaging.image import Image
from monai_inpaint.slicer.colour_tables import difference_colours, map_colours
from monai_inpaint.web.fill_steps import Step
from monai_inpaint.web.scene_volume import add_volume, letters, place_of_node, unit_of

# window and level in HU, as they are common
PRESETS = {
    "Soft tissue": (400.0, 40.0),
    "Lung": (1500.0, -600.0),
    "Bone": (1800.0, 400.0),
    "Brain": (80.0, 40.0),
    "Mediastinum": (350.0, 50.0),
}
_OPACITY = 0.6  # of the difference


class SliceDisplay:
    """The source, what was made of it, and the difference, in all slice views.

    Args:
        app: trame-slicer's.
        on_change: called with the names and values of variables for the page, whenever one changes.
    """

    def __init__(self, app: SlicerApp, on_change: Callable[[dict[str, Any]], None]) -> None:
        self._app = app
        self._on_change = on_change
        self._source: Any = None
        self._after: Any = None
        self._overlays: dict[str, Any] = {}  # volumes of their own, small, by what they show
        self._image: Image | None = None
        self._step: Step | None = None
        self._unit = ""
        self._setting = False
        self._scale = 0.0  # of the colours of the difference; stays while it is large enough
        for view in app.view_manager.get_slice_views():
            view.render_window().SetMultiSamples(0)  # 8 are the default, and take ten times as long without a GPU
            view.modified.connect(self._on_slice)
            # before what else follows the mouse, which may end the event
            view.interactor().AddObserver("MouseMoveEvent", lambda *_, view=view: self._on_cursor(view), 10.0)

    @property
    def source(self) -> Any:
        """The volume node of the source."""
        return self._source

    @property
    def after(self) -> Any:
        """The volume node of what was made of it."""
        return self._after

    def start(self, image: Image, name: str) -> Any:
        """Show an image in the place of what was there; returns its volume node."""
        old = (self._source, self._after, *self._overlays.values())
        self._source, self._after = add_volume(image, name), add_volume(image, f"{name} after")
        self._overlays, self._image, self._step, self._scale = {}, image, None, 0.0
        for node in (self._source, self._after):
            node.GetDisplayNode().AddObserver(vtkCommand.ModifiedEvent, self._on_window)
        self.show(100.0, "")
        for node in old:
            _remove(node)
        self._app.display_manager.reset_views()
        for logic in self._app.app_logic.GetSliceLogics():
            logic.DeleteSliceModel()  # for 3D views; as it moves with its slice, the other views would be rendered
        self._on_window(self._source.GetDisplayNode())
        return self._source

    def set_modality(self, modality: str | None) -> None:
        """Say in which units values are."""
        self._unit = unit_of(modality)
        self._on_change({"unit": self._unit})

    def take(self, step: Step) -> None:
        """Show this step as after."""
        voxels, source = slicer.util.arrayFromVolume(self._after), slicer.util.arrayFromVolume(self._source)
        if self._step is not None and self._step.box is not None:
            voxels[self._step.box] = source[self._step.box]
        if step.box is not None:
            voxels[step.box] = step.values
        slicer.util.arrayFromVolumeModified(self._after)
        self._step = step
        old, self._overlays = self._overlays, {}
        if step.box is not None:
            self._scale = max(self._scale, step.reach)
            change = np.subtract(step.values, source[step.box], dtype=np.float32)
            limits = (-self._scale, self._scale)
            self._overlays["difference"] = self._add_overlay(change, step.box, difference_colours(), limits)
        if step.map is not None:
            shown = step.map
            self._overlays["map"] = self._add_overlay(shown.values, shown.box, map_colours(), (0, shown.reach))
            self._on_change({"map_reach": f"{shown.reach:.3g}", "map_unit": shown.unit})
        for node in old.values():
            _remove(node)
        self._on_change({"reach": f"{self._scale:.3g}"})

    def show(self, fade: float, overlay: str) -> None:
        """Show before (0) to after (100), or "difference" or "map" over one of them."""
        over = self._overlays.get(overlay) if overlay != "difference" or fade > 0 else None
        back, front, opacity = self._source, self._after, fade / 100
        if over is not None:
            back, front, opacity = self._after if fade >= 50 else self._source, over, _OPACITY
        elif fade in (0, 100):  # a second layer that hides the first, or is not seen, would cost as much as the first
            back, front = self._after if fade else self._source, None
        for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
            composite.SetLinkedControl(False)
            composite.SetBackgroundVolumeID(back.GetID())
            composite.SetForegroundVolumeID(front.GetID() if front is not None else None)
            composite.SetForegroundOpacity(opacity)
        self._render()  # an opacity alone does not lead to it

    def set_window(self, window: float, level: float) -> None:
        """Set the window and level of before and after."""
        self._setting = True
        for node in (self._source, self._after):
            display = node.GetDisplayNode()
            display.SetAutoWindowLevel(False)
            display.SetWindowLevel(window, level)
        self._setting = False
        self._render()  # nor does a window
        self._on_change({"width": _short(window), "level": _short(level)})

    def set_window_by_itself(self) -> None:
        """Let the values in the image decide."""
        for node in (self._source, self._after):
            node.GetDisplayNode().SetAutoWindowLevel(True)
        self._render()

    def drag_window(self, on: bool) -> None:
        """Have the left mouse button change window and level, or not."""
        if on and self._after is not None:
            self._after.GetImageData().GetScalarRange()  # the first drag asks for it, and waits: it takes long, once
        mode = slicer.vtkMRMLInteractionNode.AdjustWindowLevel if on else slicer.vtkMRMLInteractionNode.ViewTransform
        self._app.app_logic.GetInteractionNode().SetCurrentInteractionMode(mode)

    def jump(self, place: np.ndarray | None) -> None:
        """Move all views to a place in mm."""
        if place is None:
            return
        for view in self._app.view_manager.get_slice_views():
            view.get_view_node().JumpSliceByOffsetting(*place)
        self._render()

    def _render(self) -> None:
        for view in self._app.view_manager.get_slice_views():
            view.schedule_render()

    def _add_overlay(
        self, values: np.ndarray, box: tuple[slice, ...], colours: Any, limits: tuple[float, float]
    ) -> Any:
        """Values (k, j, i) of a box of the image, in these colours."""
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "overlay")
        slicer.util.updateVolumeFromArray(node, np.ascontiguousarray(values, np.float32))
        place = place_of_node(self._source)
        place[:3, 3] += place[:3, :3] @ [part.start for part in box[::-1]]
        node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(place))
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        display.SetAndObserveColorNodeID(colours.GetID())
        display.SetAutoWindowLevel(False)
        display.SetWindowLevelMinMax(*limits)
        display.SetInterpolate(False)
        return node

    def _on_window(self, display: Any, *_: Any) -> None:
        """The other of before and after takes what was set on one."""
        if self._setting or self._source is None:
            return
        if display.GetAutoWindowLevel():
            self._on_change({"width": _short(display.GetWindow()), "level": _short(display.GetLevel())})
        else:
            self.set_window(display.GetWindow(), display.GetLevel())

    def _on_slice(self, view: Any) -> None:
        if self._image is None:
            return
        node = view.get_view_node()
        matrix = slicer.util.arrayFromVTKMatrix(node.GetSliceToRAS())
        low, high = view.get_slice_range()
        step = view.get_slice_step()
        number, count = round((view.get_slice_value() - low) / step) + 1, round((high - low) / step) + 1
        plane = node.GetOrientation().removesuffix(" (reformat)") if self._image.voxels.ndim == 3 else "Film"
        text = f"{plane} {number} / {count}" if self._image.voxels.ndim == 3 else plane
        edges = letters(self._image, matrix[:3, 0], -matrix[:3, 1])
        self._on_change({f"edges_{view.get_singleton_tag()}": {**edges, "slice": text}})

    def _on_cursor(self, view: Any) -> None:
        if self._source is None:
            return
        x, y = view.interactor().GetEventPosition()
        ras = view.get_view_node().GetXYToRAS().MultiplyPoint((x, y, 0, 1))
        matrix = np.linalg.inv(place_of_node(self._source))
        i, j, k = np.rint((matrix @ ras)[:3]).astype(int)
        voxels = slicer.util.arrayFromVolume(self._source)
        if not all(0 <= at < size for at, size in zip((k, j, i), voxels.shape, strict=True)):
            self._on_change({"cursor": ""})
            return
        before, after = voxels[k, j, i], slicer.util.arrayFromVolume(self._after)[k, j, i]
        value = f"{before:.6g}" if before == after else f"before {before:.6g}, after {after:.6g}"
        where = f"row {i}, column {j}" if self._image.voxels.ndim == 2 else f"voxel {i}, {j}, {k}"
        line = f"{where}: {value} {self._unit}".strip()
        shown = self._step.map if self._step is not None else None
        if shown is not None:
            place = [at - part.start for at, part in zip((k, j, i), shown.box, strict=True)]
            inside = all(0 <= at < size for at, size in zip(place, shown.values.shape, strict=True))
            line += f"; {shown.title.lower()} {shown.values[tuple(place)] if inside else 0:.3g} {shown.unit}".rstrip()
        self._on_change({"cursor": line})


def _short(value: float) -> float:
    """To six digits, for a field."""
    return float(f"{value:.6g}")


def _remove(node: Any) -> None:
    if node is not None:
        display = node.GetDisplayNode()
        slicer.mrmlScene.RemoveNode(node)
        slicer.mrmlScene.RemoveNode(display)
