"""Colour tables of overlays: a signed difference, and a map of values from 0 up.

For the Slicer module and the browser alike; the browser also shows `MAP_GRADIENT` as the scale of a map.
"""

from collections.abc import Callable

import numpy as np
import slicer

_STEPS = 256
_CLEAR_DIFFERENCE = 0.06  # part of the range around no change that is transparent
_CLEAR_MAP = 0.04  # part of the range from 0 that is transparent
# dark to bright, in equal steps of lightness: matplotlib's inferno at every sixth
_ANCHORS = np.array(
    [
        (0, 0, 4),
        (31, 12, 72),
        (85, 15, 109),
        (136, 34, 106),
        (186, 54, 85),
        (227, 89, 51),
        (249, 140, 10),
        (249, 201, 50),
        (252, 255, 164),
    ]
)
MAP_GRADIENT = (
    f"linear-gradient(to right, {', '.join(f'rgb({red}, {green}, {blue})' for red, green, blue in _ANCHORS)})"
)

RGBA = tuple[float, float, float, float]


def difference_colours() -> "slicer.vtkMRMLColorTableNode":
    """Return the table for differences: blue darker, red brighter, transparent where little changed; one a scene."""
    return _table("Inpaint difference", -1.0, _difference_colour)


def map_colours() -> "slicer.vtkMRMLColorTableNode":
    """Return the table for maps: black to bright yellow, transparent near 0; one a scene."""
    return _table("Inpaint map", 0.0, _map_colour)


def _table(name: str, lowest: float, colour: Callable[[float], RGBA]) -> "slicer.vtkMRMLColorTableNode":
    """The node of this name; made of the colours of `lowest` to 1 where the scene has none."""
    found = slicer.mrmlScene.GetFirstNode(name, "vtkMRMLColorTableNode")
    if found is not None:
        return found
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLColorTableNode", name)
    node.SetTypeToUser()
    node.SetNumberOfColors(_STEPS)
    for step, value in enumerate(np.linspace(lowest, 1, _STEPS)):
        node.SetColor(step, f"{value:+.2f}", *colour(float(value)))
    node.GetLookupTable().SetRange(0, _STEPS - 1)
    return node


def _difference_colour(change: float) -> RGBA:
    pale = 1 - abs(change)
    red, blue = (1.0, pale) if change > 0 else (pale, 1.0)
    return red, 0.85 * pale, blue, 0.0 if abs(change) < _CLEAR_DIFFERENCE else 1.0


def _map_colour(value: float) -> RGBA:
    place = value * (len(_ANCHORS) - 1)
    red, green, blue = (float(np.interp(place, range(len(_ANCHORS)), part)) / 255 for part in _ANCHORS.T)
    return red, green, blue, 0.0 if value < _CLEAR_MAP else 1.0
