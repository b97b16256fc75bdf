"""Rules (JSON) that say which series of a study are filled, from which hole, and how. See docs/deploy.md."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.label_map import matching
from monai_inpaint.imaging.modality import FROM_DICOM
from monai_inpaint.inputs import read_json
from monai_inpaint.regions.rectangles import Rectangle, is_rectangle

SEG, RTSTRUCT, METAL, RECTANGLES = "SEG", "RTSTRUCT", "metal", "rectangles"
HOLES = (SEG, RTSTRUCT, METAL, RECTANGLES)
_KEYS = {"modality", "description", "hole", "segment", "rectangles", "method", "metal_hu", "bundle"}


@dataclass(frozen=True)
class Rule:
    """A rule: the series that it applies to, and what is done with them.

    Attributes:
        modality: "CT", "MR", "CR" or "DX".
        hole: where the hole comes from: "SEG" or "RTSTRUCT", one of the study that refers to the series; "metal", found
            and corrected; "rectangles", always the same ones.
        description: shell pattern for the SeriesDescription; upper and lower case are one.
        segment: of a SEG or RTSTRUCT with several, as `read_hole` takes it.
        rectangles: as `rectangles_in` takes them.
        method, metal_hu: of `reduce_metal`, for "metal" only; None takes its defaults.
        bundle: what fills; None takes that of the modality.
    """

    modality: str
    hole: str
    description: str = "*"
    segment: str | None = None
    rectangles: tuple[Rectangle, ...] = ()
    method: str | None = None
    metal_hu: str | float | None = None
    bundle: str | None = None

    def is_for(self, modality: str, description: str) -> bool:
        """Return whether a series of that modality and SeriesDescription is meant."""
        return modality == self.modality and bool(matching([description], self.description))


def read_rules(path: Path) -> list[Rule]:
    """Read the rules of a JSON file: a list of objects with the attributes of `Rule`.

    Raises:
        InputError: no such file, no JSON, or not rules.
    """
    return rules_of(read_json(path, "give a file with rules"), str(path))


def rules_of(given: Any, name: str) -> list[Rule]:
    """Check the rules of a list that was read from JSON; `name` is the file to blame.

    Raises:
        InputError: not a list of rules.
    """
    if not isinstance(given, list) or not given:
        raise InputError(f"{name}: the rules must be a list of at least one rule; see docs/deploy.md.")
    return [_rule(item, f"{name}: rule {n}") for n, item in enumerate(given, start=1)]


def _rule(given: Any, name: str) -> Rule:
    if not isinstance(given, dict):
        raise InputError(f"{name} is not an object; see docs/deploy.md.")
    unknown = sorted(set(given) - _KEYS)
    if unknown:
        raise InputError(f"{name} has the unknown key {unknown[0]}; known are {', '.join(sorted(_KEYS))}.")
    for key, known in (("modality", FROM_DICOM), ("hole", HOLES)):
        if given.get(key) not in known:
            raise InputError(f"{name}: {key} is {given.get(key)!r}; give one of {', '.join(known)}.")
    for key in ("description", "segment", "method", "bundle"):
        if key in given and not (isinstance(given[key], str) and given[key].strip()):
            raise InputError(f"{name}: {key} is {given[key]!r}; give a text, or leave it out.")
    hole = given["hole"]
    needless = {"segment": (SEG, RTSTRUCT), "rectangles": (RECTANGLES,), "method": (METAL,), "metal_hu": (METAL,)}
    for key, kinds in needless.items():
        if key in given and hole not in kinds:
            raise InputError(f"{name}: {key} has no effect with the hole {hole}; leave it out.")
    rectangles = _rectangles(given.get("rectangles"), name) if hole == RECTANGLES else ()
    _check_metal(given, name)
    return Rule(**{**given, "rectangles": rectangles})


def _rectangles(given: Any, name: str) -> tuple[Rectangle, ...]:
    fit = isinstance(given, list) and given
    if not fit or not all(isinstance(one, list) and is_rectangle(one) for one in given):
        raise InputError(
            f"{name}: rectangles are lists of four numbers in pixels: x, y, width, height, from the upper left corner."
        )
    return tuple((one[0], one[1], one[2], one[3]) for one in given)


def _check_metal(given: dict[str, Any], name: str) -> None:
    from monai_inpaint.metal.implant_value import value_of
    from monai_inpaint.metal.methods import METHODS

    if given["hole"] == METAL and given["modality"] not in ("CT", "MR"):
        raise InputError(f"{name}: metal is found in CT and MR, not in {given['modality']}; give another hole.")
    if "method" in given and given["method"] not in METHODS:
        raise InputError(f"{name}: there is no method {given['method']}; known are {', '.join(METHODS)}.")
    if "metal_hu" not in given:
        return
    if given["modality"] != "CT":
        raise InputError(f"{name}: metal_hu is in Hounsfield units, which {given['modality']} has not; leave it out.")
    if isinstance(given["metal_hu"], bool) or not isinstance(given["metal_hu"], str | int | float):
        raise InputError(f"{name}: metal_hu is {given['metal_hu']!r}; give a number in HU or the name of a material.")
    try:
        value_of(given["metal_hu"])
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
