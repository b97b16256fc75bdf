"""3D Slicer module: mark or find a region, fill it with healthy anatomy, compare. Research use only.

Only what is Qt is here; everything else is in InpaintLib.
"""

import time
from pathlib import Path
from typing import Annotated

import qt
import slicer
import vtk
from InpaintLib import dicom, environment, exports, jobs, parameters, preview, results, sample_data, searches, views
from InpaintLib.errors import InpaintError
from InpaintLib.info_lines import info_lines
from InpaintLib.parameters import ARTIFACTS, LABEL_MAP, METAL, POINT, ROI, SEGMENT, TEXT, VISIBLE
from InpaintLib.runs import Run, RunQueue, State
from slicer import (
    vtkMRMLLabelMapVolumeNode,
    vtkMRMLMarkupsFiducialNode,
    vtkMRMLMarkupsROINode,
    vtkMRMLScalarVolumeNode,
    vtkMRMLSegmentationNode,
)
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import Choice, WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

REGIONS, BUNDLES, METHODS, DRAWN = parameters.REGIONS, parameters.BUNDLES, parameters.METHODS, list(parameters.DRAWN)
OVERLAYS = ["none", *results.MAPS]
TICK_MS = 50
FLICKER_MS = 500
REQUIREMENTS, FOR_METAL = "requirements.txt", "requirements-metal.txt"
# what a key does while the module is shown; the buttons' tips name them too
SHORTCUTS = {
    "Alt+A": "onApplyButton",
    "Alt+N": "onAnotherButton",
    "Alt+B": "onFlipButton",
    "Alt+D": "onOverlayButton",
    "Alt+Z": "onUndoButton",
}


class Inpaint(ScriptedLoadableModule):
    """The module as Slicer lists it."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("Inpaint")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Filtering")]
        parent.dependencies = []
        parent.contributors = ["The monai-inpaint developers"]
        parent.helpText = _(
            "Fills a marked region of a chest X-ray, CT or MR volume with what healthy anatomy would look like there, "
            "finds metal in CT and takes its artifacts out, and shows what changed. Nothing else changes.<br>"
            "<b>Research use only, not for diagnosis.</b> A fill is made up: it can hide disease."
        )
        parent.acknowledgementText = _("Built on MONAI, OpenVINO and 3D Slicer.")
        slicer.app.connect("startupCompleted()", registerSampleData)


def registerSampleData():
    """Offer volumes to try the module on: two of Slicer's own, two that the package computes."""
    sample_data.register(Path(__file__).parent / "Resources" / "Icons" / "Inpaint.png", computeSample)


def computeSample(name: str):
    """Compute a sample and add it to the scene; returns the volume node, or None and shows why not."""
    try:
        logic = InpaintLogic()
        return sample_data.add_sample(logic.wait(logic.add(sample_data.MakeSample(name))))
    except InpaintError as error:
        slicer.util.errorDisplay(str(error), windowTitle=_("Inpaint"))
        return None


@parameterNodeWrapper
class InpaintParameterNode:
    """What a run needs, stored in the scene.

    inputVolume - the volume to fill
    region - how the region is given; the fields below that belong to it count
    segmentation, segment - the segmentation and the ID of one of its segments
    labelMap, roi, point, radius - the other kinds of region; mm
    grow - mm by which a region is made larger
    bundle - the model; automatic: by the DICOM modality
    drawn, seed - the best estimate, a sample with a given seed, or the best estimate with its predicted error
    method, judgeThreshold, metalThreshold, keepMetal - for metal; HU
    filledVolume - the result that is looked at; of the last run until another one is chosen
    overlay - which of its maps is laid over it
    """

    inputVolume: vtkMRMLScalarVolumeNode
    region: Annotated[str, Choice(REGIONS)] = SEGMENT
    segmentation: vtkMRMLSegmentationNode
    segment: str
    labelMap: vtkMRMLLabelMapVolumeNode
    roi: vtkMRMLMarkupsROINode
    point: vtkMRMLMarkupsFiducialNode
    radius: Annotated[float, WithinRange(1, 200)] = 15
    grow: Annotated[float, WithinRange(0, 50)] = 0
    bundle: Annotated[str, Choice(BUNDLES)] = parameters.AUTOMATIC
    drawn: Annotated[str, Choice(DRAWN)] = parameters.ESTIMATE
    seed: Annotated[int, WithinRange(0, 9999)] = 0
    method: Annotated[str, Choice(METHODS)] = parameters.AUTOMATIC
    judgeThreshold: bool = True
    metalThreshold: Annotated[float, WithinRange(500, 20000)] = 2500
    keepMetal: bool = True
    filledVolume: vtkMRMLScalarVolumeNode
    overlay: Annotated[str, Choice(OVERLAYS)] = results.DIFFERENCE


class InpaintWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Widgets and timers; asks the logic for everything else."""

    def __init__(self, parent=None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self._parameterNode = None
        self._parameterNodeGuiTag = None
        self._shown = None  # the run whose log is shown
        self._installLog = []
        self._shortcuts = []

    def setup(self) -> None:
        ScriptedLoadableModuleWidget.setup(self)
        widget = slicer.util.loadUI(self.resourcePath("UI/Inpaint.ui"))
        self.layout.addWidget(widget)
        self.ui = slicer.util.childWidgetVariables(widget)
        widget.setMRMLScene(slicer.mrmlScene)
        self.logic = InpaintLogic()

        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.ui.applyButton.connect("clicked(bool)", self.onApplyButton)
        self.ui.queueButton.connect("clicked(bool)", self.onQueueButton)
        self.ui.anotherButton.connect("clicked(bool)", self.onAnotherButton)
        self.ui.studyButton.connect("clicked(bool)", self.onStudyButton)
        self.ui.editorButton.connect("clicked(bool)", self.onEditorButton)
        self.ui.findMetalButton.connect("clicked(bool)", self.onFindButton)
        self.ui.findArtifactsButton.connect("clicked(bool)", self.onFindButton)
        self.ui.mapButton.connect("clicked(bool)", self.onMapButton)
        self.ui.previewButton.connect("toggled(bool)", self.updatePreview)
        self.ui.thresholdSlider.connect("valueChanged(double)", self.updatePreview)
        self.ui.segmentSelector.connect("currentNodeChanged(vtkMRMLNode*)", self.onSegmentationChosen)
        self.ui.segmentSelector.connect("currentSegmentChanged(QString)", self.onSegmentChosen)
        self.ui.flipButton.connect("clicked(bool)", self.onFlipButton)
        self.ui.flickerButton.connect("toggled(bool)", self.onFlickerButton)
        self.ui.overlayButton.connect("clicked(bool)", self.onOverlayButton)
        self.ui.undoButton.connect("clicked(bool)", self.onUndoButton)
        self.ui.databaseButton.connect("clicked(bool)", self.onDatabaseButton)
        self.ui.exportButton.connect("clicked(bool)", self.onExportButton)
        self.ui.copyLogButton.connect("clicked(bool)", self.onCopyLogButton)
        self.ui.checkButton.connect("clicked(bool)", self.onCheckButton)
        self.ui.installButton.connect("clicked(bool)", self.onInstallButton)
        self.ui.installMetalButton.connect("clicked(bool)", self.onInstallMetalButton)

        # only what this module filled can be compared and exported
        self.ui.filledSelector.addAttribute("vtkMRMLScalarVolumeNode", "Inpaint.Kind", results.FILLED)

        self._timer = qt.QTimer()
        self._timer.setInterval(TICK_MS)
        self._timer.connect("timeout()", self.onTick)
        self._flicker = qt.QTimer()
        self._flicker.setInterval(FLICKER_MS)
        self._flicker.connect("timeout()", self.onFlipButton)
        self.initializeParameterNode()
        self.updateButtons()

    def cleanup(self) -> None:
        self._timer.stop()
        self._flicker.stop()
        self.logic.queue.cancel()
        self.removeObservers()

    def enter(self) -> None:
        self.initializeParameterNode()
        for keys, method in SHORTCUTS.items():
            shortcut = qt.QShortcut(slicer.util.mainWindow())
            shortcut.setKey(qt.QKeySequence(keys))
            shortcut.connect("activated()", getattr(self, method))
            self._shortcuts.append(shortcut)

    def exit(self) -> None:
        for shortcut in self._shortcuts:
            shortcut.setParent(None)
        self._shortcuts.clear()
        self._flicker.stop()
        preview.hide_preview()
        self.setParameterNode(None)

    def onSceneStartClose(self, caller=None, event=None) -> None:
        self.logic.queue.cancel()
        self.setParameterNode(None)

    def onSceneEndClose(self, caller=None, event=None) -> None:
        if self.parent.isEntered:
            self.initializeParameterNode()

    def initializeParameterNode(self) -> None:
        self.setParameterNode(self.logic.getParameterNode())
        if not self._parameterNode.inputVolume:
            first = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")
            if first:
                self._parameterNode.inputVolume = first

    def setParameterNode(self, node: InpaintParameterNode | None) -> None:
        if self._parameterNode:
            self._parameterNode.disconnectGui(self._parameterNodeGuiTag)
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.updateButtons)
        self._parameterNode = node
        if node:
            self._parameterNodeGuiTag = node.connectGui(self.ui)
            self.addObserver(node, vtk.vtkCommand.ModifiedEvent, self.updateButtons)
            # the selector reports every change, also those made here
            segmentation, segment = node.segmentation, node.segment
            self.ui.segmentSelector.setCurrentNode(segmentation)
            self.ui.segmentSelector.setCurrentSegmentID(segment)
            self.updateButtons()

    def onSegmentationChosen(self, node=None) -> None:
        if self._parameterNode:
            self._parameterNode.segmentation = node

    def onSegmentChosen(self, segmentId="") -> None:
        if self._parameterNode:
            self._parameterNode.segment = segmentId

    def updateButtons(self, caller=None, event=None) -> None:
        """Show what can be done, and what belongs to the kind of region."""
        node = self._parameterNode
        if node is None:
            return
        busy = self.logic.queue.current is not None
        self.ui.applyButton.text = _("Cancel") if busy else _("Apply")
        self.ui.queueButton.enabled = busy
        for kinds, panel in (
            ((SEGMENT, VISIBLE), self.ui.segmentPanel),
            ((LABEL_MAP,), self.ui.labelMapPanel),
            ((ROI, TEXT), self.ui.roiPanel),
            ((POINT,), self.ui.pointPanel),
            ((ARTIFACTS,), self.ui.artifactsPanel),
            ((METAL,), self.ui.metalPanel),
        ):
            panel.setVisible(node.region in kinds)
        self.ui.growPanel.setVisible(node.region != METAL)
        self.ui.drawnPanel.setVisible(node.region != METAL)
        self.ui.roiPlaceWidget.setCurrentNode(node.roi)
        self.ui.pointPlaceWidget.setCurrentNode(node.point)
        self.ui.thresholdSlider.enabled = not node.judgeThreshold
        there = node.filledVolume is not None
        for button in ("flipButton", "flickerButton", "overlayButton", "databaseButton", "exportButton"):
            getattr(self.ui, button).enabled = there
        self.ui.undoButton.enabled = bool(results.newest())

    def onApplyButton(self, checked=False) -> None:
        if self.logic.queue.current is not None:
            self.logic.queue.cancel()
            self.ui.statusLabel.text = _("Cancelling...")
            return
        self.onQueueButton()

    def onQueueButton(self, checked=False) -> None:
        self._add(lambda node: [parameters.job_of(node)])

    def onAnotherButton(self, checked=False) -> None:
        """A sample; after a sample the next one."""
        node = self._parameterNode
        if node.drawn == parameters.SAMPLE:
            node.seed = (node.seed + 1) % 10000
        node.drawn = parameters.SAMPLE
        self.onQueueButton()

    def onStudyButton(self, checked=False) -> None:
        def make(node) -> list:
            made, leftOut = parameters.study_jobs(node)
            if leftOut:
                slicer.util.warningDisplay("\n".join(leftOut), windowTitle=_("Inpaint: left out"))
            return made

        self._add(make)

    def onEditorButton(self, checked=False) -> None:
        """Mark the region in the Segment Editor, on this volume."""
        slicer.util.selectModule("SegmentEditor")
        editor = slicer.modules.SegmentEditorWidget.editor
        editor.setSegmentationNode(self._parameterNode.segmentation)
        editor.setSourceVolumeNode(self._parameterNode.inputVolume)

    def fillSegment(self, volume, segmentation, segment: str, kind: str) -> None:
        """Fill from the Segment Editor; `kind` of region: one segment, or all visible ones."""
        node = self._parameterNode
        if volume is not None:
            node.inputVolume = volume
        self.ui.segmentSelector.setCurrentNode(segmentation)
        self.ui.segmentSelector.setCurrentSegmentID(segment)
        node.segmentation, node.segment, node.region = segmentation, segment, kind
        self.onQueueButton()

    def onFindButton(self, checked=False) -> None:
        self._add(lambda node: [parameters.find_job(node)])

    def onMapButton(self, checked=False) -> None:
        self._add(lambda node: [parameters.map_job(node)])

    def onCheckButton(self, checked=False) -> None:
        self._add(lambda node: [parameters.inform_job(node)])

    def onInstallButton(self, checked=False) -> None:
        self._guarded(lambda: self.install(REQUIREMENTS))

    def onInstallMetalButton(self, checked=False) -> None:
        self._guarded(lambda: self.install(FOR_METAL))

    def install(self, file: str, then=None) -> None:
        """Install what is missing, in the background; Slicer's own packages stay as they are.

        Args:
            file: of requirements.
            then: called once all is installed.
        """
        if slicer.packaging.isPipInstallInProgress():
            raise InpaintError(_("Packages are being installed; wait until that has ended."))
        words, constraints = installation(self.resourcePath(file), self.ui.wheelsPath.currentPath)
        question = _("Install {} into Slicer's Python? It downloads some 100 MB; Slicer can be used meanwhile.")
        if not slicer.util.confirmOkCancelDisplay(question.format(environment.PACKAGE), windowTitle=_("Inpaint")):
            self.ui.statusLabel.text = _("Not installed.")
            return
        self._installLog = []
        self.ui.statusLabel.text = _("Installing...")
        slicer.packaging.pip_install(
            words,
            constraints=constraints,
            blocking=False,
            requester="Inpaint",
            logCallback=self.onInstallLine,
            completedCallback=lambda code: self.onInstalled(code, then),
        )

    def onInstallLine(self, line: str) -> None:
        self._installLog.append(line.rstrip())
        self.ui.checksText.setPlainText("\n".join(self._installLog))

    def onInstalled(self, code: int, then=None) -> None:
        if code:
            last = next((line for line in reversed(self._installLog) if line.startswith("ERROR")), "")
            sentence = _("Nothing was installed: {}").format(
                last.removeprefix("ERROR: ") or _("pip ended with an error.")
            )
            self.ui.statusLabel.text = sentence
            slicer.util.errorDisplay(sentence, windowTitle=_("Inpaint"), detailedText="\n".join(self._installLog))
            return
        self.ui.statusLabel.text = _("Installed.")
        if then:
            then()

    def _add(self, make) -> None:
        """Queue the jobs that `make` returns for the parameters; where the package is missing it is installed first."""

        def add() -> None:
            made = make(self.logic.getParameterNode())
            for job in made:
                self.logic.add(job)
            self._timer.start()
            self.updateButtons()

        def begin() -> None:
            if environment.installed_version() is None and not slicer.app.testingEnabled():
                make(self.logic.getParameterNode())  # what is missing is said before anything is installed
                self.install(REQUIREMENTS, then=lambda: self._guarded(add))
            else:
                add()

        self._guarded(begin)

    def _guarded(self, action) -> None:
        """Run it; what the user can put right appears as a sentence."""
        try:
            action()
        except InpaintError as error:
            self.ui.statusLabel.text = str(error)
            slicer.util.errorDisplay(str(error), windowTitle=_("Inpaint"))

    def onTick(self) -> None:
        """Every 50 ms while something runs."""
        ended = self.logic.queue.tick()
        run = self.logic.queue.current
        if run is not None:
            self._shown = run
            self.ui.progressBar.value = int(100 * run.progress.fraction)
            self.ui.statusLabel.text = statusOf(run, len(self.logic.queue))
        if ended is not None:
            self._shown = ended
            self._guarded(lambda: self.onEnded(ended))
        if self._shown is not None:
            text = "\n".join(self._shown.log)
            if text != self.ui.logText.plainText:
                self.ui.logText.setPlainText(text)
        if not len(self.logic.queue):
            self._timer.stop()
        self.updateButtons()

    def onEnded(self, run: Run) -> None:
        self.ui.progressBar.value = 100 if run.state is State.DONE else 0
        if run.state is State.CANCELLED:
            self.ui.statusLabel.text = _("Cancelled.")
        elif run.state is State.FAILED:
            raise InpaintError(run.error)
        elif isinstance(run.result, dict):
            self.ui.checksText.setPlainText("\n".join(info_lines(run.result)))
            self.ui.statusLabel.text = _("Checked.")
        elif isinstance(run.result, exports.Exported):
            self.ui.statusLabel.text = self.logic.exported(run.result)
        else:
            self.logic.accept(run.result, self.logic.getParameterNode())
            messages = getattr(run.result, "messages", [])
            self.ui.statusLabel.text = " ".join([_("Done in {:.0f} s.").format(run.seconds), *messages])

    def updatePreview(self, *_ignored) -> None:
        node = self._parameterNode
        if node and node.inputVolume and self.ui.previewButton.checked:
            preview.show_preview(node.inputVolume, node.metalThreshold)
        else:
            preview.hide_preview()

    def onFlipButton(self, *_ignored) -> None:
        filled = self._parameterNode.filledVolume
        if filled is None:
            self._flicker.stop()
            return
        self._guarded(lambda: self._flip(filled))

    def _flip(self, filled) -> None:
        after = views.flip(results.source_of(filled), filled)
        self.ui.statusLabel.text = _("After") if after else _("Before")

    def onFlickerButton(self, on: bool) -> None:
        self._flicker.start() if on else self._flicker.stop()

    def onOverlayButton(self, checked=False) -> None:
        self._guarded(lambda: self.logic.showResult(self._parameterNode))

    def onUndoButton(self, checked=False) -> None:
        self._flicker.stop()
        self.logic.undo(self._parameterNode)
        self.updateButtons()

    def onExportButton(self, checked=False) -> None:
        folder = qt.QFileDialog.getExistingDirectory(None, _("A folder for the DICOM results"))
        if folder:
            self._add(lambda node: [parameters.export_job(node, Path(folder))])

    def onDatabaseButton(self, checked=False) -> None:
        self._add(lambda node: [self.logic.databaseJob(node)])

    def onCopyLogButton(self, checked=False) -> None:
        slicer.app.clipboard().setText(self.ui.logText.plainText)


def statusOf(run: Run, count: int) -> str:
    """What a run is doing, the time that is left where it is known, and how many wait."""
    left = run.progress.seconds_left
    parts = [run.job.title, run.progress.stage or _("preparing")]
    if left is not None:
        parts.append(_("{:.0f} s left").format(left))
    if count > 1:
        parts.append(_("{} waiting").format(count - 1))
    return ", ".join(parts)


class InpaintLogic(ScriptedLoadableModuleLogic):
    """Runs jobs and puts their results into the scene; needs no widget.

    Args:
        where: the Python that runs the package; None: Slicer's own.
    """

    def __init__(self, where: environment.Environment | None = None) -> None:
        ScriptedLoadableModuleLogic.__init__(self)
        self.queue = RunQueue()
        self._where = where

    def getParameterNode(self) -> InpaintParameterNode:
        return InpaintParameterNode(super().getParameterNode())

    def add(self, job: jobs.Job) -> Run:
        """Queue a job; `queue.tick()` goes on with it."""
        where = self._where or environment.slicer_environment(slicer.app.temporaryPath)
        return self.queue.add(Run(job, where))

    def process(self, node: InpaintParameterNode) -> None:
        """Run what the parameters say and wait for it; for scripts. Raises InpaintError."""
        self.accept(self.wait(self.add(parameters.job_of(node))), node)

    def wait(self, run: Run):
        """Wait for a run; returns its result. Raises InpaintError."""
        while not run.ended:
            self.queue.tick()
            slicer.app.processEvents()
            time.sleep(TICK_MS / 1000)
        self.queue.tick()
        if run.state is not State.DONE:
            raise InpaintError(run.error or _("Cancelled."))
        return run.result

    def databaseJob(self, node: InpaintParameterNode) -> exports.ExportResults:
        """The export into a temporary folder, from which Slicer's DICOM database takes it."""
        return parameters.export_job(node, Path(slicer.app.temporaryPath), for_database=True)

    def exported(self, export: exports.Exported) -> str:
        """Go on with an export: into the database if it was meant for it. Returns a sentence. Raises InpaintError."""
        if not export.for_database:
            return _("Exported to {}.").format(export.folder)
        count = dicom.add_to_database(export.folder)
        exports.remove_export(export.folder)
        return _("{} DICOM files were added to the study of the patient; see the module DICOM.").format(count)

    def accept(self, result, node: InpaintParameterNode | None) -> None:
        """Put a result into the scene and show it. Raises InpaintError."""
        if isinstance(result, jobs.Filled):
            made = results.add_filled(result)
            views.show(made[results.FILLED], made[results.DIFFERENCE])
            if node:
                node.filledVolume = made[results.FILLED]
                if node.overlay in made:
                    self.showResult(node)
        elif isinstance(result, searches.Mapped):
            made = results.add_map(result)
            views.show(results.source_of(made[results.ABNORMALITY]), made[results.ABNORMALITY])
        elif isinstance(result, searches.Labelled):
            views.show_labels(results.add_labels(result)[results.LABELS])

    def showResult(self, node: InpaintParameterNode) -> None:
        """Show the result that is chosen, with the map that is chosen over it. Raises InpaintError."""
        filled = node.filledVolume
        if filled is None:
            return
        over = None
        if node.overlay != "none":
            over = results.map_of(filled, node.overlay)
        views.show(filled, over)

    def undo(self, node: InpaintParameterNode) -> None:
        """Take the newest result out of the scene, and show what it was made of; again for the one before."""
        source = results.undo()
        views.show_labels(None)
        if source is not None:
            views.show(source)
        node.filledVolume = results.newest_filled()


def installation(requirements: str, wheels: str = "") -> tuple[list[str], str]:
    """The arguments for pip, and the path of its constraints: a file that stays while pip runs. Raises InpaintError."""
    environment.check_installable()
    named = [str(requirement) for requirement in slicer.packaging.load_requirements(requirements)]
    constraints = Path(slicer.app.temporaryPath) / "inpaint-constraints.txt"
    constraints.write_text(environment.constraints(), encoding="utf-8")
    return environment.install_words(named, Path(__file__).parent, wheels), str(constraints)


class InpaintTest(ScriptedLoadableModuleTest):
    """Run by Slicer's Reload and Test, and by ctest: a made-up head with a ball in it."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_ball()

    def test_ball(self):
        import numpy as np

        rng = np.random.default_rng(0)
        k, j, i = np.ogrid[:24, :64, :64]
        head = np.where(np.hypot(i - 32, j - 32) < 26, 400, 0) + rng.normal(0, 5, (24, 64, 64)) + 0 * k
        node = slicer.util.addVolumeFromArray(head.astype(np.int16))
        node.SetSpacing(1, 1, 2)
        point = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode")
        point.AddControlPointWorld(vtk.vtkVector3d(32, 32, 24))
        logic = InpaintLogic()
        given = logic.getParameterNode()
        given.inputVolume, given.region, given.point, given.radius, given.bundle = node, POINT, point, 5, "mr"
        if environment.installed_version() is None:  # a dashboard machine: what a user gets by pressing Install
            resources = Path(__file__).parent / "Resources"
            words, constraints = installation(str(resources / REQUIREMENTS))
            slicer.packaging.pip_install(words, constraints=constraints, show_progress=False)
        logic.process(given)

        before, after = slicer.util.arrayFromVolume(node), slicer.util.arrayFromVolume(given.filledVolume)
        world = np.stack(np.broadcast_arrays(i, j, 2 * k), axis=-1)
        outside = np.linalg.norm(world - [32, 32, 24], axis=-1) > 5
        self.assertTrue((before[outside] == after[outside]).all())
        self.assertTrue((before[~outside] != after[~outside]).any())
