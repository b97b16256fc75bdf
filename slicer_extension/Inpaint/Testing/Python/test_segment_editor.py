"""The effect Inpaint of the Segment Editor, with a base class that only remembers."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from unittest.mock import MagicMock

import pytest
import slicer
from InpaintLib.parameters import SEGMENT, VISIBLE
from scene import add_segment, add_volume, ball, oblique, positions

EFFECT = Path(__file__).parents[3] / "SegmentEditorInpaint"


class _Effect:
    """What Slicer's base class keeps."""

    def __init__(self, scripted) -> None:
        self.scriptedEffect = scripted


@pytest.fixture
def effect(monkeypatch) -> ModuleType:
    base = SimpleNamespace(AbstractScriptedSegmentEditorEffect=_Effect)
    monkeypatch.setitem(sys.modules, "SegmentEditorEffects", base)
    monkeypatch.syspath_prepend(str(EFFECT))
    import qt

    monkeypatch.setattr(qt, "QPushButton", MagicMock(side_effect=lambda text: MagicMock(text=text)), raising=False)
    return importlib.import_module("SegmentEditorInpaintLib.SegmentEditorEffect")


def test_the_effect_knows_the_module_s_names_of_regions(effect: ModuleType) -> None:
    assert (effect.SEGMENT, effect.VISIBLE) == (SEGMENT, VISIBLE)


def test_its_help_says_what_it_is_not_for(effect: ModuleType) -> None:
    assert "Research use only, not for diagnosis" in effect.SegmentEditorEffect(MagicMock()).helpText()


@pytest.mark.parametrize(("button", "kind"), [(0, SEGMENT), (1, VISIBLE)])
def test_a_button_of_the_effect_fills_what_is_marked_in_the_editor(
    effect: ModuleType, module: ModuleType, environment, button: int, kind: str, monkeypatch
) -> None:
    volume = add_volume()
    segmentation, segment = add_segment(ball(oblique(), positions(oblique())[12, 36, 32], 5.0), volume)
    editor = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentEditorNode")
    editor.SetAndObserveSourceVolumeNode(volume)
    editor.SetAndObserveSegmentationNode(segmentation)
    editor.SetSelectedSegmentID(segment)
    widget = module.InpaintWidget()
    widget.setup()
    widget.logic._where = environment
    widget._parameterNode.bundle = "mr"
    monkeypatch.setattr(slicer.modules, "InpaintWidget", widget, raising=False)
    scripted = MagicMock()
    scripted.parameterSetNode.return_value = editor
    made = effect.SegmentEditorEffect(scripted)
    made.setupOptionsFrame()
    pressed = scripted.addOptionsWidget.call_args_list[button].args[0].connect.call_args.args

    assert pressed[0] == "clicked()"
    pressed[1]()

    node = widget._parameterNode
    assert (node.inputVolume, node.segmentation, node.segment, node.region) == (volume, segmentation, segment, kind)
    assert len(widget.logic.queue) == 1
    slicer.util.selectModule.assert_called_with("Inpaint")
    widget.cleanup()


def test_cmake_lists_the_files_of_the_effect() -> None:
    text = (EFFECT / "CMakeLists.txt").read_text(encoding="utf-8").replace("${MODULE_NAME}", "SegmentEditorInpaint")
    for path in EFFECT.rglob("*.p*"):
        if path.suffix in (".py", ".png"):
            assert path.relative_to(EFFECT).as_posix() in text
