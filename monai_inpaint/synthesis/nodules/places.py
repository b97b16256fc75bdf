"""Place nodules in a film or a CT."""

# scipy brings no types
# pyright: basic

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.lung_mask import ct_lungs, film_regions
from monai_inpaint.synthesis.nodules.displayed_slice import FILM, DisplayedSlice

REGIONS = ("lungs", "free", "ribs", "heart")
GAP = 2  # pixels between a nodule and what it must not touch
_GRID = 512  # along the longer side, on which distances are measured
_SLICES = 24  # of a volume that are looked at before none is said to have a lung


def region_in(plane: DisplayedSlice, kind: str, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the region that must contain a nodule, and that of its centre, by name.

    "lungs": both lungs, without heart, hila and surroundings. For films also "free", centred between ribs, "ribs",
    centred on one, and "heart", before or behind the heart.

    Args:
        plane: a film or a slice.
        kind: "cxr" or "ct".
        name: of `REGIONS`.

    Returns:
        Two bool arrays of rows and columns as displayed.

    Raises:
        InputError: no such region, or no lung was found.
    """
    if name not in REGIONS:
        raise InputError(f"There is no region {name!r} for nodules; use {', '.join(REGIONS)}, a mask or a place.")
    if kind != FILM:
        if name != "lungs":
            raise InputError(f"The region {name!r} is one of films; in a CT nodules go into the lungs.")
        spacing = plane.spacing or (1.0, 1.0)
        lungs = ct_lungs(plane.units, spacing)
        return lungs, lungs
    try:
        found = film_regions(plane.units)
    except InputError as error:
        raise InputError(f"{plane.image.path or 'The image'}: {error}") from None
    centres = {"lungs": found.lungs, "free": found.lungs & ~found.ribs, "ribs": found.ribs, "heart": found.heart}
    return (found.heart if name == "heart" else found.lungs), centres[name]


def draw_place(
    planes: list[DisplayedSlice],
    regions: Callable[[DisplayedSlice], tuple[np.ndarray, np.ndarray]],
    shape: np.ndarray,
    rng: np.random.Generator,
    taken: np.ndarray | None = None,
) -> tuple[DisplayedSlice, tuple[int, int]] | None:
    """Draw a slice and a place in it at which a shape is completely in the region and touches nothing occupied.

    Args:
        planes: to choose from, all equally likely.
        regions: of a plane, see `region_in`.
        shape: bool, the tight bounding box of the nodule.
        rng: the source of chance.
        taken: bool, of the image's shape.

    Returns:
        The plane, and row and column of the shape's middle; None where it fits nowhere.
    """
    for number in rng.permutation(len(planes))[:_SLICES]:
        plane = planes[int(number)]
        within, centre = regions(plane)
        place = _place_in(within, centre, shape, rng, None if taken is None else plane.view(taken))
        if place is not None:
            return plane, place
    return None


def corner_of(place: tuple[int, int], shape: np.ndarray) -> tuple[int, int]:
    """First row and column of a shape centred at a place."""
    return place[0] - shape.shape[0] // 2, place[1] - shape.shape[1] // 2


def _place_in(
    within: np.ndarray, centre: np.ndarray, shape: np.ndarray, rng: np.random.Generator, taken: np.ndarray | None
) -> tuple[int, int] | None:
    from scipy.ndimage import distance_transform_edt

    step = max(max(within.shape) // _GRID, 1)
    free = within if taken is None else within & ~taken
    coarse = np.pad(free[::step, ::step], 1)
    away: Any = distance_transform_edt(coarse)
    radius = np.hypot(*shape.shape) / 2 + GAP
    # First what a disc around the shape has room for, which is nearly all; then the shape itself, place by place.
    roomy = (away[1:-1, 1:-1] * step >= radius) & centre[::step, ::step]
    for places in (np.argwhere(roomy), np.argwhere(centre[::step, ::step] & free[::step, ::step])):
        for row, column in rng.permutation(places)[:200] * step:
            top, left = corner_of((int(row), int(column)), shape)
            bottom, right = top + shape.shape[0], left + shape.shape[1]
            if top < GAP or left < GAP or bottom + GAP > free.shape[0] or right + GAP > free.shape[1]:
                continue
            if free[top:bottom, left:right][shape].all():
                return int(row), int(column)
    return None
