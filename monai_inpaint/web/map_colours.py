"""Colours of a map of values from 0 up, for the views and for the scale on the page."""

# Slicer brings no types
# pyright: basic

from __future__ import annotations

from typing import Any

import numpy as np
import slicer

_NAME = "Inpaint map"
_STEPS = 256
_CLEAR = 0.04  # share of the scale that is transparent
# dark to bright, in equal steps of lightness: matplotlib's inferno at every sixth
_ANCHORS = np.array(
    [(0, 0, 4), (31, 12, 72), (85, 15, 109), (136, 34, 106), (186, 54, 85), (227, 89, 51), (249, 140, 10),
     (249, 201, 50), (252, 255, 164)]
)  # fmt: skip
GRADIENT = f"linear-gradient(to right, {', '.join(f'rgb({red}, {green}, {blue})' for red, green, blue in _ANCHORS)})"


def map_colours() -> Any:
    """The table of colours; made once a scene."""
    found = slicer.mrmlScene.GetFirstNode(_NAME, "vtkMRMLColorTableNode")
    if found is not None:
        return found
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLColorTableNode", _NAME)
    node.SetTypeToUser()
    node.SetNumberOfColors(_STEPS)
    for step, share in enumerate(np.linspace(0, 1, _STEPS)):
        place = share * (len(_ANCHORS) - 1)
        colour = [float(np.interp(place, range(len(_ANCHORS)), part)) / 255 for part in _ANCHORS.T]
        node.SetColor(step, f"{share:.2f}", *colour, 0.0 if share < _CLEAR else 1.0)
    node.GetLookupTable().SetRange(0, _STEPS - 1)
    return node
