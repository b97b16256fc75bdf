"""Rooms know the rooms above them in the plan, nothing imports in a circle, and every name is given once.

Imports within functions count.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "monai_inpaint"

# From the ground up: a room knows those before it, and those of its own line. docs/design.md says what lies in them.
ROOMS = (
    "errors _lazy version paths inputs progress private machine failure",
    "imaging",
    "ct",
    "io",
    "registry",
    "engines",
    "fill",
    "regions",
    "synthesis",
    "metal",
    "inferers",
    "datasets",
    "losses networks",
    "transforms",
    "training",
    "metrics",
    "reports",
    "evaluation",
    "anomaly",
    "detection",
    "dicom",
    "jobs",
    "pacs",
    "commands",
    "cli",
    "slicer",  # imports nothing of the package: a copy of it runs in Slicer's Python
    "__main__ data difference demo web",
    "monai_inpaint",  # what the package exports is for others
)
FLOOR = {room: floor for floor, rooms in enumerate(ROOMS) for room in rooms.split()}


def imports_of(package: Path) -> dict[str, set[str]]:
    """Every module, by its name, and the modules of the package that it imports, wherever in its text."""
    files = {_name(path, package): path for path in package.rglob("*.py")}
    return {name: _imported(path, package, set(files)) - {name} for name, path in files.items()}


def upward(imports: dict[str, set[str]]) -> list[str]:
    """Imports of a room by one that must not know it."""
    return [
        f"{module} imports {other}"
        for module, others in sorted(imports.items())
        for other in sorted(others)
        if FLOOR[_room(module)] < FLOOR[_room(other)]
    ]


def circle(imports: dict[str, set[str]]) -> list[str]:
    """The modules of a circle, or none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def repeated(names: Iterable[str]) -> set[str]:
    """Those that occur more than once."""
    return {name for name, count in Counter(names).items() if count > 1}


def _name(path: Path, package: Path) -> str:
    return ".".join(path.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__")


def _imported(path: Path, package: Path, modules: set[str]) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                assert path.parent.name == "slicer", f"{_name(path, package)}: imports must name the package"
                continue
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= names if names <= modules else names | {node.module or ""}
    return found & modules


def _room(module: str) -> str:
    return module.split(".")[:2][-1]


def test_every_room_is_in_the_plan() -> None:
    found = {path.stem for path in PACKAGE.glob("*.py")} | {path.parent.name for path in PACKAGE.glob("*/__init__.py")}

    assert found - {"__init__"} | {"monai_inpaint"} == set(FLOOR)


def test_no_room_imports_one_that_lies_on_it() -> None:
    assert upward(imports_of(PACKAGE)) == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circle(imports_of(PACKAGE)) == []


@pytest.mark.parametrize("statement", ["import monai_inpaint.fill", "def f():\n    from monai_inpaint import fill"])
def test_an_upward_import_is_found_within_functions_too(tmp_path: Path, statement: str) -> None:
    package = tmp_path / "monai_inpaint"
    for room, text in (("imaging", statement), ("fill", "")):
        (package / room).mkdir(parents=True)
        (package / room / "__init__.py").write_text(text)

    assert upward(imports_of(package)) == ["monai_inpaint.imaging imports monai_inpaint.fill"]


def test_a_circle_is_found(tmp_path: Path) -> None:
    package = tmp_path / "monai_inpaint" / "io"
    package.mkdir(parents=True)
    (package / "a.py").write_text("from monai_inpaint.io import b")
    (package / "b.py").write_text("def f():\n    from monai_inpaint.io.a import g")

    assert set(circle(imports_of(package.parent))) == {"monai_inpaint.io.a", "monai_inpaint.io.b"}


def test_the_files_that_slicer_has_a_copy_of_need_no_package() -> None:
    named = {name: others for name, others in imports_of(PACKAGE).items() if _room(name) == "slicer"}
    # `export_results` is a script for the Python that the package is installed in
    assert {name: others for name, others in named.items() if others and not name.endswith("export_results")} == {}
    assert (PACKAGE.parent / "slicer_extension" / "Inpaint" / "InpaintLib").resolve() == PACKAGE / "slicer"


def test_every_file_name_says_its_content_without_its_folder() -> None:
    # files of commands/ are called as the commands are, those of slicer/ as parts of InpaintLib
    names = [path.name for path in PACKAGE.rglob("*.py") if path.parent.name not in ("commands", "slicer")]

    assert repeated(names) <= {"__init__.py", "__main__.py"}


def test_no_two_classes_have_one_name() -> None:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")]

    assert repeated(node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)) == set()


def test_what_occurs_twice_is_found() -> None:
    assert repeated(["case", "flow", "case"]) == {"case"}
