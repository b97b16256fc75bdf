"""Stands in for what Slicer has and slicer-core has not: Qt, the application, and the base classes of scripted modules.

MRML, the segmentations, the slice logics and `slicer.util` are Slicer's own. With SLICER_PYTHON set to the folder
Base/Python of Slicer's sources, its own parameter node wrapper is used in place of ours.
"""

from __future__ import annotations

import importlib
import os
import sys
import types
import typing
import unittest
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import slicer
import vtk


def install(temporary: Path) -> None:
    """Make `import Inpaint` work; MRML lives in `slicer.mrmlScene`."""
    slicer.mrmlScene = slicer.vtkMRMLScene()
    slicer.util.slicer = slicer
    application = slicer.vtkSlicerApplicationLogic()
    application.SetMRMLScene(slicer.mrmlScene)
    colours = application.GetColorLogic()
    colours.SetMRMLScene(slicer.mrmlScene)
    colours.AddDefaultColorNodes()
    logics = {"Colors": colours}
    for name in ("Segmentations", "Volumes", "Markups", "Sequences"):
        kind = getattr(slicer, f"vtkSlicer{name}Logic", None) or getattr(slicer, f"vtkSlicer{name}ModuleLogic")
        logics[name] = kind()
        logics[name].SetMRMLScene(slicer.mrmlScene)
        logics[name].SetMRMLApplicationLogic(application)
        application.SetModuleLogic(name, logics[name])
    slicer.modules = types.SimpleNamespace(
        **{name.lower(): types.SimpleNamespace(logic=lambda logic=logic: logic) for name, logic in logics.items()}
    )
    slicer.app = MagicMock(name="app", temporaryPath=str(temporary))
    slicer.app.testingEnabled.return_value = True
    slicer.app.applicationLogic.return_value = application
    slicer.mrmlScene.RegisterNodeClass(slicer.vtkMRMLColorLegendDisplayNode())
    slicer.packaging = MagicMock(name="packaging")
    slicer.packaging.isPipInstallInProgress.return_value = False
    _module(
        "qt",
        QTimer=MagicMock(name="QTimer"),
        QWidget=type("QWidget", (), {}),
        QFileDialog=MagicMock(),
        QShortcut=MagicMock(),
        QKeySequence=str,
    )
    _module("ctk")
    _module("slicer.i18n", tr=lambda text: text, translate=lambda context, text: text)
    _module(
        "slicer.ScriptedLoadableModule",
        ScriptedLoadableModule=_Module,
        ScriptedLoadableModuleWidget=_Widget,
        ScriptedLoadableModuleLogic=_Logic,
        ScriptedLoadableModuleTest=type("ScriptedLoadableModuleTest", (unittest.TestCase,), {}),
    )
    sources = os.environ.get("SLICER_PYTHON")
    if sources:
        _slicers_own_wrapper(Path(sources))
    else:
        _module(
            "slicer.parameterNodeWrapper",
            parameterNodeWrapper=parameter_node_wrapper,
            Choice=Choice,
            WithinRange=WithinRange,
        )


def _module(name: str, **members: Any) -> types.ModuleType:
    module = types.ModuleType(name)
    vars(module).update(members)
    sys.modules[name] = module
    if name.startswith("slicer."):
        setattr(slicer, name.removeprefix("slicer."), module)
    return module


class _Module:
    def __init__(self, parent: Any) -> None:
        self.parent = parent


class _Widget:
    """Finds resources as Slicer does; the widgets are whatever `slicer.util.loadUI` gives."""

    def __init__(self, parent: Any = None) -> None:
        self.parent = parent or MagicMock(isEntered=True)
        self.layout = MagicMock()

    def setup(self) -> None:
        """Slicer adds its developer's tools here."""

    def resourcePath(self, name: str) -> str:  # noqa: N802  Slicer's name
        return str(Path(sys.modules["Inpaint"].__file__).parent / "Resources" / name)


class _Logic:
    """One singleton node in the scene, as Slicer keeps it, so that it is saved and found again."""

    def __init__(self, parent: Any = None) -> None:
        self.parent = parent

    def getParameterNode(self) -> Any:  # noqa: N802  Slicer's name
        found = slicer.mrmlScene.GetSingletonNode("Inpaint", "vtkMRMLScriptedModuleNode")
        if found is not None:
            return found
        node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
        node.UnRegister(None)
        node.SetSingletonTag("Inpaint")
        node.SetModuleName("Inpaint")
        node.SetName("Inpaint")
        return slicer.mrmlScene.AddNode(node)


class Choice:
    """One of these."""

    def __init__(self, choices: list[Any]) -> None:
        self.choices = choices

    def check(self, value: Any) -> None:
        if value not in self.choices:
            raise ValueError(f"{value!r} is none of {self.choices}")


class WithinRange:
    """Not below or above."""

    def __init__(self, minimum: float, maximum: float) -> None:
        self.minimum, self.maximum = minimum, maximum

    def check(self, value: Any) -> None:
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"{value} is not within {self.minimum} and {self.maximum}")


def parameter_node_wrapper(kind: type) -> type:
    """Typed properties kept in a MRML node: nodes as references, all else as text."""
    for name, hint in typing.get_type_hints(kind, include_extras=True).items():
        plain = typing.get_args(hint)[0] if typing.get_origin(hint) is typing.Annotated else hint
        checks = [extra for extra in typing.get_args(hint)[1:] if isinstance(extra, (Choice, WithinRange))]
        if issubclass(plain, slicer.vtkMRMLNode):
            setattr(kind, name, _reference(name))
        else:
            setattr(kind, name, _text(name, plain, getattr(kind, name, plain()), checks))
    kind.__init__ = lambda self, node: setattr(self, "parameterNode", node)
    kind.connectGui = lambda self, gui: 0
    kind.disconnectGui = lambda self, tag: None
    kind.AddObserver = lambda self, *args: self.parameterNode.AddObserver(*args)
    kind.RemoveObserver = lambda self, tag: self.parameterNode.RemoveObserver(tag)
    return kind


def _reference(name: str) -> property:
    return property(
        lambda self: self.parameterNode.GetNodeReference(name),
        lambda self, node: self.parameterNode.SetNodeReferenceID(name, node.GetID() if node else None),
    )


def _text(name: str, plain: type, default: Any, checks: list[Any]) -> property:
    def read(self: Any) -> Any:
        if not self.parameterNode.HasParameter(name):
            return plain(default)
        text = self.parameterNode.GetParameter(name)
        return text == "True" if plain is bool else plain(text)

    def write(self: Any, value: Any) -> None:
        for check in checks:
            check.check(value)
        self.parameterNode.SetParameter(name, str(value))

    return property(read, write)


def _slicers_own_wrapper(sources: Path) -> None:
    class Answering(types.ModuleType):
        """Widget classes are only used as keys: any name of one is answered with an empty class."""

        def __getattr__(self, name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            setattr(self, name, type(name, (), {}))
            return getattr(self, name)

    for name in ("qt", "ctk"):
        before = vars(sys.modules[name])
        sys.modules[name] = Answering(name)
        vars(sys.modules[name]).update({key: value for key, value in before.items() if key.startswith("Q")})
    slicer.qMRMLNodeComboBox = type("qMRMLNodeComboBox", (), {})
    slicer.__path__.append(str(sources / "slicer"))
    slicer.parameterNodeWrapper = importlib.import_module("slicer.parameterNodeWrapper")


class Widgets(MagicMock):
    """All widgets of a .ui file, by name, remembering what was set."""


def load_ui() -> None:
    """`slicer.util.loadUI` and `childWidgetVariables`, without Qt."""
    slicer.util.loadUI = lambda path: MagicMock(name=path)
    slicer.util.childWidgetVariables = lambda widget: Widgets()
    slicer.util.errorDisplay = MagicMock()
    slicer.util.warningDisplay = MagicMock()
    slicer.util.confirmOkCancelDisplay = MagicMock(return_value=True)
    slicer.util.mainWindow = MagicMock()
    slicer.util.selectModule = MagicMock()


__all__ = ["install", "load_ui", "vtk"]
