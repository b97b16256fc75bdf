"""3D Slicer module: mark or find a region, fill it with healthy anatomy, compare. Research use only.

Only what is Qt is here; everything else is in InpaintLib.
"""

import tempfile
import time
from pathlib import Path
from typing import Annotated

import qt
import slicer
import vtk
from InpaintLib import dicom, environment, jobs, preview, regions, results, sample_data, views
from InpaintLib.errors import InpaintError
from InpaintLib.info_lines import info_lines
from InpaintLib.runs import Run, RunQueue, State
from InpaintLib.volumes import Volume, catch_volume
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

SEGMENT, LABEL_MAP, ROI, POINT, METAL = REGIONS = ["segment", "label map", "ROI", "point and radius", "find metal"]
AUTOMATIC, *MODELS = BUNDLES = ["automatic", "cxr", "ct", "mr"]
TICK_MS = 50
FLICKER_MS = 500


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
    """Offer two volumes of Slicer's own to try the module on."""
    sample_data.register(Path(__file__).parent / "Resources" / "Icons" / "Inpaint.png")


@parameterNodeWrapper
class InpaintParameterNode:
    """What a run needs, stored in the scene.

    inputVolume - the volume to fill
    region - how the region is given; the fields below that belong to it count
    segmentation, segment - the segmentation and the ID of one of its segments
    labelMap, roi, point, radius - the other kinds of region; mm
    grow - mm by which a region is made larger
    bundle - the model; automatic: by the DICOM modality
    sample, seed - one plausible sample in place of the best estimate
    judgeThreshold, metalThreshold, keepMetal - for metal; HU
    filledVolume, differenceVolume - of the last run
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
    bundle: Annotated[str, Choice(BUNDLES)] = AUTOMATIC
    sample: bool = False
    seed: Annotated[int, WithinRange(0, 9999)] = 0
    judgeThreshold: bool = True
    metalThreshold: Annotated[float, WithinRange(500, 20000)] = 2500
    keepMetal: bool = True
    filledVolume: vtkMRMLScalarVolumeNode
    differenceVolume: vtkMRMLScalarVolumeNode


class InpaintWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Widgets and timers; asks the logic for everything else."""

    def __init__(self, parent=None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self._parameterNode = None
        self._parameterNodeGuiTag = None
        self._shown = None  # the run whose log is shown

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
        self.ui.findMetalButton.connect("clicked(bool)", self.onFindMetalButton)
        self.ui.previewButton.connect("toggled(bool)", self.updatePreview)
        self.ui.thresholdSlider.connect("valueChanged(double)", self.updatePreview)
        self.ui.segmentSelector.connect("currentNodeChanged(vtkMRMLNode*)", self.onSegmentationChosen)
        self.ui.segmentSelector.connect("currentSegmentChanged(QString)", self.onSegmentChosen)
        self.ui.flipButton.connect("clicked(bool)", self.onFlipButton)
        self.ui.flickerButton.connect("toggled(bool)", self.onFlickerButton)
        self.ui.overlayButton.connect("clicked(bool)", self.onOverlayButton)
        self.ui.undoButton.connect("clicked(bool)", self.onUndoButton)
        self.ui.exportButton.connect("clicked(bool)", self.onExportButton)
        self.ui.copyLogButton.connect("clicked(bool)", self.onCopyLogButton)
        self.ui.checkButton.connect("clicked(bool)", self.onCheckButton)
        self.ui.installButton.connect("clicked(bool)", self.onInstallButton)
        self.ui.installMetalButton.connect("clicked(bool)", self.onInstallMetalButton)

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

    def exit(self) -> None:
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
            # the selector tells of every change, also of those made here
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
        for kind, panel in (
            (SEGMENT, self.ui.segmentPanel),
            (LABEL_MAP, self.ui.labelMapPanel),
            (ROI, self.ui.roiPanel),
            (POINT, self.ui.pointPanel),
            (METAL, self.ui.metalPanel),
        ):
            panel.setVisible(node.region == kind)
        self.ui.growPanel.setVisible(node.region != METAL)
        self.ui.roiPlaceWidget.setCurrentNode(node.roi)
        self.ui.pointPlaceWidget.setCurrentNode(node.point)
        self.ui.thresholdSlider.enabled = not node.judgeThreshold
        there = node.filledVolume is not None
        for button in ("flipButton", "flickerButton", "overlayButton", "undoButton", "exportButton"):
            getattr(self.ui, button).enabled = there

    def onApplyButton(self, checked=False) -> None:
        if self.logic.queue.current is not None:
            self.logic.queue.cancel()
            self.ui.statusLabel.text = _("Cancelling...")
            return
        self.onQueueButton()

    def onQueueButton(self, checked=False) -> None:
        self._add(lambda: self.logic.jobOf(self._parameterNode))

    def onFindMetalButton(self, checked=False) -> None:
        self._add(lambda: self.logic.findMetalJob(self._parameterNode))

    def onCheckButton(self, checked=False) -> None:
        self._add(lambda: self.logic.informJob(self._parameterNode))

    def onInstallButton(self, checked=False) -> None:
        self._guarded(lambda: self.install("requirements.txt"))

    def onInstallMetalButton(self, checked=False) -> None:
        self._guarded(lambda: self.install("requirements-metal.txt"))

    def install(self, file: str) -> None:
        """What is missing, from the registry or from a folder of wheels; Slicer's own packages stay as they are."""
        environment.check_installable()
        requirements = slicer.packaging.load_requirements(self.resourcePath(file))
        wheels = self.ui.wheelsPath.currentPath
        with tempfile.TemporaryDirectory() as folder:
            constraints = Path(folder) / "constraints.txt"
            constraints.write_text(environment.constraints(), encoding="utf-8")
            if wheels:
                words = environment.offline_arguments([str(requirement) for requirement in requirements], wheels)
                slicer.packaging.pip_install(words, constraints=constraints, requester="Inpaint")
            else:
                slicer.packaging.pip_ensure(requirements, constraints=constraints, requester="Inpaint")
        self.ui.checksText.setPlainText(_("Installed: press Check."))

    def _add(self, make) -> None:
        def add() -> None:
            if environment.installed_version() is None and not slicer.app.testingEnabled():
                self.install("requirements.txt")
            self.logic.add(make())
            self._timer.start()
            self.updateButtons()

        self._guarded(add)

    def _guarded(self, action) -> None:
        """Run it; what the user can put right appears as a sentence."""
        try:
            action()
        except InpaintError as error:
            self.ui.statusLabel.text = str(error)
            slicer.util.errorDisplay(str(error), windowTitle=_("Inpaint"))
        except RuntimeError as error:  # the user declined to install
            self.ui.statusLabel.text = str(error)

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
        else:
            self.logic.accept(run.result, self.logic.getParameterNode())
            said = getattr(run.result, "said", [])
            self.ui.statusLabel.text = " ".join([_("Done in {:.0f} s.").format(run.seconds), *said])

    def updatePreview(self, *_ignored) -> None:
        node = self._parameterNode
        if node and node.inputVolume and self.ui.previewButton.checked:
            preview.show_preview(node.inputVolume, node.metalThreshold)
        else:
            preview.hide_preview()

    def onFlipButton(self, *_ignored) -> None:
        source, filled, _difference = self.logic.compared(self._parameterNode)
        if filled is None:
            self._flicker.stop()
            return
        after = views.flip(source, filled)
        self.ui.statusLabel.text = _("After") if after else _("Before")

    def onFlickerButton(self, on: bool) -> None:
        self._flicker.start() if on else self._flicker.stop()

    def onOverlayButton(self, checked=False) -> None:
        _source, filled, difference = self.logic.compared(self._parameterNode)
        if filled is not None:
            views.show(filled, difference)

    def onUndoButton(self, checked=False) -> None:
        self._flicker.stop()
        self.logic.undo(self._parameterNode)

    def onExportButton(self, checked=False) -> None:
        folder = qt.QFileDialog.getExistingDirectory(None, _("A folder for the derived DICOM series"))
        if folder:
            self._add(lambda: self.logic.exportJob(self._parameterNode, Path(folder)))

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
    """From parameters to jobs, from results to nodes; needs no widget.

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

    def process(self, parameters: InpaintParameterNode) -> None:
        """Run what the parameters say and wait for it; for scripts. Raises InpaintError."""
        run = self.add(self.jobOf(parameters))
        while not run.ended:
            self.queue.tick()
            time.sleep(TICK_MS / 1000)
        self.queue.tick()
        if run.state is not State.DONE:
            raise InpaintError(run.error or _("Cancelled."))
        self.accept(run.result, parameters)

    def jobOf(self, parameters: InpaintParameterNode) -> jobs.Job:
        """What Apply does. Raises InpaintError, before anything is started."""
        volume = catch_volume(parameters.inputVolume)
        bundle = bundleOf(parameters, volume)
        if parameters.region == METAL:
            return jobs.ReduceMetal(volume, bundle, self._threshold(parameters), parameters.keepMetal)
        region = self.regionOf(parameters)
        return jobs.FillVolume(volume, region, bundle, parameters.grow, parameters.sample, parameters.seed)

    def findMetalJob(self, parameters: InpaintParameterNode) -> jobs.FindMetal:
        volume = catch_volume(parameters.inputVolume)
        return jobs.FindMetal(volume, bundleOf(parameters, volume), self._threshold(parameters))

    def informJob(self, parameters: InpaintParameterNode) -> jobs.Inform:
        """What the package has, and the memory for this volume and region where both are there."""
        try:
            return jobs.Inform(catch_volume(parameters.inputVolume), self.regionOf(parameters))
        except InpaintError:
            return jobs.Inform()

    def exportJob(self, parameters: InpaintParameterNode, folder: Path) -> jobs.ExportSeries:
        filled = parameters.filledVolume
        if filled is None:
            raise InpaintError(_("There is no filled volume to export; press Apply first."))
        files = dicom.source_files(filled, getattr(slicer, "dicomDatabase", None))
        return jobs.ExportSeries(catch_volume(filled), files, results.report_of(filled), folder / "derived")

    def regionOf(self, parameters: InpaintParameterNode) -> regions.SceneRegion:
        """The region that the parameters name. Raises InpaintError."""
        if parameters.region == SEGMENT:
            return regions.catch_segment(parameters.segmentation, parameters.segment)
        if parameters.region == LABEL_MAP:
            return regions.catch_label_map(parameters.labelMap)
        if parameters.region == ROI:
            return regions.catch_roi(parameters.roi)
        if parameters.region == POINT:
            return regions.catch_point(parameters.point, parameters.radius)
        raise InpaintError(_("Metal is found by itself; there is no region to fill."))

    def accept(self, result, parameters: InpaintParameterNode | None) -> None:
        """Put a result into the scene and show it."""
        if isinstance(result, jobs.Filled):
            filled, difference = results.add_filled(result)
            if parameters:
                parameters.filledVolume, parameters.differenceVolume = filled, difference
            views.show(filled, difference)
        elif isinstance(result, jobs.Labelled):
            views.show_labels(results.add_labels(result))

    def compared(self, parameters: InpaintParameterNode) -> tuple:
        """Source, filled volume and difference; None where they are gone."""
        filled = parameters.filledVolume
        source = filled.GetNodeReference("InpaintSource") if filled else None
        return (source, filled, parameters.differenceVolume) if source else (None, None, None)

    def undo(self, parameters: InpaintParameterNode) -> None:
        """Take the last result out of the scene, and show the source again."""
        source, filled, difference = self.compared(parameters)
        if source is not None:
            views.show(source)
        results.remove(filled, difference)

    def _threshold(self, parameters: InpaintParameterNode) -> float | None:
        return None if parameters.judgeThreshold else parameters.metalThreshold


def bundleOf(parameters: InpaintParameterNode, volume: Volume) -> str:
    """The model that was chosen, or that of the volume's modality. Raises InpaintError."""
    if parameters.bundle != AUTOMATIC:
        return parameters.bundle
    if volume.modality is None:
        raise InpaintError(
            _("{} does not state its modality, as it was not loaded from DICOM; choose a model.").format(volume.name)
        )
    return volume.modality


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
        parameters = logic.getParameterNode()
        parameters.inputVolume, parameters.region, parameters.point = node, POINT, point
        parameters.radius, parameters.bundle = 5, "mr"
        if environment.installed_version() is None:
            self.skipTest("monai-inpaint is not installed in this Python")
        logic.process(parameters)

        before, after = slicer.util.arrayFromVolume(node), slicer.util.arrayFromVolume(parameters.filledVolume)
        world = np.stack(np.broadcast_arrays(i, j, 2 * k), axis=-1)
        outside = np.linalg.norm(world - [32, 32, 24], axis=-1) > 5
        self.assertTrue((before[outside] == after[outside]).all())
        self.assertTrue((before[~outside] != after[~outside]).any())
