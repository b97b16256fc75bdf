"""The variables that widgets of the page set, and the values that each takes."""

# trame brings no types
# pyright: basic

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from monai_inpaint.imaging.modality import MODALITIES
from monai_inpaint.web.fill_steps import MODELS
from monai_inpaint.web.session import Checks, is_number
from monai_inpaint.web.slice_display import PRESETS

TOOLS = ("look", "window", "paint", "erase", "lasso", "box", "threshold")
MARKING = TOOLS[2:]
DRAWN = ("estimate", "sample", "spread")
METHODS = ("automatic", "inpaint", "li", "nmar", "network")
OVERLAYS = ("", "difference", "map")
AUTO = "Automatic"


def initial(bundle: str | None, secret: str) -> dict[str, Any]:
    """All variables of the page, before anything is loaded."""
    return {
        "message": "Load a chest film, CT or MR image.", "fraction": 0, "progress": "", "busy": False, "running": False,
        "loaded": False, "name": "", "filled": False, "reported": False, "sampled": False, "can_undo": False,
        "can_redo": False, "tool": "look", "brush": 10, "ball": False, "values": [0, 1], "limits": [0, 1, 1],
        "margin": 2, "length": "mm", "regions": [], "active": "", "shown": [], "bundle": bundle, "drawn": DRAWN[0],
        "seed": 0,
        "models": [{"title": title, "value": name} for name, title in MODELS.items()], "method": METHODS[0],
        "methods": list(METHODS), "suffix": None, "suffixes": [], "fade": 100, "flicker": False,
        "overlay": "", "reach": "", "unit": "", "mapped": "", "map_reach": "", "map_unit": "",
        "steps": [], "at": 0, "flat": False, "cursor": "", "width": 1, "level": 0, "preset": None,
        "presets": [AUTO, *PRESETS], "secret": secret, "trame__title": "monai-inpaint",
    }  # fmt: skip


def checks(state: Any, regions: Callable[[], list[str]], sliders: Iterable[str]) -> Checks:
    """Allowed values of each variable; during a run only those may change that change no result.

    Args:
        state: trame's.
        regions: returns the ids of all regions.
        sliders: variables of the slice views' sliders.
    """

    def idle(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
        return lambda value: not state.busy and check(value)

    def within(low: float, high: float) -> Callable[[Any], bool]:
        return lambda value: is_number(value) and low <= value <= high

    def whole(low: int, high: int) -> Callable[[Any], bool]:
        return lambda value: within(low, high)(value) and value == int(value)

    return {
        "bundle": idle(lambda value: value in MODALITIES),
        "tool": idle(lambda value: value in TOOLS),
        "brush": within(0.1, 500),
        "ball": lambda value: isinstance(value, bool),
        "values": lambda value: isinstance(value, list) and len(value) == 2 and all(map(is_number, value)),
        "margin": within(0.01, 100),
        "active": idle(lambda value: value in regions()),
        "shown": idle(lambda value: isinstance(value, list) and all(name in regions() for name in value)),
        "drawn": lambda value: value in DRAWN,
        "seed": whole(0, 2**31 - 1),
        "method": lambda value: value in METHODS,
        "suffix": lambda value: value in state.suffixes,
        "fade": within(0, 100),
        "flicker": lambda value: isinstance(value, bool),
        "overlay": lambda value: value in OVERLAYS,
        "at": idle(lambda value: whole(0, len(state.steps) - 1)(value)),
        "width": within(1e-9, 1e9),
        "level": within(-1e9, 1e9),
        "preset": lambda value: value in (AUTO, *PRESETS),
        **dict.fromkeys(sliders, is_number),
    }
