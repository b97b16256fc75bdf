"""The module file itself: its widget with widgets that only remember, its self-test, what it registers."""

from __future__ import annotations

import sys
import time
import unittest
from types import ModuleType, SimpleNamespace
from unittest.mock import MagicMock

import numpy as np
import pytest
import slicer
from InpaintLib import environment as environments
from InpaintLib.environment import Environment
from InpaintLib.errors import InpaintError
from scene import add_point, add_volume, oblique, positions

LONGEST = 0.1  # seconds of the processor that a call on the main thread may take; the clock's are in the benchmark


@pytest.fixture
def widget(module: ModuleType, environment: Environment):
    made = module.InpaintWidget()
    made.setup()
    made.logic._where = environment
    slicer.util.errorDisplay.reset_mock()
    yield made
    made.cleanup()


def _run(widget) -> float:
    """Tick as the timer does until nothing is left to do; returns the longest call, loading the result aside."""
    longest, accept = 0.0, widget.logic.accept

    def loading(*args):
        nonlocal longest
        start = time.thread_time()
        accept(*args)
        widget.loading = time.thread_time() - start

    widget.logic.accept, widget.loading = loading, 0.0
    while len(widget.logic.queue):
        start = time.thread_time()
        widget.onTick()
        longest = max(longest, time.thread_time() - start - widget.loading)
        widget.loading = 0.0
        time.sleep(0.02)
    return longest


def test_the_module_is_listed_under_filtering_with_the_notice(module: ModuleType) -> None:
    parent = SimpleNamespace()
    module.Inpaint(parent)

    assert (parent.title, parent.categories) == ("Inpaint", ["Filtering"])
    assert "Research use only" in parent.helpText
    assert parent.contributors


def test_sample_data_are_registered_with_checksums(module: ModuleType, monkeypatch) -> None:
    logic = MagicMock()
    monkeypatch.setitem(sys.modules, "SampleData", SimpleNamespace(SampleDataLogic=logic))

    module.registerSampleData()

    entries = [call.kwargs for call in logic.registerCustomSampleDataSource.call_args_list]
    assert [entry["nodeNames"] for entry in entries] == ["InpaintMRHead", "InpaintCTChest"]
    assert all(entry["uris"].endswith(entry["checksums"].removeprefix("SHA256:")) for entry in entries)


def test_the_first_volume_is_chosen_and_panels_follow_the_kind_of_region(module: ModuleType, widget) -> None:
    volume = add_volume()
    widget.initializeParameterNode()
    node = widget._parameterNode
    assert node.inputVolume is volume
    for kind in module.REGIONS:
        node.region = kind
        widget.updateButtons()
        panels = ("segmentPanel", "labelMapPanel", "roiPanel", "pointPanel", "metalPanel")
        shown = [getattr(widget.ui, name).setVisible.call_args.args[0] for name in panels]
        assert shown == [kind == other for other in module.REGIONS]


def test_apply_without_a_region_says_what_is_missing(widget) -> None:
    add_volume()
    widget.initializeParameterNode()
    widget._parameterNode.bundle = "mr"

    widget.onApplyButton()

    slicer.util.errorDisplay.assert_called_once()
    assert widget.ui.statusLabel.text == "No segmentation is chosen; choose the one that marks what to fill."
    assert len(widget.logic.queue) == 0


def test_apply_fills_shows_and_never_holds_the_application_for_long(module: ModuleType, widget) -> None:
    add_volume()
    widget.initializeParameterNode()
    node = widget._parameterNode
    node.region, node.point, node.radius, node.bundle = (
        module.POINT,
        add_point(positions(oblique())[12, 36, 32]),
        4,
        "mr",
    )

    start = time.thread_time()
    widget.onApplyButton()
    pressed = time.thread_time() - start
    widget.onTick()
    assert widget.ui.applyButton.text == "Cancel"
    longest = _run(widget)

    assert pressed < LONGEST
    assert longest < LONGEST
    assert widget.ui.applyButton.text == "Apply"
    assert node.filledVolume.GetName() == "head filled"
    assert widget.ui.statusLabel.text.startswith("Done in ")
    assert widget.ui.progressBar.value == 100
    widget.onFlipButton()
    assert widget.ui.statusLabel.text in ("Before", "After")
    widget.onUndoButton()
    assert node.filledVolume is None


def test_apply_becomes_cancel_and_the_queue_is_emptied(module: ModuleType, widget) -> None:
    add_volume()
    widget.initializeParameterNode()
    node = widget._parameterNode
    node.region, node.point, node.bundle = module.POINT, add_point(positions(oblique())[12, 36, 32]), "mr"
    widget.onApplyButton()
    widget.onTick()
    widget.onQueueButton()
    assert len(widget.logic.queue) == 2

    widget.onApplyButton()
    _run(widget)

    assert widget.ui.statusLabel.text == "Cancelled."
    assert node.filledVolume is None
    slicer.util.errorDisplay.assert_not_called()


def test_a_failed_run_shows_the_command_s_sentence_and_keeps_the_log(module: ModuleType, widget) -> None:
    add_volume(np.full((24, 72, 64), 7, np.uint8))
    widget.initializeParameterNode()
    node = widget._parameterNode
    node.region, node.point, node.bundle = module.POINT, add_point(positions(oblique())[12, 36, 32]), "ct"
    widget.onApplyButton()
    _run(widget)

    (sentence,), _ = slicer.util.errorDisplay.call_args
    assert "a CT is filled in Hounsfield units" in sentence
    assert "a CT is filled in Hounsfield units" in widget.ui.logText.setPlainText.call_args.args[0]


def test_installing_keeps_slicer_s_own_packages_as_they_are(widget) -> None:
    kept = []
    slicer.packaging.pip_ensure.side_effect = lambda _, constraints, requester: kept.append(constraints.read_text())
    slicer.packaging.load_requirements = lambda path: ["monai-inpaint>=0.3.0"]
    widget.ui.wheelsPath.currentPath = ""

    widget.onInstallButton()

    (requirements,), told = slicer.packaging.pip_ensure.call_args
    assert requirements == ["monai-inpaint>=0.3.0"]
    assert {"numpy", "vtk"} <= {line.partition("==")[0] for line in kept[0].splitlines()}
    assert not told["constraints"].exists()


def test_without_a_network_a_folder_of_wheels_is_all_that_pip_is_given(widget, tmp_path) -> None:
    slicer.packaging.load_requirements = lambda path: ["monai-inpaint>=0.3.0"]
    wheels = tmp_path / "Räder hier"
    wheels.mkdir()
    widget.ui.wheelsPath.currentPath = str(wheels)
    widget.onInstallButton()
    assert "holds no wheels" in slicer.util.errorDisplay.call_args.args[0]
    (wheels / "monai_inpaint-0.3.0-py3-none-any.whl").touch()

    widget.onInstallButton()

    (words,), _ = slicer.packaging.pip_install.call_args
    assert words == ["--no-index", "--find-links", str(wheels), "monai-inpaint>=0.3.0"]


def test_a_slicer_that_cannot_be_written_to_says_so_before_anything_is_installed(widget, monkeypatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)

    with pytest.raises(InpaintError, match="may not be written to, so monai-inpaint cannot be installed there"):
        environments.check_installable()


def test_closing_the_scene_ends_what_runs(module: ModuleType, widget) -> None:
    add_volume()
    widget.initializeParameterNode()
    node = widget._parameterNode
    node.region, node.point, node.bundle = module.POINT, add_point(positions(oblique())[12, 36, 32]), "mr"
    widget.onApplyButton()
    widget.onTick()
    run = widget.logic.queue.current

    slicer.mrmlScene.Clear()

    while not run.ended:
        time.sleep(0.02)
    assert run.state.value == "cancelled"


def test_the_self_test_of_the_module_passes(module: ModuleType, environment: Environment, monkeypatch) -> None:
    monkeypatch.setattr(environments, "slicer_environment", lambda temporary: environment)
    monkeypatch.setattr(environments, "installed_version", lambda: "0.3.0")
    case = module.InpaintTest("test_ball")

    outcome = unittest.TestResult()
    case.run(outcome)

    assert outcome.testsRun == 1
    assert outcome.wasSuccessful(), outcome.errors + outcome.failures
    assert not outcome.skipped
