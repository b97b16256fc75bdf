"""Results in the scene and in the slice views, as Slicer's own slice logic draws them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import slicer
from InpaintLib import preview, results, views
from InpaintLib.colour_tables import difference_colours
from InpaintLib.dicom import source_files
from InpaintLib.errors import InpaintError
from InpaintLib.jobs import Filled, MarkedBox
from InpaintLib.searches import Labelled, Mapped
from InpaintLib.volumes import catch_volume
from scene import add_transform, add_volume, ball, ijk_to_ras, oblique, positions, tissue
from slices import SliceView

CENTRE = positions(oblique())[12, 36, 32]
HOLE = ball(oblique(), CENTRE, 9.0)


def _filled(volume, change: float = 100.0) -> Filled:
    caught = catch_volume(volume)
    voxels = caught.voxels.copy()
    voxels[HOLE] += int(change)
    voxels[HOLE & (np.indices(HOLE.shape)[2] < 32)] -= int(2 * change)
    report = {"notice": "Research use only."}
    computed = MarkedBox.of(HOLE)
    return Filled(caught, voxels, voxels.astype(np.float32) - caught.voxels, change, report, [], computed, bundle="mr")


def _two(volume) -> tuple:
    """The filled volume and the difference of a result."""
    made = results.add_filled(_filled(volume))
    return made["filled"], made["difference"]


def _nodes() -> int:
    return slicer.mrmlScene.GetNumberOfNodes()


def test_the_filled_node_lies_where_the_source_lies_and_says_that_it_is_derived() -> None:
    volume = add_volume()
    moved = add_transform(oblique((1, 1, 1)))
    volume.SetAndObserveTransformNodeID(moved.GetID())

    filled, difference = _two(volume)

    assert (filled.GetName(), difference.GetName()) == ("head filled", "head difference")
    for node in (filled, difference):
        assert np.array_equal(ijk_to_ras(node), ijk_to_ras(volume))
        assert node.GetParentTransformNode() is moved
        assert "Research use only" in node.GetDescription()
    assert slicer.util.arrayFromVolume(filled).dtype == slicer.util.arrayFromVolume(volume).dtype
    assert np.array_equal(slicer.util.arrayFromVolume(volume), tissue())  # the source is as it was
    assert filled.GetNodeReference("InpaintSource") is volume
    assert results.report_of(filled) == {"notice": "Research use only."}


def test_results_join_their_source_in_the_study_of_the_patient() -> None:
    volume = add_volume()
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "patient")
    study = hierarchy.CreateStudyItem(patient, "study")
    hierarchy.CreateItem(study, volume)

    for node in results.add_filled(_filled(volume)).values():
        assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == study


def test_the_overlay_shows_brighter_in_red_darker_in_blue_and_nothing_elsewhere() -> None:
    volume = add_volume()
    view = SliceView("Red")
    filled, difference = _two(volume)
    views.show(filled)
    plain = view.picture(CENTRE, 90)[..., :3].astype(int)

    views.show(filled, difference)
    shown = view.picture(CENTRE, 90)[..., :3].astype(int)

    changed = (shown != plain).any(axis=-1)
    red, blue = shown[..., 0] > shown[..., 2] + 30, shown[..., 2] > shown[..., 0] + 30
    disc = np.pi * 9.0**2 / (90 / 256) ** 2
    assert 0.85 * disc < changed.sum() < 1.15 * disc
    assert red.sum() > 0.3 * disc
    assert blue.sum() > 0.3 * disc
    assert not (red | blue)[~changed].any()


def test_views_are_linked_and_flip_between_before_and_after() -> None:
    volume = add_volume()
    slices = [SliceView(name) for name in ("Red", "Green")]
    filled, difference = _two(volume)
    views.show(filled, difference)
    assert all(view.composite.GetLinkedControl() for view in slices)

    shown = []
    for _ in range(3):
        after = views.flip(volume, filled)
        shown.append((after, {view.composite.GetBackgroundVolumeID() for view in slices}))

    assert shown == [(False, {volume.GetID()}), (True, {filled.GetID()}), (False, {volume.GetID()})]


def test_undo_takes_every_node_of_the_result_out_of_the_scene() -> None:
    result = _filled(add_volume())
    difference_colours()  # one for all results
    before = _nodes()
    results.add_filled(result)
    assert _nodes() > before

    source = results.undo()

    assert _nodes() == before
    assert source is slicer.mrmlScene.GetNodeByID(result.volume.node_id)
    assert results.undo() is None  # a second time does nothing


def test_a_result_whose_source_was_deleted_is_refused_with_a_sentence() -> None:
    volume = add_volume()
    result = _filled(volume)
    slicer.mrmlScene.RemoveNode(volume)

    with pytest.raises(InpaintError, match="head was removed from the scene"):
        results.add_filled(result)


def test_what_is_found_is_shown_as_labels() -> None:
    volume, view = add_volume(), SliceView("Red")
    labels = HOLE.astype(np.uint8)

    node = results.add_labels(Labelled(catch_volume(volume), labels, []))["labels"]
    assert node.GetName() == "head metal"
    views.show_labels(node)

    assert np.array_equal(slicer.util.arrayFromVolume(node), labels)
    assert np.array_equal(ijk_to_ras(node), ijk_to_ras(volume))
    assert view.composite.GetLabelVolumeID() == node.GetID()


def test_the_preview_follows_the_threshold_and_copies_no_voxel() -> None:
    volume, view = add_volume(), SliceView("Red")
    views.show(volume)
    plain = view.picture(CENTRE, 90)[..., :3].astype(int)
    marked = []
    for threshold in (450, 520, 5000):
        node = preview.show_preview(volume, threshold)
        shown = view.picture(CENTRE, 90)[..., :3].astype(int)
        marked.append(int((shown != plain).any(axis=-1).sum()))
        assert node.GetImageData() is volume.GetImageData()
    assert marked[0] > 5 * marked[1] > 0
    assert marked[2] == 0

    preview.hide_preview()

    assert view.composite.GetForegroundVolumeID() is None
    assert slicer.mrmlScene.GetFirstNodeByName("Inpaint metal preview") is None


def test_the_preview_moves_to_another_volume() -> None:
    first, second = add_volume(), add_volume(tissue(dtype="float32"), name="other", matrix=np.eye(4))
    preview.show_preview(first, 500)

    node = preview.show_preview(second, 500)

    assert node.GetImageData() is second.GetImageData()
    assert np.array_equal(ijk_to_ras(node), np.eye(4))
    preview.hide_preview()


def test_export_of_what_never_was_dicom_is_refused_with_a_sentence() -> None:
    volume = add_volume()
    filled, _ = _two(volume)

    with pytest.raises(InpaintError, match="head was not loaded from DICOM"):
        source_files(filled, None)
    with pytest.raises(InpaintError, match="head was not filled by this module"):
        source_files(volume, None)


def test_export_whose_files_are_gone_is_refused_with_a_sentence() -> None:
    class Empty:
        def fileForInstance(self, uid: str) -> str:  # noqa: N802
            return ""

    volume = add_volume()
    volume.SetAttribute("DICOM.instanceUIDs", "1.2.3 1.2.4")
    filled, _ = _two(volume)

    with pytest.raises(InpaintError, match="import its series again"):
        source_files(filled, Empty())


def test_every_map_has_a_legend_that_names_what_its_colours_mean() -> None:
    volume = add_volume()
    result = _filled(volume)
    spread = np.where(HOLE, 30.0, 0.0).astype(np.float32)
    made = results.add_filled(replace(result, spread=spread))
    made |= results.add_map(Mapped(catch_volume(volume), spread, 30.0, "SD of healthy films", {}, []))

    titles = {}
    for kind in results.MAPS:
        legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(made[kind])
        assert legend.GetVisibility()
        titles[kind] = legend.GetTitleText()
        low, high = made[kind].GetDisplayNode().GetWindowLevelMin(), made[kind].GetDisplayNode().GetWindowLevelMax()
        assert (low < 0) == (kind == "difference")
        assert high > 0
    assert titles == {
        "difference": "Filled - source, signal",
        "spread": "Predicted error, signal",
        "abnormality": "Unlike healthy anatomy, SD of healthy films",
    }


def test_what_was_computed_stays_as_an_outline_on_the_grid_of_the_volume() -> None:
    made = results.add_filled(_filled(volume := add_volume()))

    region = made["region"]
    marked = slicer.util.arrayFromSegmentBinaryLabelmap(region, "region", volume)
    assert np.array_equal(marked > 0, HOLE)
    assert not region.GetDisplayNode().GetVisibility2DFill()
    kept = results.computed_of(made["filled"])
    again = np.zeros(HOLE.shape, bool)
    kept.mark_in(again)
    assert np.array_equal(again, HOLE)
    slicer.mrmlScene.RemoveNode(region)
    with pytest.raises(InpaintError, match="it is not known which voxels were computed; fill again"):
        results.computed_of(made["filled"])


def test_undo_goes_back_through_every_kind_of_result_the_newest_first() -> None:
    volume = add_volume()
    first = results.add_filled(_filled(volume))
    found = results.add_labels(Labelled(catch_volume(volume), HOLE.astype(np.uint8), [], "artifacts"))
    second = results.add_filled(_filled(first["filled"]))
    assert results.line_of(second["filled"]) == [first["filled"], second["filled"]]

    assert results.undo() is first["filled"]
    assert results.newest_filled() is first["filled"]
    assert second["region"].GetScene() is None
    assert results.undo() is volume
    assert found["labels"].GetScene() is None
    assert results.undo() is volume
    assert results.newest() == {}


def test_a_map_that_a_result_does_not_have_is_named() -> None:
    volume = add_volume()
    filled, difference = _two(volume)

    assert results.map_of(filled, "difference") is difference
    with pytest.raises(InpaintError, match="has no spread; choose spread before you press Apply"):
        results.map_of(filled, "spread")
    with pytest.raises(InpaintError, match="press Abnormality map first"):
        results.map_of(filled, "abnormality")
    made = results.add_map(Mapped(catch_volume(volume), HOLE.astype(np.float32), 1.0, "SD", {}, []))
    assert results.map_of(filled, "abnormality") is made["abnormality"]
