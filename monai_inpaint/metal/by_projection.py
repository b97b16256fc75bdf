"""The methods `li`, `nmar` and `network`: replace the rays through metal, slice by slice."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from monai_inpaint.engines import load_engine
from monai_inpaint.errors import InputError
from monai_inpaint.fill.compose import Patch
from monai_inpaint.imaging.body import PADDING
from monai_inpaint.imaging.image import Image
from monai_inpaint.metal.network_prior import predicted, with_prior
from monai_inpaint.metal.sinogram_correction import SinogramCorrector
from monai_inpaint.metal.task import Correction, Task

_REACH = 3.0  # mm, standard deviation of the weight of a neighbour
_ALIKE = 100.0  # HU, standard deviation of the weight of a difference: streaks are averaged, edges of bone are not


def li_method(task: Task) -> Correction:
    """`li`, slice by slice."""
    patches = []
    for number in _with_metal(task):
        part = _slice_of(task, number)
        patches.append(Patch(task.axial.index(number), part.measured, part.projected.li()))
    return Correction(patches, {})


def nmar_method(task: Task) -> Correction:
    """`nmar` with its own priors."""

    def prior(part: _Slice) -> np.ndarray:
        return part.projected.prior()

    def corrected(part: _Slice, smoothed: np.ndarray) -> np.ndarray:
        return part.projected.nmar(smoothed)

    return Correction(_by_priors(task, prior, corrected), {})


def network_method(task: Task) -> Correction:
    """`nmar` with the network's slices as priors."""
    facts: dict[str, Any] = {}
    run = task.run
    if run is None:
        assert task.bundle is not None
        engine = load_engine(task.engine, task.bundle)
        run = engine.run
        facts = {"bundle": task.bundle.facts(), "engine": engine.describe()}

    def prior(part: _Slice) -> np.ndarray:
        return predicted(part.hu, part.metal, task.axial.spacing[:2], run)

    def corrected(part: _Slice, smoothed: np.ndarray) -> np.ndarray:
        return with_prior(part.projected, part.hu, smoothed)

    return Correction(_by_priors(task, prior, corrected), facts)


@dataclass(frozen=True, eq=False)
class _Slice:
    """A slice: what the scanner reconstructed of it, its HU with air elsewhere, its metal, and its projections."""

    measured: np.ndarray
    hu: np.ndarray
    metal: np.ndarray
    projected: SinogramCorrector


def _by_priors(
    task: Task, prior: Callable[[_Slice], np.ndarray], corrected: Callable[[_Slice, np.ndarray], np.ndarray]
) -> list[Patch]:
    """Correct the slices with metal, each by its prior averaged with those of the slices before and after."""
    slices: dict[int, _Slice] = {}
    priors: dict[int, np.ndarray] = {}
    patches, wanted = [], {*_numbers(task)}
    for number in _with_metal(task):
        for near in {number, number + 1} & (wanted - priors.keys()):
            slices[near] = _slice_of(task, near)
            priors[near] = prior(slices[near])
        neighbours = [priors[near] for near in (number - 1, number + 1) if near in priors]
        slice_ = slices.pop(number)
        smoothed = averaged(priors[number], neighbours, task.axial.spacing[2])
        patches.append(Patch(task.axial.index(number), slice_.measured, corrected(slice_, smoothed)))
        priors.pop(number - 1, None)
    return patches


def _with_metal(task: Task) -> Iterator[int]:
    """The numbers of the slices that contain metal and may change, with the progress after each."""
    _check_axial(task.image)
    numbers = _numbers(task)
    for done, number in enumerate(numbers, start=1):
        yield number
        if task.progress:
            task.progress(done, len(numbers))


def _numbers(task: Task) -> list[int]:
    return [int(n) for n in np.flatnonzero(task.axial.solid(task.found.metal & task.allowed).any(axis=(0, 1)))]


def _slice_of(task: Task, number: int) -> _Slice:
    index = task.axial.index(number)
    source = task.image.units(index)
    measured = np.isfinite(source) & (source > PADDING)
    hu, metal = np.where(measured, source, np.float32(-1000.0)), task.found.metal[index]
    return _Slice(measured, hu, metal, SinogramCorrector(hu, metal, task.axial.spacing[:2]))


def _check_axial(image: Image) -> None:
    """Refuse a single slice that is not axial: the scanner's rays are not within it."""
    if image.voxels.ndim == 2 and image.affine is not None:
        across = np.abs(image.affine[2, :2]) / np.linalg.norm(image.affine[:3, :2], axis=0)
        if across.max() > 0.5:
            raise InputError(
                f"{image.path or 'The image'} is not an axial slice, so rays through its metal leave it: use inpaint."
            )


def averaged(prior: np.ndarray, beside: Iterable[np.ndarray], spacing: float) -> np.ndarray:
    """Average a prior with those of the slices before and after it, where they are similar.

    A bilateral filter across the slices (Tomasi and Manduchi 1998): continuing anatomy is the same in both, guesses
    about what the metal hid are not.

    Args:
        prior: (rows, columns) in HU.
        beside: the priors of its neighbours.
        spacing: mm between slices.
    """
    near = math.exp(-0.5 * (spacing / _REACH) ** 2)
    total, weight = prior.astype(np.float64), np.ones(prior.shape)
    for other in beside:
        alike = near * np.exp(-0.5 * ((other - prior) / _ALIKE) ** 2)
        total += alike * other
        weight += alike
    return (total / weight).astype(np.float32)
