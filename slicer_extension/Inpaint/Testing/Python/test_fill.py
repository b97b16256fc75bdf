"""From parameters to nodes, through the real command."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import slicer
from InpaintLib import parameters as given
from InpaintLib import results
from InpaintLib.environment import Environment
from InpaintLib.errors import InpaintError
from InpaintLib.info_lines import info_lines
from InpaintLib.runs import State
from scene import add_point, add_segment, add_volume, ball, ijk_to_ras, oblique, positions, tissue

CENTRE = positions(oblique())[12, 36, 32]
LESION = ball(oblique(), CENTRE, 5.0)


@pytest.fixture
def logic(module: ModuleType, environment: Environment):
    return module.InpaintLogic(environment)


def _finish(logic, run) -> None:
    while not run.ended:
        logic.queue.tick()
        time.sleep(0.02)


def test_a_segment_of_an_oblique_anisotropic_volume_is_filled_in_place_and_nothing_else_changes(
    module: ModuleType, logic, temporary: Path
) -> None:
    volume, parameters = add_volume(name="Kopf, schräg"), logic.getParameterNode()
    parameters.segmentation, parameters.segment = add_segment(LESION, volume)
    parameters.inputVolume, parameters.region, parameters.bundle = volume, module.SEGMENT, "mr"

    logic.process(parameters)

    filled = slicer.util.arrayFromVolume(parameters.filledVolume)
    assert np.array_equal(ijk_to_ras(parameters.filledVolume), ijk_to_ras(volume))
    assert np.array_equal(filled[~LESION], tissue()[~LESION])
    assert (filled[LESION] != tissue()[LESION]).mean() > 0.5
    assert filled.dtype == np.int16
    difference = slicer.util.arrayFromVolume(results.nodes_beside(parameters.filledVolume)["difference"])
    assert np.array_equal(difference, filled.astype(np.float32) - tissue())
    report = json.loads(parameters.filledVolume.GetAttribute("Inpaint.Report"))
    assert report["hole"]["voxels"] == LESION.sum()
    assert report["untouched"]["before"] == report["untouched"]["after"]
    assert parameters.filledVolume.GetName() == "Kopf, schräg filled"
    assert not any(temporary.iterdir())


def test_a_segmentation_in_another_geometry_is_grown_in_mm_and_filled(module: ModuleType, logic) -> None:
    finer = oblique((0.6, 0.6, 0.6))
    other = add_volume(np.zeros((80, 80, 80), np.int16), finer, "finer")
    centre = positions(finer, (80, 80, 80))[40, 40, 40]
    matrix = oblique()
    matrix[:3, 3] += centre - CENTRE  # the volume is centred on the same place
    volume, parameters = add_volume(matrix=matrix), logic.getParameterNode()
    mask = ball(finer, centre, 4.0, (80, 80, 80))
    parameters.segmentation, parameters.segment = add_segment(mask, other)
    parameters.inputVolume, parameters.region, parameters.bundle = volume, module.SEGMENT, "mr"
    parameters.grow = 3.0

    logic.process(parameters)

    changed = slicer.util.arrayFromVolume(parameters.filledVolume) != slicer.util.arrayFromVolume(volume)
    assert not changed[~ball(matrix, centre, 4.0 + 3.0 + 1.5)].any()  # half a coarse voxel of doubt
    assert changed[ball(matrix, centre, 4.0 + 3.0 - 1.5)].mean() > 0.5


def test_a_scene_saved_and_loaded_can_be_run_again(
    module: ModuleType, logic, environment: Environment, tmp_path: Path
) -> None:
    volume, parameters = add_volume(), logic.getParameterNode()
    parameters.inputVolume, parameters.region, parameters.bundle = volume, module.POINT, "mr"
    parameters.point, parameters.radius, parameters.grow = add_point(CENTRE), 3.0, 2.0
    parameters.drawn, parameters.seed, parameters.metalThreshold = module.parameters.SAMPLE, 7, 3210.5
    logic.process(parameters)
    first = slicer.util.arrayFromVolume(parameters.filledVolume).copy()
    folder = tmp_path / "gesicherte Szene"
    folder.mkdir()
    _save(folder)
    slicer.mrmlScene.Clear()

    slicer.mrmlScene.SetURL(str(folder / "scene.mrml"))
    assert slicer.mrmlScene.Connect()
    loaded = module.InpaintLogic(environment)
    again = loaded.getParameterNode()

    assert (again.region, again.bundle, again.radius, again.grow) == (module.POINT, "mr", 3.0, 2.0)
    assert (again.drawn, again.seed, again.metalThreshold) == ("one sample", 7, 3210.5)
    assert again.inputVolume.GetName() == "head"
    assert np.array_equal(slicer.util.arrayFromVolume(again.filledVolume), first)
    loaded.process(again)
    assert again.filledVolume.GetName() == "head sample 7_1"
    assert np.array_equal(slicer.util.arrayFromVolume(again.filledVolume), first)


def _save(folder: Path) -> None:
    """What Slicer's Save Data does."""
    for kind in ("vtkMRMLScalarVolumeNode", "vtkMRMLMarkupsFiducialNode", "vtkMRMLColorTableNode"):
        for node in slicer.util.getNodesByClass(kind):
            if node.GetSaveWithScene() and (kind != "vtkMRMLColorTableNode" or node.GetName() == "Inpaint difference"):
                storage = node.GetStorageNode() or node.CreateDefaultStorageNode()
                slicer.mrmlScene.AddNode(storage)
                node.SetAndObserveStorageNodeID(storage.GetID())
                storage.SetFileName(str(folder / f"{node.GetName()}.{storage.GetDefaultWriteFileExtension()}"))
                assert storage.WriteData(node)
    slicer.mrmlScene.SetRootDirectory(str(folder))
    slicer.mrmlScene.SetURL(str(folder / "scene.mrml"))
    assert slicer.mrmlScene.Commit()


def test_what_the_command_refuses_appears_as_its_own_sentence(module: ModuleType, logic, temporary: Path) -> None:
    volume, parameters = add_volume(np.full((24, 72, 64), 7, np.uint8)), logic.getParameterNode()
    parameters.inputVolume, parameters.region, parameters.bundle = volume, module.POINT, "ct"
    parameters.point, parameters.radius = add_point(CENTRE), 5.0

    with pytest.raises(InpaintError, match=r"8-bit grey values, but a CT is filled in Hounsfield units"):
        logic.process(parameters)

    assert parameters.filledVolume is None
    assert not any(temporary.iterdir())


def test_cancelling_a_fill_leaves_no_node_and_nothing_on_disk_within_a_second(
    module: ModuleType, logic, temporary: Path
) -> None:
    volume, parameters = add_volume(), logic.getParameterNode()
    parameters.inputVolume, parameters.region, parameters.bundle = volume, module.POINT, "mr"
    parameters.point, parameters.radius = add_point(CENTRE), 15.0
    run = logic.add(given.job_of(parameters))
    while run.progress.stage != "fill":
        logic.queue.tick()
        assert not run.ended, run.error
        time.sleep(0.01)
    nodes = slicer.mrmlScene.GetNumberOfNodes()

    start = time.monotonic()
    logic.queue.cancel()
    _finish(logic, run)

    assert time.monotonic() - start < 1.0
    assert run.state is State.CANCELLED
    assert slicer.mrmlScene.GetNumberOfNodes() == nodes
    assert not any(temporary.iterdir())


def test_the_check_tells_versions_engine_bundles_and_memory(module: ModuleType, logic) -> None:
    volume, parameters = add_volume(), logic.getParameterNode()
    parameters.inputVolume, parameters.region = volume, module.POINT
    parameters.point, parameters.radius = add_point(CENTRE), 10.0
    run = logic.add(given.inform_job(parameters))
    _finish(logic, run)

    lines = info_lines(run.result)

    assert lines[0].startswith("monai-inpaint ")
    assert "device: CPU" in lines[1]
    assert "mr_inpainting" in lines[2]
    assert "this fill takes about" in lines[4]
    assert "memory: choose" in info_lines({key: run.result[key] for key in run.result if key != "memory"})[4]


def test_metal_is_found_and_taken_out_with_a_threshold(module: ModuleType, logic) -> None:
    k, j, i = np.indices((6, 128, 128))
    body = np.hypot(i - 64, (j - 64) / 0.8) < 50
    rod = np.hypot(i - 64, j - 60) < 4
    voxels = np.where(body, 40, -1000) + np.random.default_rng(0).normal(0, 8, body.shape)
    voxels[rod] = 3000
    volume, parameters = add_volume(voxels.astype(np.int16), np.diag([1.5, 1.5, 3, 1.0])), logic.getParameterNode()
    parameters.inputVolume, parameters.region, parameters.bundle = volume, module.METAL, "ct"
    parameters.judgeThreshold, parameters.metalThreshold = False, 2000

    finding = logic.add(given.find_job(parameters))
    _finish(logic, finding)
    logic.process(parameters)

    assert np.array_equal(finding.result.labels == 1, rod)
    filled = slicer.util.arrayFromVolume(parameters.filledVolume)
    assert np.array_equal(filled[rod], voxels.astype(np.int16)[rod])  # the metal itself is kept
    assert "metal" in results_report(parameters)
    assert finding.result.labels.shape == k.shape


def results_report(parameters) -> dict:
    return json.loads(parameters.filledVolume.GetAttribute("Inpaint.Report"))


def test_a_model_has_to_be_chosen_where_nothing_tells_the_modality(module: ModuleType, logic) -> None:
    volume, parameters = add_volume(), logic.getParameterNode()
    parameters.inputVolume, parameters.region, parameters.point = volume, module.POINT, add_point(CENTRE)

    with pytest.raises(InpaintError, match="head does not state its modality"):
        given.job_of(parameters)
