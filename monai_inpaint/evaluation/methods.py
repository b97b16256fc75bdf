"""Methods to compare: the classical ones by name, everything else is a bundle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.evaluation.case import Case
from monai_inpaint.evaluation.classical import METHODS
from monai_inpaint.evaluation.protocols import Protocol


@dataclass(frozen=True)
class Contender:
    """A method under its name: `fill(case)` returns the filled slice in units, `version` for the reports.

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


def find_methods(names: Sequence[str], engine: str = "auto") -> list[Contender]:
    """The methods of these names, in this order: classical ones, names of bundles, or paths to them.

    Raises:
        InputError: none or one twice is asked for, a package is missing, or a bundle is missing or damaged.
    """
    if not names:
        raise InputError(f"no method is named; choose from {', '.join(METHODS)} and bundles.")
    if len(set(names)) < len(names):
        raise InputError(f"a method is named twice in {', '.join(names)}; name each once.")
    return [_classical(name) if name in METHODS else _bundle(name, engine) for name in names]


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


def _bundle(name: str, engine: str) -> Contender:
    from monai_inpaint.fill.filler import Filler
    from monai_inpaint.registry import find_bundle

    info = find_bundle(name)
    filler = Filler(name, engine=engine)

    def fill(case: Case) -> np.ndarray:
        result = filler(case.voided, case.hole, spacing=case.spacing).image
        return np.asarray(result, dtype=np.float32)

    return Contender(name, f"{info.name} {info.version}", info.modality, fill)
