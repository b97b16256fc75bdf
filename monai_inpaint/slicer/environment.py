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


def offline_arguments(requirements: Sequence[str], wheels: str) -> list[str]:
    """For `slicer.packaging.pip_install`: install only from a folder of wheels, without network.

    Raises:
        InpaintError: the folder contains no wheels.
    """
    if not any(Path(wheels).glob("*.whl")):
        raise InpaintError(f"{wheels} holds no wheels; choose the folder that `pip download {PACKAGE}` filled.")
    return ["--no-index", "--find-links", str(Path(wheels)), *requirements]


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
