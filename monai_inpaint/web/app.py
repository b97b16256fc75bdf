"""Load, paint or threshold a region, fill it, compare, save."""

# trame and Slicer bring no types
# pyright: basic

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer
from trame.app import TrameApp
from trame.widgets import client
from trame_client.widgets.html import Div
from trame_slicer.core import LayoutManager, SlicerApp
from trame_slicer.rca_view import register_rca_factories
from trame_slicer.segmentation import SegmentationEffectPaint
from trame_slicer.utils import vtk_image_to_np, write_client_files_to_dir
from trame_slicer.views import Layout, LayoutDirection, ViewLayoutDefinition
from trame_vuetify.ui.vuetify3 import SinglePageLayout
from trame_vuetify.widgets import vuetify3

from monai_inpaint.web.InpaintLib import jobs, results, views
from monai_inpaint.web.InpaintLib.environment import Environment
from monai_inpaint.web.InpaintLib.errors import InpaintError
from monai_inpaint.web.InpaintLib.nifti import write_nifti
from monai_inpaint.web.InpaintLib.regions import catch_segment
from monai_inpaint.web.InpaintLib.runs import Run, RunQueue, State
from monai_inpaint.web.InpaintLib.volumes import catch_volume

TICK = 0.1  # seconds
NOTICE = "Research use only, not for diagnosis."


class InpaintApp(TrameApp):
    """One volume, one segment, one run at a time.

    Args:
        server: trame's.
        volume: a file to begin with; None: the person loads one.
        bundle: "cxr", "ct" or "mr".
    """

    def __init__(self, server: Any = None, volume: Path | None = None, bundle: str = "mr") -> None:
        super().__init__(server=server)
        self._slicer = SlicerApp()
        # what scripts in Slicer find there, InpaintLib among them
        slicer.mrmlScene = self._slicer.scene
        slicer.util.slicer = slicer
        register_rca_factories(self._slicer.view_manager, self.server)
        self._layouts = LayoutManager(self._slicer.scene, self._slicer.view_manager, self.server)
        axial, *others = (getattr(ViewLayoutDefinition, f"{name}_view")() for name in ("axial", "coronal", "sagittal"))
        layout = Layout(LayoutDirection.Horizontal, [axial, Layout(LayoutDirection.Vertical, others)])
        self._layouts.register_layout("slices", layout)
        self._layouts.set_layout("slices")
        self._queue = RunQueue()
        self._source: Any = None
        self._segmentation: Any = None
        self._results: tuple[Any, ...] = ()
        self.state.update(
            {"message": NOTICE, "fraction": 0, "busy": False, "painting": False, "filled": False, "loaded": False,
             "after": True, "overlay": True, "grow": 0, "bundle": bundle, "values": [0, 1], "limits": [0, 1],
             "trame__title": "monai-inpaint"}
        )  # fmt: skip
        self._build()
        if volume is not None:
            self._load(str(volume))

    def _build(self) -> None:
        with SinglePageLayout(self.server) as self.ui:
            client.Style("html { overflow-y: hidden; }")
            self.ui.root.theme = "dark"
            with self.ui.toolbar as toolbar:
                toolbar.clear()
                self._file_input()
                vuetify3.VSelect(v_model=("bundle",), items=("['cxr', 'ct', 'mr']",), id="bundle", **_FLAT)
                self._button(
                    "paint", "mdi-brush", self.paint, "loaded && !busy", "painting ? 'Stop painting' : 'Paint'"
                )
                vuetify3.VRangeSlider(
                    v_model=("values",), min=("limits[0]",), max=("limits[1]",), thumb_label=True, id="values", **_FLAT
                )
                self._button("threshold", "mdi-contrast-box", self.threshold, "loaded && !busy", "'Mark these values'")
                self._button("clear", "mdi-eraser", self.clear, "loaded && !busy", "'Clear'")
                self._button("fill", "mdi-auto-fix", self.fill, "loaded && !busy", "'Fill'")
                self._button("cancel", "mdi-cancel", self.cancel, "busy", "'Cancel'")
                self._button("flip", "mdi-compare", self.flip, "filled", "after ? 'After' : 'Before'")
                self._button("overlay", "mdi-layers", self.overlay, "filled", "'Difference'")
                made = self.ctrl.trigger_name(self.saved)
                save = f"utils.download('filled.nii', trigger('{made}'), 'application/octet-stream')"
                vuetify3.VBtn("Save", id="save", click=save, disabled=("!filled",), prepend_icon="mdi-download")
            with self.ui.content:
                vuetify3.VProgressLinear(model_value=("fraction",), color="orange", height=4)
                Div("{{ message }}", id="message", classes="px-4 py-1")
                self._layouts.initialize_layout_grid(self.ui)

    def _file_input(self) -> None:
        loaded = self.ctrl.trigger_name(self.load)
        vuetify3.VFileInput(
            id="file", change=f"trigger('{loaded}', [$event.target.files])", multiple=True, label="Volume", **_FLAT
        )

    def _button(self, name: str, icon: str, action: Callable[[], None], enabled: str, text: str) -> None:
        vuetify3.VBtn(
            f"{{{{ {text} }}}}", id=name, click=action, disabled=(f"!({enabled})",), prepend_icon=icon, size="small"
        )

    def load(self, files: list[dict[str, Any]]) -> None:
        """Files that the browser sent."""
        with tempfile.TemporaryDirectory() as folder:
            self._guarded(lambda: self._load(*sorted(map(str, write_client_files_to_dir(files, folder)))))

    def _load(self, *files: str) -> None:
        nodes = self._slicer.io_manager.load_volumes(list(files))
        if not nodes:
            raise InpaintError("This is no volume that can be read; load NRRD, NIfTI or DICOM.")
        catch_volume(nodes[0])
        self._source = nodes[0]
        self._results = ()
        low, high = self._source.GetImageData().GetScalarRange()
        editor = self._slicer.segmentation_editor
        self._segmentation = editor.create_empty_segmentation_node()
        editor.set_active_segmentation(self._segmentation, self._source)
        editor.set_surface_representation_enabled(False)
        editor.add_empty_segment(segment_name="region")
        views.show(self._source)
        self._slicer.display_manager.reset_views()
        with self.state:
            self.state.update(
                {"loaded": True, "filled": False, "painting": False,
                 "limits": [low, high], "values": [high - 0.1 * (high - low), high],
                 "message": f"{self._source.GetName()}: mark what is to be filled. {NOTICE}"}
            )  # fmt: skip

    def paint(self) -> None:
        """Paint with the mouse, or stop doing so."""
        editor = self._slicer.segmentation_editor
        if self.state.painting:
            editor.deactivate_effect()
        else:
            editor.set_active_effect_type(SegmentationEffectPaint)
        self.state.painting = not self.state.painting

    def threshold(self) -> None:
        """Mark all between the two values."""
        voxels = slicer.util.arrayFromVolume(self._source)
        low, high = self.state.values
        self._mark((voxels >= low) & (voxels <= high))

    def clear(self) -> None:
        """Mark nothing."""
        editor = self._slicer.segmentation_editor
        editor.remove_segment(editor.active_segment_id)
        editor.add_empty_segment(segment_name="region")
        self.state.message = "Nothing is marked."

    def _mark(self, marked: Any) -> None:
        """Mark this (k, j, i) and nothing else."""
        self.clear()
        editor = self._slicer.segmentation_editor
        labels = editor.create_modifier_labelmap()
        vtk_image_to_np(labels)[marked] = 1
        editor.apply_labelmap(labels)
        self.state.message = f"{int(marked.sum())} voxels are marked."

    def fill(self) -> None:
        """Fill what is marked, in the background."""
        self._guarded(self._fill)

    def _fill(self) -> None:
        volume = catch_volume(self._source)
        region = catch_segment(self._segmentation, self._slicer.segmentation_editor.active_segment_id)
        job = jobs.Fill(volume, region, self.state.bundle, float(self.state.grow))
        run = self._queue.add(Run(job, Environment(sys.executable, Path(tempfile.gettempdir()))))
        self._slicer.segmentation_editor.deactivate_effect()
        self.state.update({"busy": True, "painting": False, "message": "Filling..."})
        asyncio.get_event_loop().create_task(self._watch(run))

    def cancel(self) -> None:
        """End the run."""
        self._queue.cancel()

    async def _watch(self, run: Run) -> None:
        while not run.ended:
            self._queue.tick()
            with self.state:
                self.state.update({"fraction": round(100 * run.progress.fraction), "message": _told(run)})
            await asyncio.sleep(TICK)
        self._queue.tick()
        with self.state:
            self.state.update({"busy": False, "fraction": 0, "message": _told(run)})
            if run.state is State.DONE:
                results.remove(*self._results)
                self._results = results.add_filled(run.result)
                self._segmentation.GetDisplayNode().SetVisibility(False)
                self.state.update({"filled": True, "after": True, "overlay": True})
                self._show()

    def flip(self) -> None:
        """Show before or after."""
        self.state.after = not self.state.after
        self._show()

    def overlay(self) -> None:
        """Show or hide the difference."""
        self.state.overlay = not self.state.overlay
        self._show()

    def _show(self) -> None:
        filled, difference = self._results
        shown = difference if self.state.overlay and self.state.after else None
        views.show(filled if self.state.after else self._source, shown)

    def saved(self) -> bytes:
        """The filled volume as a NIfTI file."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "filled.nii"
            filled = catch_volume(self._results[0])
            write_nifti(path, filled.voxels, filled.ijk_to_ras)
            return self.server.protocol.addAttachment(path.read_bytes())

    def _guarded(self, action: Callable[[], None]) -> None:
        """What the person can put right is told in a sentence."""
        try:
            action()
        except InpaintError as error:
            with self.state:
                self.state.message = str(error)


_FLAT = {"hide_details": True, "density": "compact", "classes": "mx-2", "style": "max-width: 220px"}


def _told(run: Run) -> str:
    if run.state is State.DONE:
        return f"Filled in {run.seconds:.0f} s. {NOTICE}"
    if run.state is State.FAILED:
        return run.error
    if run.state is State.CANCELLED:
        return "Cancelled."
    left = run.progress.seconds_left
    return f"{run.progress.stage or 'preparing'}{'' if left is None else f', {left:.0f} s left'}"
