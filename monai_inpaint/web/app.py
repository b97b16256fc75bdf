"""Load, mark, fill, compare and save: what the page's widgets do."""

# trame and Slicer bring no types
# pyright: basic

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer
from aiohttp import web
from trame.app import TrameApp
from trame_slicer.app.logic import get_view_slider_typed_state
from trame_slicer.core import LayoutManager, SlicerApp
from trame_slicer.rca_view import register_rca_factories
from trame_slicer.views import Layout, LayoutDirection, ViewLayoutDefinition

from monai_inpaint.imaging.image import Image
from monai_inpaint.imaging.modality import MODALITIES
from monai_inpaint.io.isolated import read_image_isolated
from monai_inpaint.slicer.errors import InpaintError
from monai_inpaint.web.downloads import RESULTS, ending, formats_of, saved_name, write_map, write_reports, write_step
from monai_inpaint.web.fill_steps import ResultsJob, Step, StepJob
from monai_inpaint.web.marked_regions import MarkedRegions
from monai_inpaint.web.marks_file import read_marks
from monai_inpaint.web.page import Page, slice_overlay
from monai_inpaint.web.page_values import AUTO, MARKING, METHODS, checks, initial
from monai_inpaint.web.request_guard import RequestGuard
from monai_inpaint.web.run_watch import RunWatch
from monai_inpaint.web.scene_volume import in_scene
from monai_inpaint.web.search_jobs import FindJob, MapJob
from monai_inpaint.web.session import Session
from monai_inpaint.web.slice_display import PRESETS, SliceDisplay
from monai_inpaint.web.step_history import StepHistory
from monai_inpaint.web.transfers import BUSY, Transfers

FLICKER = 0.6  # seconds
_ASK = "Choose the model"


class InpaintApp(TrameApp):
    """One image, its regions, what was made of it, and one run at a time.

    Args:
        folder: of the session, empty and private: for what is uploaded, and for runs.
        guard: who may come in.
        bundle: "cxr", "ct" or "mr"; None: that of the image's modality.
        server: trame's.
    """

    def __init__(self, folder: Path, guard: RequestGuard, bundle: str | None = None, server: Any = None) -> None:
        super().__init__(server=server)
        self._folder, self._guard, self._bundle = folder, guard, bundle
        self._slicer = SlicerApp()
        # what scripts in Slicer find there, those of monai_inpaint.slicer among them
        slicer.mrmlScene = self._slicer.scene
        slicer.util.slicer = slicer
        register_rca_factories(self._slicer.view_manager, self.server, slice_view_ui_f=slice_overlay)
        self._layouts = LayoutManager(self._slicer.scene, self._slicer.view_manager, self.server)
        axial, *others = (getattr(ViewLayoutDefinition, f"{name}_view")() for name in ("axial", "coronal", "sagittal"))
        layout = Layout(LayoutDirection.Horizontal, [axial, Layout(LayoutDirection.Vertical, others)], ["3", "2"])
        self._layouts.register_layout("volume", layout)
        self._layouts.register_layout("film", Layout(LayoutDirection.Vertical, [axial]))
        self._layouts.set_layout("volume")
        self._runs = RunWatch(self.state, folder)
        self._transfers = Transfers(self.state, folder)
        self._image: Image | None = None
        self._name = ""
        self._places = 0
        self.state.update(initial(bundle, guard.secret))
        self._display = SliceDisplay(self._slicer, self._tell)
        self._marks = MarkedRegions(self._slicer.segmentation_editor, self._tell_marks)
        self._history = StepHistory(self._marks, self._show_step)
        for names, act in (
            (["tool"], self._use), (["brush", "ball"], self._set_brush), (["values"], self._preview),
            (["active"], self._activate), (["shown"], self._show_regions), (["fade", "overlay"], self._show),
            (["width", "level"], self._set_window), (["preset"], self._set_preset), (["flicker"], self._flicker),
            (["bundle"], self._set_model), (["at"], self._go_to),
        ):  # fmt: skip
            self.state.change(*names)(self._on_change(act))
        self.server.enable_module({"serve": {"monai_inpaint": _SERVED}, "scripts": ["monai_inpaint/page.js"]})
        editing = ("mark", "grow", "shrink", "undo", "redo", "add", "remove")
        work = ("fill", "another", "find_artifacts", "find_metal", "metal", "map", "results")
        actions = {name: self._guarded(getattr(self, name), self._check_idle) for name in (*editing, *work)}
        actions |= {name: self._guarded(getattr(self, name)) for name in ("cancel", "flip")}
        for name, act in actions.items():
            self.ctrl.trigger(name)(act)
        self.ui = Page(self.server, self._layouts.initialize_layout_grid)

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
            self._runs.end()

    def _stand_guard(self, wslink_server: Any) -> None:
        app = wslink_server.app
        views = self._slicer.view_manager.get_slice_views()
        sliders = [get_view_slider_typed_state(self.server, view).name.value for view in views]
        taken = checks(self.state, self._marks.names, sliders)
        session = Session(self.server.protocol, wslink_server, self._guard, taken, self._refuse)
        self._guard.protect(app, occupied=lambda: session.occupied)
        app.router.add_get("/ws", session.handleWsRequest)
        app.router.add_post("/upload/volume", self.upload)
        app.router.add_post("/upload/marks", self.upload_marks)
        app.router.add_post("/save/image", self.save_image)
        app.router.add_post("/save/report", self.save_report)
        app.router.add_post("/save/map", self.save_map)

    # what is loaded

    async def upload(self, request: web.Request) -> web.Response:
        """Take in the files that a browser sends, and show the image in them.

        What was there stays as it was where they hold none.
        """
        folder = self._new_place()

        async def load(path: Path, name: str) -> None:
            image = await asyncio.to_thread(read_image_isolated, path)
            self._take(image, path, name)
            for old in self._folder.glob("step-*"):
                if old != folder:
                    shutil.rmtree(old)

        answer = await self._transfers.take_in(request, folder, load)
        if answer.status != 200:
            shutil.rmtree(folder, ignore_errors=True)
        return answer

    async def upload_marks(self, request: web.Request) -> web.Response:
        """Take in a mask, a label map, a SEG or a structure set, as regions."""
        if self._image is None:
            return self._transfers.answer("Load the image first, then the mask.", status=409)

        async def load(path: Path, name: str) -> None:
            found = await asyncio.to_thread(read_marks, path, self._image)
            for region, voxels in found.items():
                self._marks.mark(in_scene(voxels), region or name)
            self._display.jump(self._marks.centre())
            self.state.message = f"{name}: {len(found)} {'region' if len(found) == 1 else 'regions'} loaded."

        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            return await self._transfers.take_in(request, Path(folder), load)

    def open(self, path: Path) -> None:
        """Show the image in a file of this machine.

        Raises:
            InputError: it cannot be read.
        """
        self._take(read_image_isolated(path), path.absolute(), path.name)  # runs are in folders of their own

    def _take(self, image: Image, path: Path, name: str) -> None:
        """Put this image in the place of the one that is there, and of all that was made of it."""
        self._layouts.set_layout("film" if image.voxels.ndim == 2 else "volume")
        node = self._display.start(image, name)
        self._marks.start(node, "px" if image.affine is None else "cm\u00b2" if image.voxels.ndim == 2 else "ml")
        self._image, self._name = image, name
        self._history.start(Step(path, "Original", "Original"))
        low, high = node.GetImageData().GetScalarRange()
        whole = image.voxels.dtype.kind in "iu"
        suffixes = formats_of(image, path)
        bundle = image.modality if image.modality in MODALITIES else self._bundle
        ask = "" if bundle else f" {_ASK}: the file does not say whether it is a film, CT or MR."
        self.state.update(
            {"loaded": True, "name": name, "cursor": "", "flat": image.voxels.ndim == 2, "tool": "look", "fade": 100,
             "flicker": False, "bundle": bundle,
             "limits": [low, high, 1 if whole else (high - low) / 1000],
             "values": [high - 0.1 * (high - low), high], "suffixes": suffixes, "suffix": suffixes[0], "preset": None,
             "length": "px" if image.affine is None else "mm",  # that brush and margin are measured in
             "margin": max(2.0, round(min(node.GetSpacing()) + 0.05, 1)),
             "message": f"{self._next}{ask}"}
        )  # fmt: skip
        self._set_model()
        self._set_brush()

    # what is marked

    def _use(self) -> None:
        tool = self.state.tool
        if tool in MARKING and not self.state.loaded:
            raise InpaintError("Load an image first.")
        self._display.drag_window(tool == "window")
        self._marks.use(tool)
        if tool == "threshold":
            self._preview()

    def _set_brush(self) -> None:
        if self.state.loaded:
            self._marks.set_brush(self.state.brush, ball=self.state.ball)

    def _preview(self) -> None:
        if self.state.tool == "threshold":
            self._marks.preview(*self.state.values)

    def _activate(self) -> None:
        if self.state.active and self.state.active != self._marks.active:
            self._marks.activate(self.state.active)
            self._display.jump(self._marks.centre())

    def _show_regions(self) -> None:
        if self.state.loaded:
            self._marks.show(self.state.shown)

    def mark(self) -> None:
        """Mark all between the two values."""
        voxels = slicer.util.arrayFromVolume(self._display.after)
        low, high = self.state.values
        self.state.message = f"{self._marks.mark((voxels >= low) & (voxels <= high))} voxels are marked."

    def grow(self) -> None:
        """Grow the region by the margin."""
        self._marks.change(self.state.margin)

    def shrink(self) -> None:
        """Shrink the region by the margin."""
        self._marks.change(-self.state.margin)

    def add(self) -> None:
        """Begin another region."""
        self._marks.add()

    def remove(self) -> None:
        """Take the region away."""
        self._marks.remove()

    def undo(self) -> None:
        """Take back the last change of regions, or the last fill."""
        self._marks.stack.undo()

    def redo(self) -> None:
        """Do again what was taken back."""
        self._marks.stack.redo()

    # what is done

    def fill(self) -> None:
        """Fill what is marked, in the image as it is shown."""
        hole, regions = self._marks.hole(), self._marks.marked()
        self._run(
            StepJob(
                self._history.shown, self._image, self._new_place(), self._chosen_bundle(), hole, frozenset(regions),
                self.state.drawn, int(self.state.seed),
            ),
            self._history.add,
        )  # fmt: skip

    def another(self) -> None:
        """Draw the last sample again, with the next seed."""
        job = self._history.shown.job
        if not _sampled(job):
            raise InpaintError("Fill a region with a sample first.")
        self.state.seed = job.seed + 1
        self._run(job.another(self._new_place()), self._history.add)

    def metal(self) -> None:
        """Reduce the artifacts of metal in the whole image."""
        method = None if self.state.method == METHODS[0] else self.state.method
        shown, place = self._history.shown, self._new_place()
        self._run(StepJob(shown, self._image, place, self._chosen_bundle(), method=method), self._history.add)

    def find_artifacts(self) -> None:
        """Mark what looks like an artifact, for correction."""
        self._run(FindJob("artifacts", self._history.shown, self._image, None), self._add_found)

    def find_metal(self) -> None:
        """Mark metal, and what it affects."""
        self._run(FindJob("metal", self._history.shown, self._image, self._chosen_bundle()), self._add_found)

    def map(self) -> None:
        """Map where the image is unlike healthy anatomy."""
        shown, place = self._history.shown, self._new_place()
        self._run(MapJob(shown, self._image, place, self._chosen_bundle()), self._history.add)

    def cancel(self) -> None:
        """End the run."""
        self._runs.cancel()

    def results(self) -> None:
        """Make the DICOM results that are not there yet of the fills that led to what is shown, and save them all."""
        if not self.state.filled or RESULTS not in self.state.suffixes:
            raise InpaintError("Fill a region of a DICOM image first.")
        job = ResultsJob.next(self._history.shown)
        if job:
            self._run(job, lambda _: self.results(), job.source)
        else:
            self.state.message = "The DICOM results are made."
            self.ui.save_results()

    def _run(self, job: Any, then: Callable[[Any], None], source: Path | None = None) -> None:
        self._runs.start(job, {source or self._history.shown.path: self._name}, then)
        self.state.tool = "look"
        self._use()

    def _show_step(self, step: Step) -> None:
        """Called by the history."""
        self._display.take(step)
        self.state.update(
            {"steps": [one.label for one in self._history.steps], "at": self._history.number, "fade": 100,
             "flicker": False, "overlay": "map" if step.map else "", "filled": step.box is not None,
             "reported": bool(step.line), "sampled": _sampled(step.job), "mapped": step.map.title if step.map else "",
             "message": f"{step.title}."}
        )  # fmt: skip
        self._show()

    def _go_to(self) -> None:
        if self.state.loaded:
            self._history.go_to(int(self.state.at))

    def _add_found(self, found: dict[str, Any]) -> None:
        for name, voxels in found.items():
            self._marks.mark(voxels, name)
        self._display.jump(self._marks.centre())
        self.state.message = f"{', '.join(found)}: check what is marked, and correct it, before you fill."

    def _chosen_bundle(self) -> str:
        if self.state.bundle not in MODALITIES:
            raise InpaintError(f"{_ASK} first: the file does not say whether it is a film, CT or MR.")
        return self.state.bundle

    def _new_place(self) -> Path:
        """A name in the folder of the session that was not there before."""
        self._places += 1
        return self._folder / f"step-{self._places}"

    # what is looked at

    def flip(self) -> None:
        """Show before or after."""
        if not self.state.filled:
            raise InpaintError("Fill a region first.")
        self.state.fade = 0 if self.state.fade >= 50 else 100
        self._show()

    def _show(self) -> None:
        if self.state.loaded:
            self._display.show(self.state.fade, self.state.overlay)

    async def _flicker(self) -> None:
        while self.state.flicker and self.state.filled:
            with self.state:
                self.flip()
            await asyncio.sleep(FLICKER)

    def _set_window(self) -> None:
        if self.state.loaded and self.state.width > 0:
            self._display.set_window(self.state.width, self.state.level)

    def _set_preset(self) -> None:
        if self.state.preset == AUTO:
            self._display.set_window_by_itself()
        elif self.state.preset in PRESETS:
            self._display.set_window(*PRESETS[self.state.preset])

    @property
    def _next(self) -> str:
        """Message after an image was loaded."""
        return f"{self._name}: mark what is to be filled."

    def _set_model(self) -> None:
        self._display.set_modality(self.state.bundle)
        if self.state.bundle and _ASK in self.state.message:
            self.state.message = self._next

    # what is saved

    async def save_image(self, request: web.Request) -> web.StreamResponse:
        """Hand over the image as it is shown after, in the chosen format."""
        suffix = request.query.get("suffix")
        if not self.state.filled:
            return self._transfers.answer("Fill a region first.", status=409)
        if suffix not in self.state.suffixes:
            return self._transfers.answer("Choose a format of the list.", status=422)
        name = saved_name(self._name, ending(suffix))
        return await self._save(request, lambda step, folder: write_step(step, suffix, folder), name)

    async def save_report(self, request: web.Request) -> web.StreamResponse:
        """Hand over the reports of what was done."""
        return await self._save(request, write_reports, saved_name(self._name, "_filled.json"))

    async def save_map(self, request: web.Request) -> web.StreamResponse:
        """Hand over the map that is shown."""
        if not self.state.mapped:
            return self._transfers.answer("There is no map; fill with the spread, or press Anomalies.", status=409)
        suffix = f"_{self.state.mapped.lower()}{self._history.shown.map.path.suffix}"
        return await self._save(request, write_map, saved_name(self._name, suffix))

    async def _save(self, request: web.Request, write: Callable[[Step, Path], Path], name: str) -> web.StreamResponse:
        if not self.state.reported:
            return self._transfers.answer("Fill a region first.", status=409)
        step = self._history.shown
        return await self._transfers.hand_over(request, lambda folder: write(step, folder), name)

    # messages

    def _tell(self, values: dict[str, Any]) -> None:
        self.state.update(values)

    def _tell_marks(self) -> None:
        stack = self._marks.stack
        self.state.update(
            {"regions": self._marks.listed(), "active": self._marks.active, "shown": self._marks.shown(),
             "can_undo": stack.can_undo(), "can_redo": stack.can_redo()}
        )  # fmt: skip

    def _refuse(self, names: list[str]) -> None:
        """Show the values again that stay, where a browser shows others."""
        self.server.protocol.force_push_state(*names)
        with self.state:
            kept = "stays as it is" if len(names) == 1 else "stay as they are"
            self.state.message = f"The {' and the '.join(names)} cannot be that now, and {kept}."

    def _check_idle(self) -> None:
        """Refuse actions that the page shows as disabled: during a run, and without an image."""
        if self.state.busy:
            raise InpaintError(BUSY)
        if not self.state.loaded:
            raise InpaintError("Load an image first.")

    def _guarded(self, *actions: Callable[[], None]) -> Callable[[], None]:
        """The last action first; a fault that the person can put right becomes a sentence."""

        def press() -> None:
            try:
                for action in reversed(actions):
                    action()
            except InpaintError as error:
                with self.state:
                    self.state.message = str(error)

        return press

    def _on_change(self, act: Callable[[], Any]) -> Callable[..., Any]:
        guarded = self._guarded(act)
        if asyncio.iscoroutinefunction(act):

            async def changed(**_: Any) -> None:
                await act()

            return changed
        return lambda **_: guarded()


_SERVED = str(Path(__file__).with_name("serve"))


def _sampled(job: Any) -> bool:
    return isinstance(job, StepJob) and job.drawn == "sample"
