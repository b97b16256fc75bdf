"""The ways to take metal's artifacts out of an image; a new one is added to `METHODS`."""

# scipy brings no types
# pyright: basic

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.fill.compose import Patch
from monai_inpaint.fill.patches import Progress
from monai_inpaint.images import Image
from monai_inpaint.metal.axial import Axial
from monai_inpaint.metal.between_slices import averaged
from monai_inpaint.metal.body import PADDING
from monai_inpaint.metal.find import Found
from monai_inpaint.metal.network import BUNDLE, Run, predicted, with_prior
from monai_inpaint.metal.sinogram import Projected

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
        bundle: of the network that the method runs; None for the one that comes with it.
        engine: that runs it.
        modality: "ct" or "mr".
        progress: called with the work done and the work in all.
        run: the network of the method `network`, in place of a bundle's.
    """

    image: Image
    axial: Axial
    found: Found
    allowed: np.ndarray
    bundle: str | None
    engine: str
    modality: str
    progress: Progress | None
    run: Run | None = None


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
    fill = Filler(task.bundle or task.modality, task.engine)(task.image, hole, progress=task.progress)
    report, filled = fill.report, fill.image
    patches = [Patch(index, hole[index], filled.units(index)) for index in _marked(task.axial, hole)]
    return Correction(patches, {name: report[name] for name in ("bundle", "engine", "hole", "windows")})


def _li(task: Task) -> Correction:
    """`li`, slice by slice."""
    patches = []
    for number in _with_metal(task):
        seen = _seen(task, number)
        patches.append(Patch(task.axial.index(number), seen.measured, seen.projected.li()))
    return Correction(patches, {})


def _nmar(task: Task) -> Correction:
    """`nmar` with its own priors."""

    def prior(seen: _Seen) -> np.ndarray:
        return seen.projected.prior()

    def corrected(seen: _Seen, told: np.ndarray) -> np.ndarray:
        return seen.projected.nmar(told)

    return Correction(_by_priors(task, prior, corrected), {})


def _network(task: Task) -> Correction:
    """`nmar` with the network's slices as priors."""
    from monai_inpaint.engines import load_engine
    from monai_inpaint.registry import find_bundle

    facts: dict[str, Any] = {}
    run = task.run
    if run is None:
        bundle = find_bundle(BUNDLE if task.bundle in (None, "ct") else task.bundle)
        if bundle.kind != "correction":
            raise InputError(f"{bundle.name} corrects no slices; leave --bundle out, or name one like {BUNDLE}.")
        engine = load_engine(task.engine, bundle)
        run = engine.run
        facts = {"bundle": {"name": bundle.name, "version": bundle.version}, "engine": engine.describe()}

    def prior(seen: _Seen) -> np.ndarray:
        return predicted(seen.hu, seen.metal, task.axial.spacing[:2], run)

    def corrected(seen: _Seen, told: np.ndarray) -> np.ndarray:
        return with_prior(seen.projected, seen.hu, told)

    return Correction(_by_priors(task, prior, corrected), facts)


@dataclass(frozen=True, eq=False)
class _Seen:
    """A slice: what the scanner reconstructed of it, its HU with air elsewhere, its metal, and its projections."""

    measured: np.ndarray
    hu: np.ndarray
    metal: np.ndarray
    projected: Projected


def _by_priors(
    task: Task, prior: Callable[[_Seen], np.ndarray], corrected: Callable[[_Seen, np.ndarray], np.ndarray]
) -> list[Patch]:
    """The slices with metal, each corrected by a prior that those before and after it were asked about."""
    seen: dict[int, _Seen] = {}
    priors: dict[int, np.ndarray] = {}
    patches, wanted = [], {*_numbers(task)}
    for number in _with_metal(task):
        for near in {number, number + 1} & (wanted - priors.keys()):
            seen[near] = _seen(task, near)
            priors[near] = prior(seen[near])
        beside = [priors[near] for near in (number - 1, number + 1) if near in priors]
        here = seen.pop(number)
        told = averaged(priors[number], beside, task.axial.spacing[2])
        patches.append(Patch(task.axial.index(number), here.measured, corrected(here, told)))
        priors.pop(number - 1, None)
    return patches


def _with_metal(task: Task) -> Iterator[int]:
    """The numbers of the slices that hold metal and may change; the progress after each."""
    _check_axial(task.image)
    numbers = _numbers(task)
    for done, number in enumerate(numbers, start=1):
        yield number
        if task.progress:
            task.progress(done, len(numbers))


def _numbers(task: Task) -> list[int]:
    return [int(n) for n in np.flatnonzero(task.axial.solid(task.found.metal & task.allowed).any(axis=(0, 1)))]


def _seen(task: Task, number: int) -> _Seen:
    index = task.axial.index(number)
    source = task.image.units(index)
    measured = np.isfinite(source) & (source > PADDING)
    hu, metal = np.where(measured, source, np.float32(-1000.0)), task.found.metal[index]
    return _Seen(measured, hu, metal, Projected(hu, metal, task.axial.spacing[:2]))


METHODS: dict[str, Callable[[Task], Correction]] = {
    "inpaint": _inpaint,
    "li": _li,
    "nmar": _nmar,
    "network": _network,
}


def default_method(modality: str) -> str:
    """What is used where nobody names a method: `network` for CT where ASTRA is installed, else `inpaint`."""
    return "network" if modality == "ct" and find_spec("astra") else "inpaint"


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
