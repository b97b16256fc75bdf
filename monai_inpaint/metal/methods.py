"""The ways to take metal's artifacts out of an image; a new one is added to `METHODS`."""

# scipy brings no types
# pyright: basic

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.fill.compose import Patch
from monai_inpaint.fill.patches import Progress
from monai_inpaint.images import Image
from monai_inpaint.metal.axial import Axial
from monai_inpaint.metal.body import PADDING
from monai_inpaint.metal.find import Found

_RIM = 2.0  # mm of the metal's edge, which holds metal and tissue at once
_NEAR = 8.0  # mm from the metal within which what is in doubt is filled


@dataclass(frozen=True)
class Task:
    """What a method works on.

    Attributes:
        image: the source.
        axial: its axial slices.
        found: its metal.
        allowed: bool, of the image's shape: what may change.
        bundle, engine: of the network that fills.
        progress: called with the work done and the work in all.
    """

    image: Image
    axial: Axial
    found: Found
    allowed: np.ndarray
    bundle: str
    engine: str
    progress: Progress | None


@dataclass(frozen=True)
class Correction:
    """What a method says the image should hold.

    Attributes:
        patches: new values, the metal filled with tissue where it is among them.
        facts: for the report.
    """

    patches: list[Patch]
    facts: dict[str, Any]


def hole_of(axial: Axial, metal: np.ndarray, affected: np.ndarray) -> np.ndarray:
    """What `inpaint` fills: the metal with its rim, and what is in doubt up to 8 mm from it, slice by slice.

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
    """The metal with the cavities it closes off in a slice, of which nothing is known: they stay with it.

    Args:
        metal: bool, of the image's shape.
    """
    from scipy.ndimage import binary_fill_holes

    whole = metal.copy()
    solid = axial.solid(whole)
    for number in np.flatnonzero(solid.any(axis=(0, 1))):
        solid[..., number] = binary_fill_holes(solid[..., number])
    return whole


def _inpaint(task: Task) -> Correction:
    """Fills the hole around the metal with the engine."""
    from monai_inpaint.fill.filler import Filler

    hole = hole_of(task.axial, task.found.metal, task.found.affected) & task.allowed
    fill = Filler(task.bundle, task.engine)(task.image, hole, progress=task.progress)
    report, filled = fill.report, fill.image
    patches = [Patch(index, hole[index], filled.units(index)) for index in _marked(task.axial, hole)]
    return Correction(patches, {name: report[name] for name in ("bundle", "engine", "hole", "windows")})


def _in_projections(name: str) -> Callable[[Task], Correction]:
    """`li` or `nmar` of `sinogram`, slice by slice; what the scanner did not reconstruct stays."""

    def correct(task: Task) -> Correction:
        from monai_inpaint.metal import sinogram

        method = getattr(sinogram, name)
        axial, patches = task.axial, []
        _check_axial(task.image)
        numbers = np.flatnonzero(axial.solid(task.found.metal & task.allowed).any(axis=(0, 1)))
        for done, number in enumerate(map(int, numbers), start=1):
            index = axial.index(number)
            source = task.image.units(index)
            measured = np.isfinite(source) & (source > PADDING)
            plane = np.where(measured, source, np.float32(-1000.0))
            units = method(plane, task.found.metal[index], axial.spacing[:2], keep_metal=False)
            patches.append(Patch(index, measured, units))
            if task.progress:
                task.progress(done, len(numbers))
        return Correction(patches, {})

    return correct


METHODS: dict[str, Callable[[Task], Correction]] = {
    "inpaint": _inpaint,
    "li": _in_projections("li"),
    "nmar": _in_projections("nmar"),
}


def default_method(modality: str) -> str:
    """What is used where nobody names a method: `nmar` for CT where ASTRA is installed, else `inpaint`."""
    return "nmar" if modality == "ct" and find_spec("astra") else "inpaint"


def _check_axial(image: Image) -> None:
    """Refuse a single slice that is not axial: the scanner's rays do not lie in it."""
    if image.voxels.ndim == 2 and image.affine is not None:
        across = np.abs(image.affine[2, :2]) / np.linalg.norm(image.affine[:3, :2], axis=0)
        if across.max() > 0.5:
            raise InputError(
                f"{image.path or 'The image'} is no axial slice, and its metal's rays leave it: use inpaint."
            )


def _marked(axial: Axial, hole: np.ndarray) -> list[tuple[Any, ...]]:
    """The slices that hold a part of the hole."""
    return [axial.index(int(number)) for number in np.flatnonzero(axial.solid(hole).any(axis=(0, 1)))]
