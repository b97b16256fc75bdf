"""`monai-inpaint info`: versions, engines and bundles, without loading any of them."""

from __future__ import annotations

import argparse
import json
import platform
from typing import Any

from monai_inpaint.failure import DONE
from monai_inpaint.version import __version__

NAME = "info"
HELP = "List versions, engines and bundles."
_PACKAGES = [
    "numpy",
    "openvino",
    "onnxruntime",
    "torch",
    "monai",
    "pydicom",
    "pillow",
    "tifffile",
    "astra-toolbox",
]
_DTYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64")
_BUNDLE = ("name", "kind", "modality", "version", "description")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--memory",
        type=_sizes,
        metavar="SHAPE/HOLE",
        help="predict the memory of a fill: voxels of the image / of the bounding box of the hole, for example "
        "512x512x300/40x40x20",
    )
    parser.add_argument(
        "--dtype", default="int16", choices=_DTYPES, help="data type of the image for --memory (default: int16)"
    )


def run(args: argparse.Namespace) -> int:
    facts = collect()
    if args.memory:
        from monai_inpaint.fill.memory import expected_memory_mb
        from monai_inpaint.machine import available_memory_mb

        shape, hole = args.memory
        facts["memory"] = {
            "expected_mb": expected_memory_mb(shape, args.dtype, hole),
            "available_mb": available_memory_mb(),
        }
    print(json.dumps(facts, indent=2) if args.json else _text(facts))
    return DONE


def collect() -> dict[str, Any]:
    """Content of `--json`."""
    from monai_inpaint.engines import available
    from monai_inpaint.engines.cuda import gpu_is_here
    from monai_inpaint.engines.names import ON_GPU
    from monai_inpaint.imaging.modality import MODALITIES
    from monai_inpaint.registry import SOURCE, bundles, find_bundle, not_installed

    engines = available()
    return {
        "version": __version__,
        "use": "research only",
        "python": platform.python_version(),
        "platform": platform.platform(),
        "engines": engines,
        "device": ("GPU" if gpu_is_here() and not engines.keys().isdisjoint(ON_GPU) else "CPU") if engines else None,
        "bundles": [
            {**{key: getattr(bundle, key) for key in _BUNDLE}, "path": str(bundle.path)} for bundle in bundles()
        ],
        "not_installed": {"bundles": not_installed(), "source": SOURCE},
        "defaults": {modality: find_bundle(modality).name for modality in MODALITIES},
        "packages": {name: version for name in _PACKAGES if (version := _version(name))},
    }


def _sizes(text: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The shapes of an image and of its hole's bounding box, in voxels."""
    try:
        shape, hole = (tuple(int(side) for side in part.split("x")) for part in text.split("/"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} must be IMAGE/HOLE, for example 512x512x300/40x40x20") from None
    if max(shape, default=0) >= 2**31:
        raise argparse.ArgumentTypeError("no image is that large")
    if len(shape) not in (2, 3) or len(hole) != len(shape):
        raise argparse.ArgumentTypeError(f"{text!r} must give two or three sides of the image, and as many of the hole")
    if any(not 0 < inner <= outer for inner, outer in zip(hole, shape, strict=True)):
        raise argparse.ArgumentTypeError(f"in {text!r} the hole is larger than the image")
    return shape, hole


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
    missing = facts["not_installed"]
    if missing["bundles"]:
        lines += ["", "bundles that are not installed", f"  {', '.join(missing['bundles'])}"]
        lines += [f"    from {missing['source']}"]
    lines += ["", "defaults", *(f"  {modality}: {name}" for modality, name in facts["defaults"].items())]
    if "memory" in facts:
        available = facts["memory"]["available_mb"]
        lines += ["", f"memory: a fill will take about {facts['memory']['expected_mb']:.0f} MB"]
        lines[-1] += f", {available:.0f} MB are free" if available is not None else ""
    lines += ["", "packages", *(f"  {name} {version}" for name, version in facts["packages"].items())]
    return "\n".join(lines)
