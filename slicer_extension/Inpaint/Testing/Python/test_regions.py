"""What is caught of the scene, and what is refused with a sentence."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
from InpaintLib.errors import InpaintError
from InpaintLib.regions import TextBox, catch_label_map, catch_point, catch_roi, catch_segment, catch_visible_segments
from InpaintLib.volumes import catch_volume
from scene import SHAPE, add_point, add_segment, add_transform, add_volume, add_warp, ball, oblique, on_grid, positions


def test_a_point_and_a_radius_mark_all_voxels_within_it_in_mm() -> None:
    matrix = oblique()
    centre = positions(matrix)[12, 36, 32]

    drawn = catch_point(add_point(centre), 9.0).draw(catch_volume(add_volume()))

    assert np.array_equal(on_grid(drawn, matrix), ball(matrix, centre, 9.0))
    assert drawn[0].size < np.prod(SHAPE) / 4  # only a part of the grid is written


def test_a_point_at_the_border_marks_what_lies_inside() -> None:
    matrix = oblique()
    centre = positions(matrix)[0, 0, 0]

    drawn = catch_point(add_point(centre), 6.0).draw(catch_volume(add_volume()))

    assert np.array_equal(on_grid(drawn, matrix), ball(matrix, centre, 6.0))


def test_a_click_outside_of_the_volume_is_refused_with_a_sentence() -> None:
    region = catch_point(add_point(np.array([500.0, 0.0, 0.0])), 9.0)

    with pytest.raises(InpaintError, match="point lies outside of head; place it inside"):
        region.draw(catch_volume(add_volume()))


def test_an_oblique_box_marks_all_voxels_in_it() -> None:
    matrix = oblique()
    centre, size = positions(matrix)[12, 36, 32], np.array([14.0, 20.0, 18.0])
    turned = oblique((1, 1, 1)).T[:4, :4].copy()
    turned[:, 3], turned[3] = (0, 0, 0, 1), (0, 0, 0, 1)
    roi = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "box")
    roi.SetSize(size)
    place = turned.copy()
    place[:3, 3] = centre
    roi.SetAndObserveObjectToNodeMatrix(slicer.util.vtkMatrixFromArray(place))

    drawn = catch_roi(roi).draw(catch_volume(add_volume()))

    along = (positions(matrix) - centre) @ turned[:3, :3]
    assert np.array_equal(on_grid(drawn, matrix), (np.abs(along) <= size / 2).all(axis=-1))


def test_a_segment_is_marked_by_itself_where_segments_share_their_voxels() -> None:
    volume, matrix = add_volume(), oblique()
    mask = ball(matrix, positions(matrix)[10, 30, 40], 7.0)
    segmentation, segment = add_segment(mask, volume)

    drawn = catch_segment(segmentation, segment).draw(catch_volume(volume))

    assert np.array_equal(on_grid(drawn, matrix), mask)


def test_a_label_map_is_marked_where_it_is_not_zero() -> None:
    volume, matrix = add_volume(), oblique()
    labels = np.zeros(SHAPE, np.int16)
    labels[4:9, 20:30, 20:30] = labels[15:18, 40:50, 20:30] = 7
    node = add_volume(labels, kind="LabelMap", name="labels")

    drawn = catch_label_map(node).draw(catch_volume(volume))

    assert np.array_equal(on_grid(drawn, matrix), labels > 0)


def test_a_label_map_of_several_labels_is_refused_with_a_sentence() -> None:
    labels = np.zeros(SHAPE, np.int16)
    labels[4:9, 20:30, 20:30], labels[15:18, 40:50, 20:30] = 3, 7
    node = add_volume(labels, kind="LabelMap", name="labels")

    with pytest.raises(InpaintError, match="labels contains 2 labels: 3, 7; import it as a segmentation"):
        catch_label_map(node).draw(catch_volume(add_volume()))


def test_transforms_above_volume_and_region_are_both_followed() -> None:
    matrix, moved = oblique(), oblique((1, 1, 1))
    volume, point = add_volume(), add_point(positions(moved @ matrix)[12, 36, 32])
    volume.SetAndObserveTransformNodeID(add_transform(moved).GetID())
    labels = np.zeros(SHAPE, np.uint8)
    labels[4:9, 20:30, 20:30] = 1
    node = add_volume(labels, kind="LabelMap", name="labels", matrix=moved @ matrix)  # in the world as the volume is

    caught = catch_volume(volume)
    drawn = catch_point(point, 7.9).draw(caught)
    label_hole, label_place = catch_label_map(node).draw(caught)

    assert np.array_equal(on_grid(drawn, matrix), ball(matrix, positions(matrix)[12, 36, 32], 7.9))
    assert np.allclose(label_place, matrix)
    assert np.array_equal(label_hole, labels)


def test_a_volume_under_a_transform_that_is_not_linear_is_refused_with_a_sentence() -> None:
    volume = add_volume()
    volume.SetAndObserveTransformNodeID(add_warp().GetID())

    with pytest.raises(InpaintError, match="head lies under the transform warp, which is not linear; harden it first"):
        catch_volume(volume)


def test_a_moment_of_a_time_sequence_is_refused_with_a_sentence() -> None:
    volume = add_volume()
    sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", "beating")
    sequence.SetDataNodeAtValue(volume, "0")
    browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", "browser")
    browser.AddSynchronizedSequenceNode(sequence)
    browser.AddProxyNode(volume, sequence, False)

    with pytest.raises(InpaintError, match="head is one moment of the time sequence beating"):
        catch_volume(volume)


def test_colour_nothing_and_no_voxels_are_refused_with_a_sentence() -> None:
    colour = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "photograph")
    slicer.util.updateVolumeFromArray(colour, np.zeros((4, 5, 6, 3), np.uint8))
    empty = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")

    for node, sentence in ((colour, "3 components"), (empty, "contains no voxels"), (None, "No volume is chosen")):
        with pytest.raises(InpaintError, match=sentence):
            catch_volume(node)


def test_regions_that_are_missing_or_empty_are_refused_with_a_sentence() -> None:
    volume = add_volume()
    segmentation, _ = add_segment(np.zeros(SHAPE, bool), volume)
    labels = add_volume(np.zeros(SHAPE, np.uint8), kind="LabelMap", name="labels")
    no_points = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "points")
    cases = {
        "lesion is empty": lambda: catch_segment(segmentation, "lesion").draw(catch_volume(volume)),
        "no such segment": lambda: catch_segment(segmentation, "gone"),
        "No segmentation is chosen": lambda: catch_segment(None, ""),
        "labels is empty": lambda: catch_label_map(labels).draw(catch_volume(volume)),
        "No label map is chosen": lambda: catch_label_map(None),
        "No ROI is chosen": lambda: catch_roi(None),
        "No point is placed": lambda: catch_point(no_points, 5.0),
    }
    for sentence, case in cases.items():
        with pytest.raises(InpaintError, match=sentence):
            case()


def test_the_modality_is_that_of_the_dicom_series() -> None:
    volume = add_volume()
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    item = hierarchy.CreateItem(hierarchy.GetSceneItemID(), volume)
    assert catch_volume(volume).modality is None

    hierarchy.SetItemAttribute(item, "DICOM.Modality", "CT")

    assert catch_volume(volume).modality == "ct"


def test_all_visible_segments_are_one_region_and_hidden_ones_are_not_in_it() -> None:
    matrix, volume = oblique(), add_volume()
    places = positions(matrix)
    first, second = (ball(matrix, places[index], 5.0) for index in ((6, 20, 20), (16, 50, 44)))
    node, _ = add_segment(first, volume)  # with a segment "other" of all voxels
    node.GetSegmentation().AddEmptySegment("second", "second")
    slicer.util.updateSegmentBinaryLabelmapFromArray(second.astype(np.uint8), node, "second", volume)
    node.GetSegmentation().AddEmptySegment("empty", "empty")
    node.GetDisplayNode().SetSegmentVisibility("other", False)

    drawn = catch_visible_segments(node).draw(catch_volume(volume))

    assert np.array_equal(on_grid(drawn, matrix), first | second)
    for name in ("lesion", "second"):
        node.GetDisplayNode().SetSegmentVisibility(name, False)
    with pytest.raises(InpaintError, match="has no segment that is shown and marked"):
        catch_visible_segments(node).draw(catch_volume(volume))


def test_a_box_around_text_marks_the_same_pixels_of_every_slice() -> None:
    volume = add_volume(matrix=np.diag([1.0, 1.0, 2.0, 1.0]))
    roi = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "text")
    roi.SetCenterWorld(12.0, 7.5, 10.0)
    roi.SetSizeWorld(8.0, 3.0, 1.0)

    region = catch_roi(roi, TextBox)
    drawn, _ = region.draw(catch_volume(volume))

    assert region.rectangle(catch_volume(volume)) == (8, 6, 9, 4)
    assert drawn[:, 6:10, 8:17].all()
    assert drawn.sum() == SHAPE[0] * 9 * 4
    roi.SetCenterWorld(500.0, 0.0, 0.0)
    with pytest.raises(InpaintError, match="text lies outside of head"):
        catch_roi(roi, TextBox).draw(catch_volume(volume))
