"""Choose an engine and load a bundle's network into it."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module, metadata
from importlib.util import find_spec

from monai_inpaint.engines.base import Engine
from monai_inpaint.engines.names import CHOICES, ENGINES
from monai_inpaint.errors import InputError
from monai_inpaint.registry import BundleInfo


def available() -> dict[str, str]:
    """Installed engines and their versions, without importing them."""
    return {name: metadata.version(name) for name in ENGINES if find_spec(name)}


def load_engine(name: str, bundle: BundleInfo) -> Engine:
    """The engine `name` ("auto" takes the first one installed) with the bundle's network ready to run.

    The ones used last are kept, so asking again costs nothing. A bundle that did not come with the package runs in a
    process of its own.

    Raises:
        InputError: unknown or not installed engine, or a network that cannot be read.
    """
    installed = available()
    if name not in CHOICES:
        raise InputError(f"There is no engine {name}; use {', '.join(CHOICES)}.")
    if name == "auto":
        name = next(iter(installed), "openvino")
    if name not in installed:
        raise InputError(f"The engine {name} is not installed; install it with: pip install {name}")
    if name != "torch" and not bundle.graph.is_file():
        raise InputError(f"{bundle.graph}: the bundle's network is missing; install the bundle again.")
    return _load(name, bundle)


@lru_cache(maxsize=4)
def _load(name: str, bundle: BundleInfo) -> Engine:
    if not bundle.ours:
        from monai_inpaint.engines.apart import ApartEngine

        return ApartEngine(name, bundle)
    return import_module(f"monai_inpaint.engines.{name}_engine").load(bundle)
