"""`monai-inpaint info`: versions, engines and bundles, without loading any of them."""

from __future__ import annotations

import argparse
import json
import platform
from typing import Any

from monai_inpaint.commands.failure import DONE
from monai_inpaint.version import __version__

NAME = "info"
HELP = "Say which versions, engines and bundles are here."
_PACKAGES = [
    "numpy",
    "openvino",
    "onnxruntime",
    "torch",
    "monai",
    "nibabel",
    "SimpleITK",
    "pydicom",
    "pillow",
    "tifffile",
]
_BUNDLE = ("name", "kind", "modality", "version", "description")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(args: argparse.Namespace) -> int:
    facts = collect()
    print(json.dumps(facts, indent=2) if args.json else _text(facts))
    return DONE


def collect() -> dict[str, Any]:
    """What `--json` prints."""
    from monai_inpaint.engines import available
    from monai_inpaint.images import MODALITIES
    from monai_inpaint.registry import bundles, find_bundle

    return {
        "version": __version__,
        "use": "research only",
        "python": platform.python_version(),
        "platform": platform.platform(),
        "engines": available(),
        "bundles": [
            {**{key: getattr(bundle, key) for key in _BUNDLE}, "path": str(bundle.path)} for bundle in bundles()
        ],
        "defaults": {modality: find_bundle(modality).name for modality in MODALITIES},
        "packages": {name: version for name in _PACKAGES if (version := _version(name))},
    }


def _version(package: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _text(facts: dict[str, Any]) -> str:
    lines = [f"monai-inpaint {facts['version']} (research use only), Python {facts['python']}, {facts['platform']}"]
    lines += ["", "engines", *(f"  {name} {version}" for name, version in facts["engines"].items())]
    lines += ["", "bundles"]
    for bundle in facts["bundles"]:
        what = f"{bundle['kind']}; {bundle['modality']}"
        lines += [f"  {bundle['name']} {bundle['version']} ({what}): {bundle['description']}"]
        lines += [f"    {bundle['path']}"]
    lines += ["", "defaults", *(f"  {modality}: {name}" for modality, name in facts["defaults"].items())]
    lines += ["", "packages", *(f"  {name} {version}" for name, version in facts["packages"].items())]
    return "\n".join(lines)
