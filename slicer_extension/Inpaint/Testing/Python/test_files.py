"""What can be said of the extension's files without running them."""

from __future__ import annotations

import ast
import json
import re
import sys
import typing
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from types import ModuleType

import pytest

MODULE = Path(__file__).parents[2]
ROOT = MODULE.parents[1]
# Slicer's own, which every installation has
SLICERS = {"slicer", "vtk", "qt", "ctk", "numpy", "SampleData", "InpaintLib"}
# What Slicer/ExtensionsIndex asks of an entry, by its schema 1.0.1 and the script that checks it.
KEYS = {
    "$schema": str, "build_dependencies": list, "build_subdirectory": str, "category": str, "enabled": bool,
    "scm_revision": str, "scm_type": str, "scm_url": str, "tier": int,
}  # fmt: skip
REQUIRED = {"$schema", "category", "scm_url"}
PYTHON = sorted([*MODULE.glob("*.py"), *MODULE.glob("InpaintLib/*.py")])


def _interface() -> ElementTree.ElementTree:
    return ElementTree.parse(MODULE / "Resources" / "UI" / "Inpaint.ui")


def _parameter(widget: ElementTree.Element) -> str | None:
    return widget.findtext("property[@name='SlicerParameterName']/string")


def test_every_parameter_that_a_widget_names_is_one(module: ModuleType) -> None:
    fields = typing.get_type_hints(module.InpaintParameterNode)
    named = [name for widget in _interface().iter("widget") if (name := _parameter(widget))]

    assert len(named) == len({*named})
    assert {*fields} - {*named} == {"segmentation", "segment"}  # bound by hand: one selector gives both
    assert {*named} <= {*fields}


def test_widgets_fit_the_types_of_their_parameters(module: ModuleType) -> None:
    fields = typing.get_type_hints(module.InpaintParameterNode)
    kinds = {bool: "QCheckBox", int: "QSpinBox", float: "ctkSliderWidget", str: "QComboBox"}
    for widget in _interface().iter("widget"):
        name = _parameter(widget)
        if name is None:
            continue
        expected = kinds.get(fields[name], "qMRMLNodeComboBox")
        assert widget.get("class") == expected, name
        if expected == "qMRMLNodeComboBox":
            assert widget.findtext("property[@name='nodeTypes']/stringlist/string") == fields[name].__name__


def test_sliders_have_the_limits_of_their_parameters(module: ModuleType) -> None:
    fields = typing.get_type_hints(module.InpaintParameterNode, include_extras=True)
    for widget in _interface().iter("widget"):
        if widget.get("class") == "ctkSliderWidget":
            limits = typing.get_args(fields[_parameter(widget)])[1]
            low, high = (float(widget.findtext(f"property[@name='{end}']/double")) for end in ("minimum", "maximum"))
            bounds = [value for value in vars(limits).values() if isinstance(value, (int, float))]
            assert (low, high) == tuple(bounds)


def test_every_widget_that_the_module_uses_is_there_and_buttons_are_used() -> None:
    source = (MODULE / "Inpaint.py").read_text(encoding="utf-8")
    used = {*re.findall(r"self\.ui\.(\w+)", source), *re.findall(r'"((?!on)\w+Button)"', source)}
    there = {widget.get("name") for widget in _interface().iter("widget")}

    assert used <= there
    assert {name for name in there if name.endswith("Button") and _is_button(name)} <= used


def _is_button(name: str) -> bool:
    return _interface().find(f".//widget[@name='{name}']").get("class") == "QPushButton"


def test_every_selector_is_given_the_scene() -> None:
    interface = _interface()
    receivers = {receiver.text for receiver in interface.iter("receiver")}
    takes = ("qMRMLNodeComboBox", "qMRMLSegmentSelectorWidget", "qSlicerMarkupsPlaceWidget")
    assert receivers == {widget.get("name") for widget in interface.iter("widget") if widget.get("class") in takes}


def test_every_custom_widget_is_declared() -> None:
    interface = _interface()
    declared = {element.findtext("class") for element in interface.iter("customwidget")}
    used = {widget.get("class") for widget in interface.iter("widget")}
    assert declared == {kind for kind in used if kind.startswith(("qMRML", "qSlicer", "ctk"))}


def test_cmake_lists_every_file_and_no_other() -> None:
    text = (MODULE / "CMakeLists.txt").read_text(encoding="utf-8").replace("${MODULE_NAME}", "Inpaint")
    listed = {*re.findall(r"^\s+((?:Inpaint|Resources)[\w/.-]*\.\w+)$", text, re.MULTILINE)}
    resources = {path for path in (MODULE / "Resources").rglob("*") if path.is_file()}
    assert listed == {path.relative_to(MODULE).as_posix() for path in (*PYTHON, *resources)}


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: path.name)
def test_nothing_third_party_is_imported_at_file_scope(path: Path) -> None:
    allowed = {*sys.stdlib_module_names, *SLICERS}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            assert {alias.name.partition(".")[0] for alias in node.names} <= allowed
        if isinstance(node, ast.ImportFrom) and not node.level:
            assert node.module.partition(".")[0] in allowed


@pytest.mark.parametrize("path", sorted(MODULE.glob("InpaintLib/*.py")), ids=lambda path: path.name)
def test_the_library_knows_no_qt(path: Path) -> None:
    imported = {
        name.partition(".")[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""])
    }
    assert not imported & {"qt", "ctk", "PythonQt"}


def test_the_catalogue_entry_passes_its_schema() -> None:
    path = ROOT / "slicer_extension" / "MONAIInpaint.json"
    entry = json.loads(path.read_text(encoding="utf-8"))

    assert REQUIRED <= {*entry} <= {*KEYS}
    assert all(type(value) is KEYS[key] for key, value in entry.items())
    assert all(isinstance(name, str) for name in entry["build_dependencies"])
    assert entry["tier"] in (1, 3, 5)
    assert entry["category"] == "Filtering"
    assert re.fullmatch(r"https://\S+/Slicer\w+", entry["scm_url"])
    assert b"\r" not in path.read_bytes()


def test_the_catalogue_finds_name_icon_screenshots_and_licence_at_the_root() -> None:
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    name = re.search(r"project\s*\(\s*([^\s)]+)", text)[1]

    assert (ROOT / "slicer_extension" / f"{name}.json").is_file()
    assert not name.lower().startswith("slicer")
    for variable in ("EXTENSION_ICONURL", "EXTENSION_SCREENSHOTURLS"):
        for url in re.search(rf'set\s*\({variable}\s*"([^"]+)"\)', text)[1].split():
            assert url.startswith("https://")
            assert (ROOT / url.partition("/main/")[2]).is_file(), url
    assert (ROOT / "LICENSE").is_file()


def test_requirements_pin_nothing_and_replace_nothing_of_slicers() -> None:
    from InpaintLib.environment import PACKAGE, SLICERS_OWN

    for path in (MODULE / "Resources").glob("requirements*.txt"):
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
        assert lines
        for line in lines:
            assert re.fullmatch(rf"{PACKAGE}(\[\w+\])?>=[\d.]+", line)
            assert not line.startswith(SLICERS_OWN)
