"""Ten tasks as a user would be given them, each by the panel's buttons, each leaving a picture to be looked at.

The same as in the browser (`slicer_extension/web/test_ten_tasks.py`). With PICTURES set to a folder the pictures go
there, as Slicer's slice logic draws them.
"""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import slicer
from InpaintLib import results, sample_data, views
from InpaintLib.environment import Environment
from InpaintLib.nifti import read_nifti
from scene import add_point, add_segment, add_volume, ball, positions
from slices import SliceView, legend, save

SHAPE = (60, 96, 80)  # k, j, i of the head; 2 mm
PLACE = np.array([[2.0, 0, 0, -79], [0, 2.0, 0, -110], [0, 0, 2.0, -50], [0, 0, 0, 1]])
CENTRE = np.array([-35.0, -20.0, 30.0])  # of the lesion, mm
LESION = ball(PLACE, CENTRE, 12.0, SHAPE)
_HEAD = """
import sys, numpy as np
from nilearn.datasets import load_mni152_template
from nilearn.image import resample_img
shape, place = (int(n) for n in sys.argv[2].split("x")), np.array(eval(sys.argv[3]))
head = resample_img(load_mni152_template(2), place, tuple(shape), "linear", force_resample=True, copy_header=True)
voxels = head.get_fdata()
np.save(sys.argv[1], np.ascontiguousarray((voxels * 1000 / voxels.max()).T.astype(np.int16)))
"""


class Person:
    """Presses the buttons of the panel, and waits as a person does."""

    def __init__(self, module: ModuleType, environment: Environment) -> None:
        self.module = module
        self.widget = module.InpaintWidget()
        self.widget.setup()
        self.widget.logic._where = environment
        self.views = [SliceView("Red", "Axial", (300, 340)), SliceView("Green", "Coronal", (300, 340))]

    @property
    def panel(self) -> Any:
        return self.widget._parameterNode

    def press(self, button: str) -> None:
        """A button of the panel, and wait until nothing runs any more."""
        getattr(self.widget, f"on{button}Button")()
        self.wait()

    def wait(self) -> None:
        while len(self.widget.logic.queue):
            self.widget.onTick()
            time.sleep(0.02)

    def compute(self, name: str) -> Any:
        """A sample of the module Sample Data."""
        logic = self.widget.logic
        return sample_data.add_sample(logic.wait(logic.add(sample_data.MakeSample(name))))

    def mark(self, volume: Any, mask: np.ndarray, name: str = "lesion") -> None:
        """A segment, chosen in the panel; the other segment of the helper is hidden."""
        segmentation, segment = add_segment(mask, volume, name)
        segmentation.GetDisplayNode().SetSegmentVisibility("other", False)
        self.panel.inputVolume, self.panel.segmentation, self.panel.segment = volume, segmentation, segment

    def picture(
        self,
        name: str,
        centre: np.ndarray | None = None,
        side: float = 200.0,
        views: slice = slice(None),
        over: Any = None,
    ) -> None:
        """What the views show, as they are drawn; without a centre the slices of the lesion, around the head.

        Args:
            name: of the file.
            centre, side: of the views, in mm.
            views: which of them.
            over: the volume whose legend is drawn below.
        """
        places = [np.array([0.0, -20.0, CENTRE[2]]), np.array([0.0, CENTRE[1], 10.0])]
        centres = places[views] if centre is None else [centre] * 2
        shown = [view.picture(at, side)[..., :3] for view, at in zip(self.views[views], centres, strict=False)]
        assert np.ptp(shown[0]) > 100  # not empty
        folder = os.environ.get("PICTURES")
        if folder:
            beside = np.concatenate(shown, axis=1)
            below = [] if over is None else [legend(over, beside.shape[1])]
            save(np.concatenate([beside, *below]), str(Path(folder) / f"slicer-{name}.png"))


@pytest.fixture
def person(module: ModuleType, environment: Environment):
    made = Person(module, environment)
    slicer.util.errorDisplay.reset_mock()
    yield made
    slicer.util.errorDisplay.assert_not_called()
    made.widget.cleanup()


@pytest.fixture(scope="session")
def brain(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """The average brain that nilearn ships; (k, j, i) int16."""
    python = os.environ.get("INPAINT_PYTHON", str(Path(__file__).parents[4] / ".venv" / "bin" / "python"))
    path = tmp_path_factory.mktemp("head") / "head.npy"
    words = [str(path), "x".join(map(str, SHAPE[::-1])), repr(PLACE.tolist())]
    subprocess.run([python, "-c", _HEAD, *words], check=True)
    return np.load(path)


@pytest.fixture
def head(brain: np.ndarray, person: Person) -> Any:
    """With a bright lesion; shown, and "mr" chosen."""
    voxels = brain.copy()
    voxels[ball(PLACE, CENTRE, 10.0, SHAPE)] += 450
    volume = add_volume(voxels, PLACE, "head")
    volume.GetDisplayNode().SetAutoWindowLevel(False)
    volume.GetDisplayNode().SetWindowLevelMinMax(0, 1100)
    person.panel.bundle = "mr"
    views.show(volume)
    return volume


def _voxels(node: Any) -> np.ndarray:
    return slicer.util.arrayFromVolume(node)


def test_1_fill_this_lesion_and_save_the_volume(person: Person, head: Any, tmp_path: Path) -> None:
    person.picture("task-1-before")
    person.mark(head, LESION)
    person.press("Apply")
    filled = person.panel.filledVolume
    person.picture("task-1-difference", over=results.nodes_beside(filled)["difference"])

    assert person.widget.ui.statusLabel.text.startswith("Done in ")
    bright = ball(PLACE, CENTRE, 8.0, SHAPE)
    assert _voxels(filled)[bright].mean() < _voxels(head)[bright].mean() - 200
    storage = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
    storage.SetFileName(str(tmp_path / "filled.nii"))
    assert storage.WriteData(filled)
    assert np.array_equal(read_nifti(tmp_path / "filled.nii")[~LESION], _voxels(head)[~LESION])


def test_2_remove_this_wire_from_the_film(person: Person) -> None:
    film = person.compute("InpaintFilm")
    marked = slicer.mrmlScene.GetFirstNodeByName("InpaintFilm to fill")
    centre = np.array([0.0, 0.0, 0.0])
    views.show(film)
    person.picture("task-2-before", centre, 360, slice(1, 2))
    node = person.panel
    node.inputVolume, node.segmentation, node.segment, node.bundle = film, marked, "to fill", "cxr"
    person.press("Apply")
    views.show(node.filledVolume)
    person.picture("task-2-after", centre, 360, slice(1, 2))

    wire = slicer.util.arrayFromSegmentBinaryLabelmap(marked, "to fill", film) > 0
    before, after = _voxels(film), _voxels(node.filledVolume)
    assert np.array_equal(before[~wire], after[~wire])
    assert np.percentile(after[wire], 90) < np.percentile(before[wire], 90)


def test_3_reduce_the_artifacts_of_the_metal_in_this_hip(person: Person, environment: Environment) -> None:
    command = [environment.python, "-c", "import astra"]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("needs astra-toolbox in the package's Python")
    hip = person.compute("InpaintHip")
    hip.GetDisplayNode().SetAutoWindowLevel(False)
    hip.GetDisplayNode().SetWindowLevelMinMax(-300, 500)
    centre = np.array([-205.0, -205.0, 0.0])
    views.show(hip)
    person.picture("task-3-before", centre, 360, slice(0, 1))
    node = person.panel
    node.inputVolume, node.region, node.bundle, node.method = hip, "find metal", "ct", "nmar"
    node.metalThreshold, person.widget.ui.previewButton.checked = 2500, True
    person.widget.updatePreview()
    person.picture("task-3-threshold", centre, 360, slice(0, 1))
    person.widget.ui.previewButton.checked = False
    person.widget.updatePreview()
    person.press("Find")
    person.picture("task-3-found", centre, 360, slice(0, 1))
    person.press("Apply")
    views.show(node.filledVolume)
    views.show_labels(None)
    person.picture("task-3-after", centre, 360, slice(0, 1))

    report = results.report_of(node.filledVolume)
    assert report["method"] == "nmar"
    before, after = (report["streaks"][f"affected_{when}"]["deviation_hu"] for when in ("before", "after"))
    assert after < before
    metal = _voxels(results.nodes_beside(node.filledVolume)["labels"]) == 1
    assert np.array_equal(_voxels(node.filledVolume)[metal], _voxels(hip)[metal])


def test_4_show_three_samples_of_what_could_be_there(person: Person, head: Any) -> None:
    person.mark(head, LESION)
    person.panel.seed = 4
    samples = []
    for number in (4, 5, 6):
        person.press("Another")
        samples.append(person.panel.filledVolume)
        views.show(samples[-1])
        person.picture(f"task-4-sample-{number}", views=slice(0, 1))

    assert [sample.GetName() for sample in samples] == ["head sample 4", "head sample 5", "head sample 6"]
    assert len({_voxels(sample).tobytes() for sample in samples}) == 3
    assert all(np.array_equal(_voxels(sample)[~LESION], _voxels(head)[~LESION]) for sample in samples)


def test_5_undo_what_you_did(person: Person, head: Any) -> None:
    nodes = slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    person.mark(head, LESION)
    person.press("Apply")
    person.press("Another")
    person.press("Undo")
    assert person.panel.filledVolume.GetName() == "head filled"
    person.press("Undo")
    person.picture("task-5-undo")

    assert person.panel.filledVolume is None
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == nodes
    assert all(view.composite.GetBackgroundVolumeID() == head.GetID() for view in person.views)


def test_6_compare_it_before_and_after(person: Person, head: Any) -> None:
    person.mark(head, LESION)
    person.panel.drawn, person.panel.overlay = "best estimate and its spread", "spread"
    person.press("Apply")
    person.picture("task-6-spread", over=results.nodes_beside(person.panel.filledVolume)["spread"])
    shown = []
    for _ in range(2):
        person.press("Flip")
        shown.append((person.widget.ui.statusLabel.text, person.views[0].picture(CENTRE, 200.0)))
    person.panel.overlay = "difference"
    person.press("Overlay")

    assert [text for text, _ in shown] == ["Before", "After"]
    assert (shown[0][1] != shown[1][1]).any()
    difference = results.nodes_beside(person.panel.filledVolume)["difference"]
    assert all(view.composite.GetForegroundVolumeID() == difference.GetID() for view in person.views)


# Task 7, export the result as DICOM: test_dicom.py.


def test_8_load_the_mask_that_was_drawn_elsewhere_and_fill_it(person: Person, head: Any) -> None:
    person.panel.labelMap = add_volume(LESION.astype(np.uint8), PLACE, "mask", "LabelMap")
    person.panel.inputVolume, person.panel.region = head, "label map"
    views.show_labels(person.panel.labelMap)
    person.picture("task-8-mask", views=slice(0, 1))
    views.show_labels(None)
    person.press("Apply")
    views.show(person.panel.filledVolume)
    person.picture("task-8-filled", views=slice(0, 1))

    changed = _voxels(person.panel.filledVolume) != _voxels(head)
    assert changed.any()
    assert not changed[~LESION].any()


def test_9_mark_a_second_region_and_fill_both(person: Person, head: Any) -> None:
    second = ball(PLACE, CENTRE * [-1, 1, 1], 8.0, SHAPE)
    _voxels(head)[ball(PLACE, CENTRE * [-1, 1, 1], 6.0, SHAPE)] += 450
    slicer.util.arrayFromVolumeModified(head)
    person.picture("task-9-before", views=slice(0, 1))
    person.mark(head, LESION)
    segmentation = person.panel.segmentation
    segmentation.GetSegmentation().AddEmptySegment("second", "second")
    slicer.util.updateSegmentBinaryLabelmapFromArray(second.astype(np.uint8), segmentation, "second", head)
    person.panel.region = "all visible segments"
    person.press("Apply")
    person.picture("task-9-two-regions", views=slice(0, 1), over=results.newest()["difference"])

    changed = _voxels(person.panel.filledVolume) != _voxels(head)
    assert changed[LESION].mean() > 0.5
    assert changed[second].mean() > 0.5
    assert not changed[~(LESION | second)].any()


def test_10_cancel_a_fill_that_takes_too_long(person: Person, head: Any, environment: Environment) -> None:
    node = person.panel
    node.inputVolume, node.region, node.point, node.radius = head, "point and radius", add_point(CENTRE), 45
    person.widget.onApplyButton()
    queue = person.widget.logic.queue
    while queue.current is None or queue.current.progress.stage != "fill":
        assert len(queue)
        person.widget.onTick()
        time.sleep(0.01)
    person.press("Apply")  # is Cancel now

    assert person.widget.ui.statusLabel.text == "Cancelled."
    assert node.filledVolume is None
    assert not any(environment.temporary.iterdir())


@pytest.mark.parametrize("kind", ["point and radius", "ROI"])
def test_a_ball_around_a_point_and_a_box_are_filled(person: Person, head: Any, kind: str) -> None:
    node = person.panel
    node.inputVolume, node.region, node.point, node.radius = head, kind, add_point(CENTRE), 14
    node.roi = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "box")
    node.roi.SetCenterWorld(*CENTRE)
    node.roi.SetSizeWorld(28, 24, 28)
    person.press("Apply")
    marked = results.computed_of(node.filledVolume)
    computed = np.zeros(SHAPE, bool)
    marked.mark_in(computed)
    views.show(head)
    views.show_labels(add_volume(computed.astype(np.uint8), PLACE, "region", "LabelMap"))
    person.picture(f"region-{kind.split()[0].lower()}", views=slice(0, 1))

    box = (np.abs(positions(PLACE, SHAPE) - CENTRE) <= np.array([14, 12, 14])).all(axis=-1)
    assert np.array_equal(computed, box if kind == "ROI" else ball(PLACE, CENTRE, 14.0, SHAPE))
    changed = _voxels(node.filledVolume) != _voxels(head)
    assert changed[LESION].mean() > 0.9
    assert not changed[~computed].any()


def test_all_volumes_of_a_study_are_filled_at_the_same_place(person: Person, head: Any) -> None:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "patient")
    study = hierarchy.CreateStudyItem(patient, "study")
    coarse = add_volume(np.ascontiguousarray(_voxels(head)[::2]), PLACE @ np.diag([1, 1, 2, 1]), "coarse")
    other = add_volume(_voxels(head).copy(), PLACE, "of another study")
    colour = add_volume(np.zeros((4, 4, 4, 3), np.uint8), PLACE, "colour", "Vector")
    for node in (head, coarse, colour):
        hierarchy.CreateItem(study, node)
    person.mark(head, LESION)

    person.press("Study")

    filled = {results.source_of(node).GetName() for node in slicer.util.getNodes("*filled*").values()}
    assert filled == {"head", "coarse"}
    assert other.GetName() not in filled
    for node in (head, coarse):
        after = slicer.mrmlScene.GetFirstNodeByName(f"{node.GetName()} filled")
        k, j, i = np.argwhere(_voxels(after) != _voxels(node)).mean(axis=0)
        matrix = PLACE if node is head else PLACE @ np.diag([1, 1, 2, 1])
        assert np.allclose((matrix @ [i, j, k, 1])[:3], CENTRE, atol=3)


def test_artifacts_and_text_are_filled_without_drawing_them(person: Person) -> None:
    film = person.compute("InpaintFilm")
    voxels = _voxels(film)
    voxels[0, 20:44, 30:150] = np.where((np.arange(120) // 8 % 2)[None], 4095, 200)  # letters, as bars
    slicer.util.arrayFromVolumeModified(film)
    node = person.panel
    node.inputVolume, node.bundle, node.region = film, "cxr", "burned-in text"
    roi = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "text")
    k, j, i = 0, 31.5, 89.5
    matrix = slicer.util.arrayFromVTKMatrix(_matrix(film))
    roi.SetCenterWorld(*(matrix @ [i, j, k, 1])[:3])
    roi.SetSizeWorld(122 * abs(matrix[0, 0]), 5, 26 * abs(matrix[2, 1]))
    node.roi = roi
    person.press("Apply")

    after = _voxels(node.filledVolume)
    assert after[0, 20:44, 30:150].std() < voxels[0, 20:44, 30:150].std() / 2
    assert results.report_of(node.filledVolume)["hole"]["burned_in"]["rectangles"] == [[29, 19, 122, 26]]


def test_found_artifacts_are_shown_and_filled_and_nothing_else(person: Person) -> None:
    film = person.compute("InpaintFilm")
    marked = slicer.mrmlScene.GetFirstNodeByName("InpaintFilm to fill")
    device = slicer.util.arrayFromSegmentBinaryLabelmap(marked, "to fill", film) > 0
    node = person.panel
    node.inputVolume, node.bundle, node.region = film, "cxr", "find artifacts"
    views.show(film)
    person.press("Find")
    found = _voxels(results.newest()["labels"]) > 0
    person.picture("artifacts-found", np.zeros(3), 360, slice(1, 2))
    person.press("Apply")
    views.show_labels(None)
    views.show(node.filledVolume)
    person.picture("artifacts-filled", np.zeros(3), 360, slice(1, 2))

    before, after = _voxels(film), _voxels(node.filledVolume)
    assert (found & device).sum() > 0.5 * device.sum()
    assert (found & device).sum() > 0.5 * found.sum()
    assert np.array_equal(before[~found], after[~found])
    assert after[found & device].mean() < before[found & device].mean() - 200
    assert results.report_of(node.filledVolume)["hole"]["voxels"] == found.sum()


def _matrix(node: Any) -> Any:
    import vtk

    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return matrix


def test_an_abnormality_map_of_a_film_is_laid_over_it_with_its_legend(person: Person) -> None:
    film = person.compute("InpaintFilm")
    person.panel.inputVolume, person.panel.bundle = film, "cxr"
    person.press("Map")
    made = results.newest()["abnormality"]
    person.picture("abnormality", np.zeros(3), 360, slice(1, 2), made)

    assert np.nanmax(_voxels(made)) > 1
    assert all(view.composite.GetForegroundVolumeID() == made.GetID() for view in person.views)
