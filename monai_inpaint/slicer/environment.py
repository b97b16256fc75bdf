"""The Python that runs the package, the folder of temporary files, and what is missing in them."""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from .errors import InpaintError

PACKAGE = "monai-inpaint"
# What Slicer's own modules rest on: stays as it is, whatever is installed.
SLICERS_OWN = ("numpy", "scipy", "SimpleITK", "vtk", "requests", "pydicom", "pillow", "highdicom")


@dataclass(frozen=True)
class Environment:
    """The environment of runs.

    Attributes:
        python: the executable whose Python has the package.
        temporary: the folder for temporary files.
        variables: of the environment, besides those that are set.
    """

    python: str
    temporary: Path
    variables: Mapping[str, str] = field(default_factory=dict)


def slicer_environment(temporary: str) -> Environment:
    """Slicer's own Python, through the launcher that sets its paths.

    Raises:
        InpaintError: the launcher is missing.
    """
    python = shutil.which("PythonSlicer")
    if python is None:
        raise InpaintError("PythonSlicer, which comes with Slicer, was not found; install Slicer again.")
    return Environment(python, Path(temporary))


def installed_version() -> str | None:
    """Of the package, in the Python that asks."""
    try:
        return metadata.version(PACKAGE)
    except metadata.PackageNotFoundError:
        return None


def constraints() -> str:
    """For pip: Slicer's own packages in the versions that are here, so that none of them is replaced."""
    return "".join(f"{name}=={version}\n" for name in SLICERS_OWN if (version := _version(name)))


def install_words(requirements: Sequence[str], module: Path, wheels: str = "") -> list[str]:
    """Return the arguments for `slicer.packaging.pip_install`.

    The package comes from the wheel that lies in the extension, else from the checkout that the module lies in, else
    from the registry: so it has the version of the module.

    Args:
        requirements: on the package, with its extras.
        module: the folder of the module.
        wheels: a folder of wheels, from which all comes, without network; "": none.

    Raises:
        InpaintError: the folder contains no wheels.
    """
    if wheels:
        if not any(Path(wheels).glob("*.whl")):
            raise InpaintError(f"{wheels} contains no wheels; choose the folder that `pip wheel` filled.")
        return ["--no-index", "--find-links", str(Path(wheels)), *requirements]
    source = _shipped(module) or _checkout(module)
    if source is None:
        return list(requirements)
    named = [requirement.partition(">=")[0] for requirement in requirements]
    return [f"{name} @ {source.as_uri()}" if name.startswith(PACKAGE) else name for name in named]


def _shipped(module: Path) -> Path | None:
    """The wheel of the package that was built with the extension."""
    return next(iter(sorted((module / "Resources" / "Wheels").glob("monai_inpaint-*.whl"))), None)


def _checkout(module: Path) -> Path | None:
    """The repository that the module lies in, if it does."""
    root = module.resolve().parents[1]
    return root if (root / "monai_inpaint" / "version.py").is_file() and (root / "pyproject.toml").is_file() else None


def check_installable(place: str = sys.prefix) -> None:
    """Refuse, before pip does at length, a Python that nothing can be installed into.

    Raises:
        InpaintError: Slicer's folder may not be written to.
    """
    packages = next((path for path in sys.path if path.endswith("site-packages") and path.startswith(place)), place)
    if not os.access(packages, os.W_OK):
        raise InpaintError(
            f"{packages} may not be written to, so {PACKAGE} cannot be installed there; install Slicer into a folder "
            "of your own, or ask who installed it."
        )


def check_temporary(folder: Path) -> None:
    """Refuse a temporary folder that cannot be used.

    Raises:
        InpaintError: it is missing or read-only.
    """
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise InpaintError(
            f"{folder} may not be written to, and temporary files go there; choose another folder in Edit, "
            "Application Settings, Modules, Temporary directory."
        )


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
