"""Methods to compare: the classical ones by name, everything else is a bundle or a sample drawn by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.evaluation.case import Case
from monai_inpaint.evaluation.classical import METHODS
from monai_inpaint.evaluation.protocols import Protocol
from monai_inpaint.images import Image

SAMPLE = ":sample"  # after a bundle's name


@dataclass(frozen=True)
class Contender:
    """A method under its name: `fill(case)` returns the filled array in units, `version` for the reports.

    `modality` is what a bundle is for; a classical method has none and fills anything.
    """

    name: str
    version: str
    modality: str | None
    fill: Callable[[Case], np.ndarray]

    @property
    def classical(self) -> bool:
        """Whether it is no bundle."""
        return self.modality is None


def find_methods(names: Sequence[str], engine: str = "auto", seed: int = 0) -> list[Contender]:
    """The methods of these names, in this order: classical ones, names of bundles, or paths to them.

    A bundle fills with its best estimate; with ":sample" after its name, with one plausible sample of that seed.

    Raises:
        InputError: none or one twice is asked for, a package is missing, a bundle is missing or damaged, or samples
            are asked of one that draws none.
    """
    if not names:
        raise InputError(f"no method is named; choose from {', '.join(METHODS)} and bundles.")
    if len(set(names)) < len(names):
        raise InputError(f"a method is named twice in {', '.join(names)}; name each once.")
    return [_classical(name) if name in METHODS else _bundle(name, engine, seed) for name in names]


def modality_of(contenders: Sequence[Contender], protocol: Protocol) -> str | None:
    """The modality that the bundles among the methods are for; None without bundles.

    Raises:
        InputError: they are for several, or for one that the protocol is not for.
    """
    bundles = {c.modality: c.name for c in contenders if c.modality is not None}
    if len(bundles) > 1:
        named = " and ".join(f"{name} ({modality})" for modality, name in bundles.items())
        raise InputError(f"the bundles {named} are for different images; evaluate them one after another.")
    for modality, name in bundles.items():
        if modality not in protocol.modalities:
            wanted = " or ".join(protocol.modalities)
            raise InputError(
                f"protocol {protocol.name} is for {wanted}, and the bundle {name} is for {modality}; choose another."
            )
    return next(iter(bundles), None)


def _classical(name: str) -> Contender:
    method = METHODS[name]
    # One tiny fill now: a missing package is told before the work, and imports do not count as the method's time.
    try:
        tiny = np.zeros((16, 16), np.float32)
        tiny[::2] = 1
        hole = np.zeros((16, 16), bool)
        hole[7:9, 7:9] = True
        method(tiny, hole)
    except ModuleNotFoundError as error:
        raise InputError(
            f"method {name!r} needs the package {error.name}; install it with: pip install 'monai-inpaint[evaluate]'."
        ) from error
    return Contender(name, "", None, lambda case: method(case.voided, case.hole))


def _bundle(name: str, engine: str, seed: int) -> Contender:
    from monai_inpaint.fill.filler import Filler
    from monai_inpaint.registry import find_bundle

    sample = name.endswith(SAMPLE)
    bundle = name.removesuffix(SAMPLE)
    info = find_bundle(bundle)
    filler = Filler(bundle, engine=engine)
    if sample and not filler.draws_samples:
        raise InputError(f"the bundle {bundle} draws no samples; name it without {SAMPLE!r}.")
    options = {"sample": True, "seed": seed} if sample else {}

    def fill(case: Case) -> np.ndarray:
        if case.affine is None:
            result = filler(case.voided, case.hole, spacing=case.spacing, **options).image
        else:
            result = filler(Image(case.voided, case.affine), case.hole, **options).image.voxels
        return np.asarray(result, dtype=np.float32)

    drawn = f", one sample, seed {seed}" if sample else ""
    return Contender(name, f"{info.name} {info.version}{drawn}", info.modality, fill)
