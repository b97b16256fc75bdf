"""Bundles and their metadata; readable in milliseconds, without torch."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.modality import FROM_DICOM, MODALITIES
from monai_inpaint.inputs import read_json, shown
from monai_inpaint.paths import path_of

_PACKAGE = Path(__file__).parents[1]
# What a bundle does, and where it does it, for those that do not fill.
SAMPLERS = ("flow", "one-step")  # see `monai_inpaint.fill.sampler`
KINDS = {
    "inpainting": "it fills images (fill)",
    "detection": "it proposes what to fill (fill --find)",
    "correction": "it reduces metal artifacts in CT (metal --method network)",
    "classification": "it tells healthy from ill chest films (python -m monai.bundle run)",
    "synthesis": "it makes images for training data (synthesize)",
}
# Those that only the repository has, to compare with and to train on.
PUBLISHED = (
    "cxr_context_encoder",
    "cxr_context_encoder_patches",
    "cxr_glcic",
    "cxr_partial_conv",
    "glcic",
    "ip_medgan",
    "medgan",
    "partial_conv",
    "slices_context_encoder",
)
SOURCE = "the folder bundles/ of a clone of the repository of monai-inpaint"
# Bundles that were one under two names: each stands for the modality it was named by.
_FORMER = {"ct_ip_medgan": ("ip_medgan", "ct"), "mr_ip_medgan": ("ip_medgan", "mr")}
# Name and version stand in headers of every format; DICOM has 64 characters of ASCII for both together.
_NO_LABEL, _LONGEST = re.compile(r"[^A-Za-z0-9 ._+-]"), 30


@dataclass(frozen=True)
class Capabilities:
    """Optional capabilities of a bundle's network.

    Attributes:
        samples: whether it draws plausible fills from noise, beside its best estimate.
        sampler: how: one of `SAMPLERS`; for "one-step" the bundle has a second network.
        starts: whether it accepts a start: for a slice of a volume the continuation of its neighbours.
        window: the only side of its square windows in voxels; None: any multiple of 32.
    """

    samples: bool = False
    starts: bool = False
    window: int | None = None
    sampler: str = SAMPLERS[0]


@dataclass(frozen=True)
class BundleInfo:
    """A bundle: its folder and its metadata.

    `name` is that of its folder, limited to what image headers can store. `modalities` are those that it is for, of
    "cxr", "ct" and "mr". `kind` is one of `KINDS`: "inpainting"; "detection", which proposes a hole; "correction" of
    metal artifacts in CT; "classification" of films; or "synthesis" of findings.

    `spread_factor` and `noise_factor` calibrate the spread of samples (see `monai_inpaint.fill.uncertainty`); a bundle
    whose metadata has neither was not calibrated. `network` is the name of its files in `models`, without suffix.
    """

    name: str
    modalities: tuple[str, ...]
    path: Path
    version: str
    description: str
    spread_factor: float = 1.0
    noise_factor: float = 0.0
    kind: str = "inpainting"
    capabilities: Capabilities = Capabilities()
    network: str = "model"

    @property
    def modality(self) -> str:
        """Modalities as text: "ct", or "ct, mr"."""
        return ", ".join(self.modalities)

    @property
    def ours(self) -> bool:
        """Whether it came with the package; any other runs in a separate process."""
        return self.path.resolve().parent == _home().resolve()

    @property
    def graph(self) -> Path:
        """The exported network."""
        return self.path / "models" / f"{self.network}.onnx"

    @property
    def weights(self) -> Path:
        """The network's weights for torch."""
        return self.path / "models" / f"{self.network}.pt"

    @property
    def sampler(self) -> BundleInfo | None:
        """The same bundle with its second network, which draws samples; None of that one, or if it has no other."""
        second = self.capabilities.sampler == "one-step" and self.network != "sampler"
        return replace(self, network="sampler") if second else None

    def facts(self) -> dict[str, str]:
        """Name, version and modality, and the SHA-256 of its weights, for reports."""
        digests = {"sha256": _digest(self), "sampler_sha256": self.sampler and _digest(self.sampler)}
        weights = {name: digest for name, digest in digests.items() if digest is not None}
        return {"name": self.name, "version": self.version, "modality": self.modality, **weights}


@cache
def _digest(bundle: BundleInfo) -> str | None:
    """Of the exported network, or of the weights where nothing was exported."""
    path = bundle.graph if bundle.graph.is_file() else bundle.weights
    if not path.is_file():
        return None  # a network without weights yet, as training has it
    digest = sha256()
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


def bundles() -> list[BundleInfo]:
    """Return the bundles that came with the package, by name; not those that came without weights, to be trained."""
    return [_read(path.parent.parent) for path in sorted(_home().glob("*/models/model.onnx"))]


def not_installed() -> list[str]:
    """Return the names of the bundles that are missing here; they come from `SOURCE`."""
    return [name for name in PUBLISHED if not (_home() / name / "models" / "model.onnx").is_file()]


def find_bundle(name: str | Path) -> BundleInfo:
    """Find a bundle by its name, by "cxr", "ct" or "mr" for the default one, or by its folder.

    Raises:
        InputError: no such bundle, or one whose metadata cannot be read.
    """
    text = str(name)
    if text in MODALITIES:  # never a folder that happens to be called so
        return _read(_home() / f"{text}_inpainting")
    if text in _FORMER:
        name, modality = _FORMER[text]
        return replace(find_bundle(name), modalities=(modality,))
    folder = path_of(text, _home())
    if Path(text).name != text or not folder.is_dir():
        folder = path_of(text)
    if not folder.is_dir() and text in PUBLISHED:
        raise InputError(f"{text} is not installed; it comes with {SOURCE}: name it by its folder there.")
    if not folder.is_dir():
        known = ", ".join(path.parent.parent.name for path in sorted(_home().glob("*/models/model.onnx")))
        raise InputError(f"{text}: there is no such bundle; use cxr, ct, mr, one of {known}, or a bundle's folder.")
    return _read(folder)


def find_generator(name: str | Path) -> BundleInfo:
    """Find a bundle that fills; otherwise as `find_bundle`.

    Raises:
        InputError: see `find_bundle`; or a bundle of another kind.
    """
    bundle = find_bundle(name)
    if bundle.kind != "inpainting":
        raise InputError(f"The bundle {name} does not fill images, {KINDS[bundle.kind]}; use cxr, ct or mr.")
    return bundle


def _home() -> Path:
    # In a wheel the bundles lie inside the package, in a checkout beside it.
    inside = _PACKAGE / "bundles"
    return inside if inside.is_dir() else _PACKAGE.parent / "bundles"


def _read(folder: Path) -> BundleInfo:
    path = folder / "configs" / "metadata.json"
    if not path.exists():
        raise InputError(f"{folder}: not a bundle, it has no configs/metadata.json; name a bundle's folder.")
    metadata = _Metadata(path, read_json(path, "install the bundle again"))
    image = ("network_data_format", "inputs", "image")
    codes = metadata.text(*image, "modality")
    if any(part.strip() not in FROM_DICOM for part in codes.split(",")):
        raise metadata.fault(f"modality is {shown(codes)}, and known are {', '.join(FROM_DICOM)}")
    return BundleInfo(
        _NO_LABEL.sub("_", folder.resolve().name)[:_LONGEST],
        tuple(FROM_DICOM[part.strip()] for part in codes.split(",")),
        folder,
        metadata.version(),
        metadata.text("description"),
        metadata.positive("spread_factor", 1.0),
        metadata.positive("noise_factor", 0.0),
        metadata.kind(),
        metadata.capabilities(*image),
    )


@dataclass(frozen=True)
class _Metadata:
    """Content of metadata.json; a value of another type than requested means that the bundle is damaged."""

    path: Path
    content: Any

    def value(self, kind: type | tuple[type, ...], called: str, *keys: str) -> Any:
        """The value below these keys."""
        value = self.content
        for key in keys:
            if not isinstance(value, dict) or key not in value:
                raise self.fault(f"it lacks {'.'.join(keys)}")
            value = cast(dict[str, Any], value)[key]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise self.fault(f"{'.'.join(keys) or 'it'} is {shown(value)}, which must be {called}")
        return value

    def text(self, *keys: str) -> str:
        """Return a printable text that is not empty."""
        value: str = self.value(str, "text", *keys)
        if not value.strip() or not value.isprintable():
            raise self.fault(f"{'.'.join(keys)} is {shown(value)}, which is not a text of one line")
        return value

    def version(self) -> str:
        """Return a version that derived images can name."""
        value = self.text("version")
        if len(value) > _LONGEST or _NO_LABEL.search(value):
            raise self.fault(f"version is {shown(value)}, which is not {_LONGEST} letters, digits and .+- at most")
        return value

    def positive(self, key: str, absent: float) -> float:
        """Return a positive number, or the default if it is absent."""
        if key not in self.value(dict, "an object"):
            return absent
        value = self.value((int, float), "a positive number", key)
        if not 0 < value <= sys.float_info.max:
            raise self.fault(f"{key} is {shown(value)}, which must be a positive number")
        return float(value)

    def kind(self) -> str:
        """Return one of `KINDS`; the default is inpainting."""
        if "kind" not in self.value(dict, "an object"):
            return "inpainting"
        value = self.text("kind")
        if value not in KINDS:
            raise self.fault(f"kind is {shown(value)}, and known are {', '.join(KINDS)}")
        return value

    def capabilities(self, *image: str) -> Capabilities:
        """As they are listed; a bundle that does not list them has what the channels that it names are for."""
        if "capabilities" in self.value(dict, "an object"):
            listed: dict[str, Any] = self.value(dict, "an object", "capabilities")
            for key in ("samples", "starts"):
                if type(listed.get(key, False)) is not bool:
                    raise self.fault(f"capabilities.{key} is {shown(listed[key])}, which must be true or false")
            window = listed.get("window")
            if window is not None and (type(window) is not int or not 0 < window < 2**16):
                raise self.fault(f"capabilities.window is {shown(window)}, which must be a number of voxels")
            sampler = listed.get("sampler", SAMPLERS[0])
            if sampler not in SAMPLERS:
                raise self.fault(f"capabilities.sampler is {shown(sampler)}, and known are {', '.join(SAMPLERS)}")
            return Capabilities(listed.get("samples", False), listed.get("starts", False), window, sampler)
        named = self.value(dict, "an object", *image).get("channel_def")
        channels = str(list(cast(dict[str, Any], named).values())) if isinstance(named, dict) else ""
        return Capabilities("noise" in channels, "nearness" in channels)

    def fault(self, why: str) -> InputError:
        """Error for a damaged bundle, with the reason."""
        return InputError(f"{self.path}: the bundle is damaged ({why}); install it again.")
