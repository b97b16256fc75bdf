"""Size modulation of nodule shapes (Shen et al. 2022, section III-B)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.shape_measures import equivalent_diameter

SIDE = 256  # of the array that shapes are centred in
SMALLEST = 5.0  # pixels of a diameter that is met within 2 %
_MET = 0.005  # of the diameter: near enough
_FACTORS = sorted(1.0 + np.linspace(-0.12, 0.12, 33), key=lambda factor: abs(factor - 1.0))
_SHIFTS = (0.0, 0.25, 0.5, 0.75)  # of a pixel


def modulate_size(mask: np.ndarray, diameter: float, side: int = SIDE) -> np.ndarray:
    """Scale a shape to a diameter and centre it in an empty array.

    As published: the shape is enlarged twofold by nearest neighbour, its diameter measured as the mean of the axes of
    the ellipse of equal second moments, its bounding box cropped, scaled by the ratio of the diameters, and placed in
    the middle. If rounding to few pixels would miss the diameter, see `scaled_shape`.

    Args:
        mask: bool (rows, columns), 128x128 as the shape generator draws it.
        diameter: pixels.
        side: of the square array returned.

    Raises:
        InputError: the mask is empty, or the scaled shape does not fit.
    """
    shape = scaled_shape(mask.repeat(2, axis=0).repeat(2, axis=1), diameter)
    if max(shape.shape) > side:
        raise InputError(
            f"A nodule of {diameter:g} pixels takes {max(shape.shape)}, which do not fit into {side}; ask for a "
            "smaller diameter."
        )
    canvas = np.zeros((side, side), bool)
    top, left = ((side - size) // 2 for size in shape.shape)
    canvas[top : top + shape.shape[0], left : left + shape.shape[1]] = shape
    return canvas


def scaled_shape(mask: np.ndarray, diameter: float, spacing: Sequence[float] = (1.0, 1.0)) -> np.ndarray:
    """Crop the bounding box of a shape and scale it, by nearest neighbour, to a diameter.

    The scale is the ratio of the diameters. Where the pixels of the result round it away by more than 0.5 %, scales up
    to 12 % off and shifts by quarters of a pixel are tried, and the nearest to the diameter is taken: within 2 % from 5
    pixels on.

    Args:
        mask: bool (rows, columns) with square pixels.
        diameter: in the unit of the spacing.
        spacing: of the pixels of the result, along rows and columns.

    Returns:
        bool, the tight bounding box of the scaled shape.

    Raises:
        InputError: the mask is empty, or the diameter not positive.
    """
    if not mask.any():
        raise InputError("The nodule's shape is empty; give a mask that is nonzero somewhere.")
    if not (np.isfinite(diameter) and diameter > 0):
        raise InputError(f"The diameter is {diameter:g}; it must be a positive number.")
    shape = _cropped(np.asarray(mask, bool))
    factor = diameter / equivalent_diameter(shape)
    best, missed = np.ones((1, 1), bool), np.inf  # a single pixel, where the diameter is smaller than that
    for more, down, right in product(_FACTORS, _SHIFTS, _SHIFTS):
        scaled = _nearest(shape, factor * more, spacing, (down, right))
        if not scaled.any():
            continue
        scaled = _cropped(scaled)
        error = abs(equivalent_diameter(scaled, spacing) / diameter - 1)
        if error < missed:
            best, missed = scaled, error
        if missed <= _MET:
            break
    return best


def _nearest(shape: np.ndarray, factor: float, spacing: Sequence[float], shift: Sequence[float]) -> np.ndarray:
    """The shape sampled at the centres of the result's pixels, which start a fraction of a pixel before it."""
    index = []
    for size, step, part in zip(shape.shape, spacing, shift, strict=True):
        count = int(np.ceil(size * factor / step)) + 1
        index.append(np.floor((np.arange(count) + 0.5 - part) * step / factor).astype(int))
    inside = [(at >= 0) & (at < size) for at, size in zip(index, shape.shape, strict=True)]
    rows, columns = (np.clip(at, 0, size - 1) for at, size in zip(index, shape.shape, strict=True))
    return shape[np.ix_(rows, columns)] & np.outer(*inside)


def _cropped(mask: np.ndarray) -> np.ndarray:
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
