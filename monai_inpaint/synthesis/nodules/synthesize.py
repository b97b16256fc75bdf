"""Put a nodule of a chosen place, shape, diameter and density into a chest film or a CT (Shen et al. 2022)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from monai_inpaint.engines import load_engine
from monai_inpaint.engines.base import Engine
from monai_inpaint.errors import InputError
from monai_inpaint.fill.compose import Patch, compose
from monai_inpaint.fill.report import fill_report
from monai_inpaint.imaging.bounding_box import extent
from monai_inpaint.imaging.image import Image
from monai_inpaint.imaging.shape_measures import equivalent_diameter
from monai_inpaint.registry import find_bundle
from monai_inpaint.synthesis.nodules import FILM_MM
from monai_inpaint.synthesis.nodules.displayed_slice import FILM, DisplayedSlice, kind_of, planes_of
from monai_inpaint.synthesis.nodules.places import corner_of, draw_place, region_in
from monai_inpaint.synthesis.nodules.shadow import shadowed
from monai_inpaint.synthesis.nodules.shapes import draw_shape, shape_of
from monai_inpaint.synthesis.nodules.size import scaled_shape
from monai_inpaint.synthesis.nodules.texture import textured

DENSITIES = {"solid": 1.0, "part-solid": 0.5, "ground-glass": 0.0}
# Ratings of texture in LIDC-IDRI, from 1 (ground-glass) to 5 (solid), and how many of 6,859 readings gave each.
_RATED = {0.0: 480, 0.25: 155, 0.5: 381, 0.75: 823, 1.0: 5020}
_THINNEST = 1.5  # pixels of the diameter in a slice of a volume, from which the nodule is seen in it

Place = str | Sequence[int] | np.ndarray


@dataclass(frozen=True, eq=False)
class Synthesis:
    """The result of `synthesize_nodule`.

    Attributes:
        image: with the nodule, like the source in geometry and dtype; outside the mask voxel for voxel the source.
        mask: bool of the image's shape, the nodule.
        box: first index and length along each axis of the array, ((first, length), ...).
        report: JSON-able; "nodule" contains everything needed to reproduce it.
    """

    image: Image
    mask: np.ndarray
    box: tuple[tuple[int, int], ...]
    report: dict[str, Any]


def synthesize_nodule(
    image: Image,
    place: Place = "lungs",
    diameter: float = 12.0,
    *,
    shape: str | np.ndarray = "random",
    density: str | float = "solid",
    seed: int = 0,
    taken: np.ndarray | None = None,
    bundle: str | Path | None = None,
    shape_bundle: str | Path = "nodule_shape",
    engine: str = "auto",
) -> Synthesis:
    """Put a nodule into a chest film, or into an axial slice or the slices of a CT.

    In a volume the nodule is a body of revolution's like: each slice shows the shape as large as a sphere is there.

    Args:
        image: a frontal film, or a CT in Hounsfield units.
        place: "lungs", in films also "free", "ribs" and "heart" (see `region_in`); a mask of the image's shape that
            must contain the nodule; or the index of its middle along the axes of the array, (row, column) in a film.
        diameter: the mean axis of the ellipse of equal second moments, in mm, or in pixels where the image has no
            spacing.
        shape: "random", or a mask (rows, columns) as displayed whose outline is used.
        density: "solid", "part-solid", "ground-glass", "random" (as often as in LIDC), or 0 ground-glass to 1 solid.
        seed: of all random choices: the same seed produces the same voxels on the same engine.
        taken: bool of the image's shape, voxels that the nodule must not touch, such as those of another one.
        bundle: texture generator; None: in CT `nodule_texture_ct`, in films none, but the shadow of the nodule (see
            `cast_shadow`).
        shape_bundle: shape generator.
        engine: see `load_engine`.

    Raises:
        InputError: neither a film nor a CT in HU, no lung found, the nodule does not fit there, or a bad argument.
    """
    started = time.perf_counter()
    kind = kind_of(image)
    generator = _generator(kind, bundle, engine)
    _check_mask(image, taken, "The mask of what is taken")
    seeds = np.random.default_rng(seed).integers(2**32, size=4)
    solid = _density(density, seeds[0])
    outline = draw_shape(int(seeds[1]), engine, shape_bundle) if isinstance(shape, str) else shape_of(shape)
    if isinstance(shape, str) and shape != "random":
        raise InputError(f"There is no shape {shape!r}; use random, or give a mask.")
    planes = planes_of(image, kind)
    sized = scaled_shape(outline, diameter, planes[0].spacing or (1.0, 1.0))
    plane, middle = _place(image, planes, kind, place, sized, np.random.default_rng(seeds[2]), taken, diameter)
    mask = np.zeros(image.voxels.shape, bool)
    patches: list[Patch] = []
    for one, part in _slices(planes, plane, outline, sized, diameter):
        shown = _mark(one, middle, part, mask)
        if generator is None:
            values = shadowed(one.units, shown, _pixel(one), solid, np.random.default_rng(seeds[3]))
        else:
            values = textured(one.units, np.ascontiguousarray(shown), solid, generator)
        patches.append(_patch(one, mask, values))
    if taken is not None and (mask & taken).any():
        raise InputError("The nodule would lie on another one; name another place.")
    box = extent(mask)
    assert box is not None
    spans = tuple((side.start, side.stop - side.start) for side in box)
    result = compose(image, patches)
    nodule = {
        "place": [int(at) for at in plane.place(*middle)],
        "asked": place if isinstance(place, str) else "mask" if isinstance(place, np.ndarray) else "place",
        "diameter": float(diameter),
        "unit": "mm" if image.spacing else "pixels",
        "measured_diameter": round(equivalent_diameter(sized, plane.spacing or (1.0, 1.0)), 4),
        "density": solid,
        "texture": "network" if generator else "shadow",
        "shape": "random" if isinstance(shape, str) else "mask",
        "seed": int(seed),
        "box": [list(span) for span in spans],
        "pixels": int(np.count_nonzero(mask)),
    }
    facts = {
        **({"bundle": find_bundle(bundle or "nodule_texture_ct"), "engine": generator.describe()} if generator else {}),
        "hole": {},
        "hole_voxels": nodule["pixels"],
        "drawn": {"fill": "nodule", "seed": int(seed)},
        "window_sides": [128] * len(patches) if generator else [],
        "seconds": {"synthesize": time.perf_counter() - started},
    }
    report = {**fill_report(image, result, mask, facts), "synthetic": True, "nodule": nodule}
    if isinstance(shape, str):
        report["shape_bundle"] = find_bundle(shape_bundle).facts()
    return Synthesis(result, mask, spans, report)


def _place(
    image: Image,
    planes: list[DisplayedSlice],
    kind: str,
    place: Place,
    sized: np.ndarray,
    rng: np.random.Generator,
    taken: np.ndarray | None,
    diameter: float,
) -> tuple[DisplayedSlice, tuple[int, int]]:
    """The plane of the nodule's middle, and its row and column there.

    Raises:
        InputError: it does not fit.
    """
    unit = "mm" if image.spacing else "pixels"
    if isinstance(place, str):
        found = draw_place(planes, lambda plane: region_in(plane, kind, place), sized, rng, taken)
        if found is None:
            raise InputError(
                f"{image.path or 'The image'}: no room for a nodule of {diameter:g} {unit} in the {place}, which are "
                "missing or smaller; ask for a smaller diameter or name a place."
            )
        return found
    if isinstance(place, np.ndarray):
        _check_mask(image, place, "The mask of where nodules may lie")
        marked = place > 0
        possible = [plane for plane in planes if plane.view(marked).any()]
        found = draw_place(possible, lambda plane: (plane.view(marked), plane.view(marked)), sized, rng, taken)
        if found is None:
            raise InputError(f"A nodule of {diameter:g} {unit} does not fit into the mask; make one of both smaller.")
        return found
    if len(place) != image.voxels.ndim:
        raise InputError(f"The place has {len(place)} numbers, the image {image.voxels.ndim} axes; give one for each.")
    if any(not 0 <= at < size for at, size in zip(place, image.voxels.shape, strict=True)):
        raise InputError(f"The place {list(place)} lies outside the image {list(image.voxels.shape)}; name another.")
    plane = planes[0] if len(planes) == 1 else planes[int(place[planes[0].axis or 0])]
    middle = plane.shown(place)
    (top, left), (rows, columns) = corner_of(middle, sized), plane.units.shape
    if top < 0 or left < 0 or top + sized.shape[0] > rows or left + sized.shape[1] > columns:
        raise InputError(
            f"A nodule of {diameter:g} {unit} at {list(place)} reaches outside the image; name another place."
        )
    return plane, middle


def _slices(
    planes: list[DisplayedSlice], plane: DisplayedSlice, outline: np.ndarray, sized: np.ndarray, diameter: float
) -> list[tuple[DisplayedSlice, np.ndarray]]:
    """The planes of the nodule, and its shape in each, scaled like the sections of a sphere."""
    spacing = plane.image.spacing
    if len(planes) == 1 or spacing is None or plane.axis is None:
        return [(plane, sized)]
    found: list[tuple[DisplayedSlice, np.ndarray]] = []
    for one in planes:
        away = 2 * abs(one.number - plane.number) * spacing[plane.axis] / diameter
        if one is plane:
            found.append((one, sized))
        elif away < 1:
            here = diameter * float(np.sqrt(1 - away**2))
            if here >= _THINNEST * max(plane.spacing or (1.0,)):
                found.append((one, scaled_shape(outline, here, plane.spacing or (1.0, 1.0))))
    return found


def _mark(plane: DisplayedSlice, middle: tuple[int, int], shape: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Mark a shape in the mask, and return the part within the slice, as displayed."""
    top, left = corner_of(middle, shape)
    shown = plane.view(mask)
    shown[top : top + shape.shape[0], left : left + shape.shape[1]] |= shape
    return shown


def _patch(plane: DisplayedSlice, mask: np.ndarray, values: np.ndarray) -> Patch:
    """The nodule's bounding box in a slice."""
    units = np.zeros(mask.shape, np.float32)
    plane.view(units)[:] = -values if plane.image.inverted else values
    box = extent(mask[plane.index])
    assert box is not None
    sides = iter(box)
    index = tuple(next(sides) if isinstance(part, slice) else part for part in plane.index)
    return Patch(index, mask[index], units[index])


def _pixel(film: DisplayedSlice) -> tuple[float, float]:
    """mm of a film's pixels; the default is that of a film of the usual size."""
    usual = FILM_MM / max(film.units.shape)
    return film.spacing or (usual, usual)


def _generator(kind: str, bundle: str | Path | None, engine: str) -> Engine | None:
    """The texture generator; None for the shadow of a film.

    Raises:
        InputError: no such bundle or engine, or one that is no texture generator.
    """
    if bundle is None and kind == FILM:
        return None
    info = find_bundle(bundle or "nodule_texture_ct")
    generator = load_engine(engine, info)
    if info.kind != "synthesis" or generator.channels != 3:
        raise InputError(f"{info.name} gives nodules no texture; use nodule_texture_{kind}.")
    return generator


def _density(density: str | float, seed: int) -> float:
    if density == "random":
        share = np.array(list(_RATED.values())) / sum(_RATED.values())
        return float(np.random.default_rng(seed).choice(list(_RATED), p=share))
    if isinstance(density, str):
        if density not in DENSITIES:
            raise InputError(f"There is no density {density!r}; use {', '.join(DENSITIES)} or random.")
        return DENSITIES[density]
    if not 0 <= density <= 1:
        raise InputError(f"The density is {density:g}; it must be between 0 (ground-glass) and 1 (solid).")
    return float(density)


def _check_mask(image: Image, mask: np.ndarray | None, what: str) -> None:
    if mask is not None and mask.shape != image.voxels.shape:
        raise InputError(f"{what} has the shape {mask.shape}, the image {image.voxels.shape}; they must be the same.")
