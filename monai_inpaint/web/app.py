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

import numpy as np
import slicer
from aiohttp import web
from trame.app import TrameApp
from trame.widgets import client
from trame_client.widgets.html import Div
from trame_slicer.app.logic import get_view_slider_typed_state
from trame_slicer.core import LayoutManager, SlicerApp
from trame_slicer.rca_view import register_rca_factories
from trame_slicer.segmentation import SegmentationEffectPaint
from trame_slicer.utils import vtk_image_to_np
from trame_slicer.views import Layout, LayoutDirection, ViewLayoutDefinition
from trame_vuetify.ui.vuetify3 import SinglePageLayout
from trame_vuetify.widgets import vuetify3

from monai_inpaint.failure import explain
from monai_inpaint.imaging.image import Image
from monai_inpaint.imaging.modality import MODALITIES
from monai_inpaint.io.isolated import read_image_isolated
from monai_inpaint.slicer import jobs, results, views
from monai_inpaint.slicer.environment import Environment
from monai_inpaint.slicer.errors import InpaintError
from monai_inpaint.slicer.nifti import write_nifti
from monai_inpaint.slicer.regions import catch_segment
from monai_inpaint.slicer.runs import Run, RunQueue, State
from monai_inpaint.slicer.volumes import catch_volume
from monai_inpaint.version import NOTICE
from monai_inpaint.web.request_guard import RequestGuard
from monai_inpaint.web.session import Session, is_number
from monai_inpaint.web.uploads import receive

TICK = 0.1  # seconds


class InpaintApp(TrameApp):
    """One volume, one segment, one run at a time.

    Args:
        folder: of the session, empty and private: for what is uploaded, and for runs.
        guard: who may come in.
        bundle: "cxr", "ct" or "mr".
        server: trame's.
    """

    def __init__(self, folder: Path, guard: RequestGuard, bundle: str = "mr", server: Any = None) -> None:
        super().__init__(server=server)
        self._folder = folder
        self._guard = guard
        self._slicer = SlicerApp()
        # what scripts in Slicer find there, those of monai_inpaint.slicer among them
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
            {"message": NOTICE, "fraction": 0, "progress": "", "busy": False, "running": False, "loaded": False,
             "filled": False, "painting": False, "after": True, "overlay": True, "bundle": bundle,
             "values": [0, 1], "limits": [0, 1], "secret": guard.secret, "trame__title": "monai-inpaint"}
        )  # fmt: skip
        self.server.enable_module({"serve": {"monai_inpaint": _SERVED}, "scripts": ["monai_inpaint/upload.js"]})
        self._build()

    def serve(self, host: str, port: int, ready: Callable[[int], None]) -> None:
        """Serve until interrupted.

        Args:
            host: to listen on.
            port: 0 for any that is free.
            ready: called with the port once the server listens.

        Raises:
            OSError: the address cannot be listened on.
        """

        def listening(**_: Any) -> None:
            self._guard.port = self.server.port
            ready(self.server.port)

        self.ctrl.on_server_bind.add(self._stand_guard)
        self.ctrl.on_server_ready.add(listening)
        self.server.cli.set_defaults(nows=True)  # trame's own web socket lets in whoever knows its default secret
        try:
            self.server.start(
                host=host, port=port, backend="aiohttp", open_browser=False, show_connection_info=False, timeout=0
            )
        finally:
            self._queue.end()

    def _stand_guard(self, wslink_server: Any) -> None:
        app = wslink_server.app
        self._guard.protect(app)
        session = Session(self.server.protocol, wslink_server, self._guard, self._checks())
        app.router.add_get("/ws", session.handleWsRequest)
        app.router.add_post("/upload", self.upload)

    def _checks(self) -> dict[str, Callable[[Any], bool]]:
        """The variables that widgets set, and what each takes."""
        sliders = [
            get_view_slider_typed_state(self.server, view).name.value
            for view in self._slicer.view_manager.get_slice_views()
        ]
        return {
            "bundle": lambda value: value in MODALITIES,
            "values": lambda value: isinstance(value, list) and len(value) == 2 and all(map(is_number, value)),
            **dict.fromkeys(sliders, is_number),
        }

    def _build(self) -> None:
        with SinglePageLayout(self.server) as self.ui:
            client.Style("html { overflow-y: hidden; } .v-file-input { max-height: 56px; overflow: hidden; }")
            self.ui.root.theme = "dark"
            with self.ui.toolbar as toolbar:
                toolbar.clear()
                self._file_input()
                vuetify3.VSelect(v_model=("bundle",), items=("['cxr', 'ct', 'mr']",), id="bundle", **_FLAT)
                self._button("paint", "mdi-brush", self.paint, "ready", "painting ? 'Stop painting' : 'Paint'")
                vuetify3.VRangeSlider(
                    v_model=("values",), min=("limits[0]",), max=("limits[1]",), thumb_label=True, id="values", **_FLAT
                )
                self._button("threshold", "mdi-contrast-box", self.threshold, "ready", "'Mark these values'")
                self._button("clear", "mdi-eraser", self.clear, "ready", "'Clear'")
                self._button("fill", "mdi-auto-fix", self.fill, "ready", "'Fill'")
                self._button("cancel", "mdi-cancel", self.cancel, "running", "'Cancel'")
                self._button("flip", "mdi-compare", self.flip, "filled", "after ? 'After' : 'Before'")
                self._button("overlay", "mdi-layers", self.overlay, "filled", "'Difference'")
                made = self.ctrl.trigger_name(self.saved)
                save = f"utils.download('filled.nii', trigger('{made}'), 'application/octet-stream')"
                vuetify3.VBtn("Save", id="save", click=save, disabled=("!filled",), prepend_icon="mdi-download")
            with self.ui.content:
                vuetify3.VProgressLinear(model_value=("fraction",), color="orange", height=4)
                Div("{{ message }} {{ progress }}", id="message", classes="px-4 py-1")
                self._layouts.initialize_layout_grid(self.ui)

    def _file_input(self) -> None:
        vuetify3.VFileInput(
            id="file", change="window.uploadVolume($event.target.files)", multiple=True, label="Volume", **_FLAT
        )

    def _button(self, name: str, icon: str, action: Callable[[], None], needs: str, text: str) -> None:
        def press() -> None:
            self._guarded(lambda: self._check(needs), action)

        enabled = _NEEDS[needs][0]
        vuetify3.VBtn(
            f"{{{{ {text} }}}}", id=name, click=press, disabled=(f"!({enabled})",), prepend_icon=icon, size="small"
        )

    def _check(self, needs: str) -> None:
        """What the page shows as disabled is refused, whoever asks for it."""
        if needs == "ready" and self.state.busy:
            raise InpaintError(_BUSY)
        if not self.state[{"ready": "loaded"}.get(needs, needs)]:
            raise InpaintError(_NEEDS[needs][1])

    async def upload(self, request: web.Request) -> web.Response:
        """Take in the files that a browser sends, and show the volume in them.

        What was there stays as it was where they hold none.
        """
        if self.state.busy:
            return self._answer(_BUSY, status=409)
        with self.state:
            self.state.update({"busy": True, "message": "Loading..."})
        names: dict[Path, str] = {}
        try:
            with tempfile.TemporaryDirectory(dir=self._folder) as folder:
                path, name = await receive(request.content, request.headers.get("X-List", ""), Path(folder), names)
                image = await asyncio.to_thread(read_image_isolated, path)
            self._take(image, name)
        except Exception as error:  # whatever it is, the person reads why nothing is shown
            sentence = str(error) if isinstance(error, InpaintError) else explain(error)[1]
            return self._answer(_named(sentence, names), status=422)
        finally:
            with self.state:
                self.state.busy = False
        return self._answer(self.state.message)

    def _answer(self, sentence: str, status: int = 200) -> web.Response:
        with self.state:
            self.state.message = sentence
        return web.Response(text=sentence, status=status)

    def open(self, path: Path) -> None:
        """Show the volume in a file of this machine.

        Raises:
            InputError: it cannot be read.
        """
        self._take(read_image_isolated(path), path.name)

    def _take(self, image: Image, name: str) -> None:
        """Put this volume in the place of the one that is there, and of all that was made of it."""
        source = _add_volume(image, name)
        editor = self._slicer.segmentation_editor
        editor.deactivate_effect()
        segmentation = editor.create_empty_segmentation_node()
        editor.set_active_segmentation(segmentation, source)
        editor.set_surface_representation_enabled(False)
        editor.add_empty_segment(segment_name="region")
        views.show(source)
        self._slicer.display_manager.reset_views()
        results.remove(*self._results, self._segmentation, self._source)
        self._source, self._segmentation, self._results = source, segmentation, ()
        low, high = source.GetImageData().GetScalarRange()
        with self.state:
            self.state.update(
                {"loaded": True, "filled": False, "painting": False, "after": True, "overlay": True,
                 "limits": [low, high], "values": [high - 0.1 * (high - low), high],
                 "message": f"{name}: mark what is to be filled. {NOTICE}"}
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
        volume = catch_volume(self._source)
        region = catch_segment(self._segmentation, self._slicer.segmentation_editor.active_segment_id)
        job = jobs.FillVolume(volume, region, self.state.bundle)
        run = self._queue.add(Run(job, Environment(sys.executable, self._folder)))
        self._slicer.segmentation_editor.deactivate_effect()
        self.state.update({"busy": True, "running": True, "painting": False, "message": "Filling..."})
        self._watching = asyncio.get_event_loop().create_task(self._watch(run))

    def cancel(self) -> None:
        """End the run."""
        self._queue.cancel()

    async def _watch(self, run: Run) -> None:
        while not run.ended:
            self._queue.tick()
            with self.state:
                self.state.update({"fraction": round(100 * run.progress.fraction), "progress": _progress(run)})
            await asyncio.sleep(TICK)
        self._queue.tick()
        with self.state:
            done = {"busy": False, "running": False, "fraction": 0, "progress": ""}
            self.state.update({**done, "message": _told(run)})
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
        """Return the filled volume as a NIfTI file."""
        self._check("filled")
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            path = Path(folder) / "filled.nii"
            filled = catch_volume(self._results[0])
            write_nifti(path, filled.voxels, filled.ijk_to_ras)
            return self.server.protocol.addAttachment(path.read_bytes())

    def _guarded(self, *actions: Callable[[], None]) -> None:
        """Run a step; a fault that the person can put right becomes a sentence."""
        try:
            for action in actions:
                action()
        except InpaintError as error:
            with self.state:
                self.state.message = str(error)


_SERVED = str(Path(__file__).with_name("serve"))
_BUSY = "Wait until what runs has ended, or press Cancel."
# what a button needs: for the browser, and what is said to who presses it without
_NEEDS = {
    "ready": ("loaded && !busy", "Load a volume first."),
    "running": ("running", "Nothing is running."),
    "filled": ("filled", "Fill a region first."),
}
_FLAT = {"hide_details": True, "density": "compact", "classes": "mx-2", "style": "max-width: 220px"}


def _told(run: Run) -> str:
    if run.state is State.DONE:
        return f"Filled in {run.seconds:.0f} s. {NOTICE}"
    if run.state is State.FAILED:
        return run.error
    return "Cancelled."


def _progress(run: Run) -> str:
    left = run.progress.seconds_left
    return f"{run.progress.stage or 'preparing'}{'' if left is None else f', {left:.0f} s left'}"


# of a picture without geometry: rows go down, columns to the right
_AS_IT_LIES = np.array([[0, -1, 0, 0], [-1, 0, 0, 0], [0, 0, -1, 0], [0, 0, 0, 1]], float)


def _add_volume(image: Image, name: str) -> Any:
    """A new node of the scene.

    Raises:
        InpaintError: no volume that can be filled.
    """
    voxels = _in_units(image)
    voxels = np.atleast_3d(voxels).transpose(2, 1, 0)  # MRML has (k, j, i)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    slicer.util.updateVolumeFromArray(node, np.ascontiguousarray(voxels))
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(_AS_IT_LIES if image.affine is None else image.affine))
    node.CreateDefaultDisplayNodes()
    return node


def _in_units(image: Image) -> np.ndarray:
    """The voxels in physical units: as stored where that is the same, as whole numbers where there are none between."""
    scaled = np.ndim(image.slope) or np.ndim(image.intercept) or (image.slope, image.intercept) != (1, 0)
    if not scaled:
        return image.voxels if image.voxels.dtype.name in jobs.FORMATS else image.voxels.astype(np.float64)
    units = image.units()
    whole = np.rint(units)
    limits = np.iinfo(np.int16)
    if np.array_equal(whole, units) and limits.min <= whole.min() and whole.max() <= limits.max:
        return whole.astype(np.int16)
    return units


def _named(sentence: str, names: dict[Path, str]) -> str:
    """The sentence with the names that the person knows in place of paths of this machine."""
    for path, name in names.items():
        sentence = sentence.replace(str(path), name)
    return sentence
