"""The method `inpaint`: fill the metal and the unreliable voxels next to it with the engine."""

# scipy brings no types
# pyright: basic

from __future__ import annotations

from typing import Any

import numpy as np

from monai_inpaint.fill.compose import Patch
from monai_inpaint.imaging.axial import Axial
from monai_inpaint.metal.task import Correction, Task

_RIM = 2.0  # mm of the metal's edge, which holds metal and tissue at once
_NEAR = 8.0  # mm from the metal within which unreliable voxels are filled


def region_to_fill(axial: Axial, metal: np.ndarray, affected: np.ndarray) -> np.ndarray:
    """Select what `inpaint` fills: the metal with its rim, and unreliable voxels up to 8 mm from it, slice by slice.

    Args:
        metal, affected: bool, of the image's shape.
    """
    from scipy.ndimage import distance_transform_edt

    hole = np.zeros(metal.shape, bool)
    marked, doubtful, result = (axial.solid(part) for part in (metal, affected, hole))
    rim = max(_RIM, 1.5 * min(axial.spacing[:2]))
    for number in np.flatnonzero(marked.any(axis=(0, 1))):
        away = np.asarray(distance_transform_edt(~marked[..., number], sampling=axial.spacing[:2]))
        result[..., number] = (away <= rim) | (doubtful[..., number] & (away <= _NEAR))
    return hole


def enclosed(axial: Axial, metal: np.ndarray) -> np.ndarray:
    """Return the metal with the cavities it closes off in a slice, of which nothing is known: they stay with it.

    Args:
        metal: bool, of the image's shape.
    """
    from scipy.ndimage import binary_fill_holes

    whole = metal.copy()
    solid = axial.solid(whole)
    for number in np.flatnonzero(solid.any(axis=(0, 1))):
        solid[..., number] = binary_fill_holes(solid[..., number])
    return whole


def inpaint(task: Task) -> Correction:
    """Fill the hole around the metal with the engine."""
    from monai_inpaint.fill.filler import Filler

    hole = region_to_fill(task.axial, task.found.metal, task.found.affected) & task.allowed
    assert task.bundle is not None
    fill = Filler(task.bundle.path, task.engine)(task.image, hole, progress=task.progress)
    report, filled = fill.report, fill.image
    patches = [Patch(index, hole[index], filled.units(index)) for index in slices_with(task.axial, hole)]
    return Correction(patches, {name: report[name] for name in ("bundle", "engine", "hole", "windows")})


def slices_with(axial: Axial, hole: np.ndarray) -> list[tuple[Any, ...]]:
    """Return the indices of the slices that contain a part of the hole, in the image's array."""
    return [axial.index(int(number)) for number in np.flatnonzero(axial.solid(hole).any(axis=(0, 1)))]
