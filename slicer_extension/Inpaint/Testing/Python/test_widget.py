"""The module file itself: its widget with widgets that only remember, its self-test, what it registers."""

from __future__ import annotations

import sys
import time
import unittest
from pathlib import Path
from types import ModuleType, SimpleNamespace
from unittest.mock import MagicMock

import numpy as np
import pytest
import slicer
from InpaintLib import environment as environments
from InpaintLib.environment import Environment
from InpaintLib.errors import InpaintError
from scene import add_point, add_volume, oblique, positions

PANELS = {
    "segment": "segmentPanel",
    "all visible segments": "segmentPanel",
    "label map": "labelMapPanel",
    "ROI": "roiPanel",
    "point and radius": "pointPanel",
    "find artifacts": "artifactsPanel",
    "burned-in text": "roiPanel",
    "find metal": "metalPanel",
}
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
    assert [entry["sampleName"] for entry in entries[:2]] == ["InpaintMRHead", "InpaintCTChest"]
    assert all(entry["uris"].endswith(entry["checksums"].removeprefix("SHA256:")) for entry in entries[:2])
    assert [entry["sampleName"] for entry in entries[2:]] == ["InpaintFilm", "InpaintHip"]
    assert all(callable(entry["customDownloader"]) for entry in entries[2:])


def test_a_sample_that_cannot_be_computed_says_why(module: ModuleType, environment: Environment, monkeypatch) -> None:
    nothing = Environment(environment.python, environment.temporary / "gone", {})
    monkeypatch.setattr(environments, "slicer_environment", lambda temporary: nothing)
    slicer.util.errorDisplay.reset_mock()

    assert module.computeSample("InpaintFilm") is None
    assert "may not be written to" in slicer.util.errorDisplay.call_args.args[0]


def test_the_first_volume_is_chosen_and_panels_follow_the_kind_of_region(module: ModuleType, widget) -> None:
    volume = add_volume()
    widget.initializeParameterNode()
    node = widget._parameterNode
    assert node.inputVolume is volume
    for kind in module.REGIONS:
        node.region = kind
        widget.updateButtons()
        panels = ("segmentPanel", "labelMapPanel", "roiPanel", "pointPanel", "artifactsPanel", "metalPanel")
        shown = {name for name in panels if getattr(widget.ui, name).setVisible.call_args.args[0]}
        assert shown == {PANELS[kind]}


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


def _pip(widget) -> tuple[list[str], dict]:
    """What pip was given by the last installation."""
    (words,), options = slicer.packaging.pip_install.call_args
    return words, options


@pytest.fixture
def pip(widget, monkeypatch) -> MagicMock:
    packaging = MagicMock(name="packaging")
    packaging.load_requirements.return_value = ["monai-inpaint[slicer]>=0.3.0"]
    packaging.isPipInstallInProgress.return_value = False
    monkeypatch.setattr(slicer, "packaging", packaging)
    widget.ui.wheelsPath.currentPath = ""
    return packaging.pip_install


def test_installing_goes_on_in_the_background_and_keeps_slicer_s_own_packages(widget, pip) -> None:
    widget.onInstallButton()

    _, options = _pip(widget)
    assert options["blocking"] is False
    kept = Path(options["constraints"]).read_text(encoding="utf-8")  # is there as long as pip runs
    assert {"numpy", "vtk"} <= {line.partition("==")[0] for line in kept.splitlines()}
    assert widget.ui.statusLabel.text == "Installing..."
    options["logCallback"]("Collecting openvino\n")
    assert widget.ui.checksText.setPlainText.call_args.args[0] == "Collecting openvino"
    options["completedCallback"](0)
    assert widget.ui.statusLabel.text == "Installed."


def test_the_package_is_installed_from_where_the_module_comes_from(module: ModuleType, tmp_path: Path) -> None:
    folder = tmp_path / "Inpaint"
    (folder / "Resources" / "Wheels").mkdir(parents=True)
    asked = ["monai-inpaint[slicer]>=0.3.0"]
    assert environments.install_words(asked, folder) == asked  # neither a wheel nor a checkout: the registry

    checkout = Path(module.__file__).resolve().parents[2]
    assert environments.install_words(asked, Path(module.__file__).parent) == [
        f"monai-inpaint[slicer] @ {checkout.as_uri()}"
    ]

    wheel = folder / "Resources" / "Wheels" / "monai_inpaint-0.3.0-py3-none-any.whl"
    wheel.touch()
    assert environments.install_words(asked, folder) == [f"monai-inpaint[slicer] @ {wheel.as_uri()}"]


def test_apply_without_the_package_installs_it_and_then_goes_on(module: ModuleType, widget, pip, monkeypatch) -> None:
    monkeypatch.setattr(slicer, "app", MagicMock(temporaryPath=slicer.app.temporaryPath))
    slicer.app.testingEnabled.return_value = False
    monkeypatch.setattr(environments, "installed_version", lambda: None)
    _point_in_a_head(module, widget)

    widget.onApplyButton()
    assert len(widget.logic.queue) == 0
    _pip(widget)[1]["completedCallback"](0)

    assert len(widget.logic.queue) == 1
    widget.onTick()
    widget.onApplyButton()  # cancels


def test_an_installation_that_failed_shows_what_pip_said_and_starts_nothing(widget, pip) -> None:
    widget.install("requirements.txt", then=lambda: pytest.fail("nothing may go on"))
    options = _pip(widget)[1]
    options["logCallback"]("ERROR: No matching distribution found for openvino\n")

    options["completedCallback"](1)

    assert widget.ui.statusLabel.text == "Nothing was installed: No matching distribution found for openvino"


def test_who_declines_to_install_gets_nothing_installed(widget, pip, monkeypatch) -> None:
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda *_, **__: False)

    widget.onInstallButton()

    pip.assert_not_called()
    assert widget.ui.statusLabel.text == "Not installed."


def test_two_installations_do_not_run_at_once(widget, pip) -> None:
    slicer.packaging.isPipInstallInProgress.return_value = True

    widget.onInstallButton()

    pip.assert_not_called()
    assert "wait until that has ended" in slicer.util.errorDisplay.call_args.args[0]


def test_without_a_network_a_folder_of_wheels_is_all_that_pip_is_given(widget, pip, tmp_path) -> None:
    wheels = tmp_path / "Räder hier"
    wheels.mkdir()
    widget.ui.wheelsPath.currentPath = str(wheels)
    widget.onInstallButton()
    assert "contains no wheels" in slicer.util.errorDisplay.call_args.args[0]
    (wheels / "monai_inpaint-0.3.0-py3-none-any.whl").touch()

    widget.onInstallButton()

    assert _pip(widget)[0] == ["--no-index", "--find-links", str(wheels), "monai-inpaint[slicer]>=0.3.0"]


def test_keys_work_while_the_module_is_shown_and_no_longer(module: ModuleType, widget) -> None:
    import qt

    qt.QShortcut.reset_mock()
    widget.enter()
    made = qt.QShortcut.return_value
    keys = [call.args[0] for call in made.setKey.call_args_list]
    assert keys == list(module.SHORTCUTS)
    assert all(call.args[0] == "activated()" and callable(call.args[1]) for call in made.connect.call_args_list)

    widget.exit()

    assert made.setParent.call_count == len(keys)


def test_another_sample_takes_the_next_seed(module: ModuleType, widget) -> None:
    node = _point_in_a_head(module, widget)
    node.seed = 4
    for seed in (4, 5):
        widget.onAnotherButton()
        assert (node.drawn, node.seed) == ("one sample", seed)
    assert len(widget.logic.queue) == 2
    widget.logic.queue.cancel()


def test_the_segment_editor_opens_on_the_volume_and_its_segmentation(module: ModuleType, widget) -> None:
    node = _point_in_a_head(module, widget)
    editor = MagicMock()
    slicer.modules.SegmentEditorWidget = editor

    widget.onEditorButton()

    slicer.util.selectModule.assert_called_with("SegmentEditor")
    editor.editor.setSourceVolumeNode.assert_called_once_with(node.inputVolume)


def _point_in_a_head(module: ModuleType, widget):
    """Parameters with all that Apply needs."""
    add_volume()
    widget.initializeParameterNode()
    node = widget._parameterNode
    node.region, node.point, node.radius = module.POINT, add_point(positions(oblique())[12, 36, 32]), 4
    node.bundle = "mr"
    return node


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


@pytest.mark.parametrize("there", ["0.3.0", None], ids=["installed", "dashboard machine"])
def test_the_self_test_of_the_module_installs_what_is_missing_and_fills(
    there: str | None, module: ModuleType, environment: Environment, pip, monkeypatch
) -> None:
    monkeypatch.setattr(environments, "slicer_environment", lambda temporary: environment)
    monkeypatch.setattr(environments, "installed_version", lambda: there)
    case = module.InpaintTest("test_ball")

    outcome = unittest.TestResult()
    case.run(outcome)

    assert outcome.testsRun == 1
    assert outcome.wasSuccessful(), outcome.errors + outcome.failures
    assert not outcome.skipped
    assert pip.called == (there is None)
