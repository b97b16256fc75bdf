"""Which bundles exist and for what; readable in milliseconds, without torch."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from monai_inpaint.errors import InputError
from monai_inpaint.images import MODALITIES

_PACKAGE = Path(__file__).parent
_MODALITY = {"CR": "cxr", "DX": "cxr", "CT": "ct", "MR": "mr"}
# What a network of so many channels does; all others fill.
_KINDS = {1: "segmentation", 3: "correction"}
_INSTEAD = {
    "segmentation": "it proposes what to fill (fill --find)",
    "correction": "it takes metal artifacts out of CT (metal --method network)",
}


@dataclass(frozen=True)
class BundleInfo:
    """A bundle's place and what its metadata says of it.

    `modalities` are those that it is for, of "cxr", "ct" and "mr". `kind` is what it does: "inpainting";
    "segmentation", which fills nothing but proposes what to fill; or "correction" of metal artifacts in CT.

    `spread_factor` and `noise_factor` calibrate the spread of samples (see `monai_inpaint.fill.spread`); a bundle whose
    metadata has neither was not calibrated.
    """

    name: str
    modalities: tuple[str, ...]
    path: Path
    version: str
    description: str
    spread_factor: float = 1.0
    noise_factor: float = 0.0
    kind: str = "inpainting"

    @property
    def modality(self) -> str:
        """What it is for, as text: "ct", or "ct, mr"."""
        return ", ".join(self.modalities)

    @property
    def graph(self) -> Path:
        """The exported network of single slices."""
        return self.path / "models" / "model.onnx"

    @property
    def slab_graph(self) -> Path:
        """The exported network of slabs; a bundle may have none, and then fills volumes slice by slice."""
        return self.path / "models" / "slabs.onnx"

    def facts(self) -> dict[str, str]:
        """Name, version and modality, and the SHA-256 of its weights, for reports."""
        weights = {} if (digest := _digest(self)) is None else {"sha256": digest}
        return {"name": self.name, "version": self.version, "modality": self.modality, **weights}


@cache
def _digest(bundle: BundleInfo) -> str | None:
    """Of the exported networks, one after the other, or of the weights where nothing was exported."""
    exported = [path for path in (bundle.graph, bundle.slab_graph) if path.is_file()]
    digest = sha256()
    for path in exported or [bundle.path / "models" / "model.pt"]:
        if not path.is_file():
            return None  # a network without weights yet, as training has it
        digest.update(path.read_bytes())
    return digest.hexdigest()


def bundles() -> list[BundleInfo]:
    """The bundles that came with the package, by name; not those that came without weights, to be trained."""
    return [_read(path.parent.parent) for path in sorted(_home().glob("*/models/model.onnx"))]


def find_bundle(name: str | Path) -> BundleInfo:
    """A bundle by its name, by "cxr", "ct" or "mr" for the default one, or by its folder.

    Raises:
        InputError: no such bundle, or one whose metadata cannot be read.
    """
    text = str(name)
    folder = _home() / (f"{text}_inpainting" if text in MODALITIES else text)
    if Path(text).name != text or not folder.is_dir():
        folder = Path(text)
    if not folder.is_dir():
        known = ", ".join(path.parent.parent.name for path in sorted(_home().glob("*/models/model.onnx")))
        raise InputError(f"{text}: there is no such bundle; use cxr, ct, mr, one of {known}, or a bundle's folder.")
    return _read(folder)


def find_generator(name: str | Path) -> BundleInfo:
    """A bundle that fills; otherwise as `find_bundle`.

    Raises:
        InputError: as `find_bundle` says, or a bundle that does something else.
    """
    bundle = find_bundle(name)
    if bundle.kind != "inpainting":
        raise InputError(f"{name} fills nothing, {_INSTEAD[bundle.kind]}; use cxr, ct or mr to fill.")
    return bundle


def _home() -> Path:
    # In a wheel the bundles lie inside the package, in a checkout beside it.
    inside = _PACKAGE / "bundles"
    return inside if inside.is_dir() else _PACKAGE.parent / "bundles"


def _read(folder: Path) -> BundleInfo:
    path = folder / "configs" / "metadata.json"
    try:
        metadata = json.loads(path.read_text(encoding="utf-8"))
        told = metadata["network_data_format"]["inputs"]["image"]["modality"]
        modalities = tuple(_MODALITY[part.strip()] for part in told.split(","))
        return BundleInfo(
            folder.resolve().name,
            modalities,
            folder,
            metadata["version"],
            metadata["description"],
            _positive(metadata, "spread_factor", 1.0),
            _positive(metadata, "noise_factor", 0.0),
            _kind(metadata),
        )
    except FileNotFoundError:
        raise InputError(f"{folder}: not a bundle, it has no configs/metadata.json; name a bundle's folder.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: the bundle is damaged ({type(error).__name__}: {error}); install it again."
        ) from None


def _kind(metadata: dict[str, Any]) -> str:
    return _KINDS.get(metadata["network_data_format"]["inputs"]["image"]["num_channels"], "inpainting")


def _positive(metadata: dict[str, Any], key: str, absent: float) -> float:
    """The positive number of that key, or what its absence stands for."""
    value = metadata.get(key, absent)
    if key in metadata and not (type(value) in (int, float) and 0 < value <= sys.float_info.max):
        raise ValueError(f"{key} is {value!r}, which is no positive number")
    return float(value)
