"""Compute the shadow on a film of a nodule of which only the outline is known.

Its thickness along the ray is that of the surface which Poisson's equation blows up over the outline (Gorelick et al.
2006, Shape Representation and Classification Using the Poisson Equation): a ball over a disc, an ellipsoid over an
ellipse, without creases over any other outline. Attenuation is as in `projection`.
"""

# scipy brings no types
# pyright: basic

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any

import numpy as np

from monai_inpaint.imaging.bounding_box import extent
from monai_inpaint.imaging.resize import enlarged, resized
from monai_inpaint.synthesis.nodules.projection import LUNG, RIM, film_contrast, hounsfield_of

_MOST = 64  # pixels a side that the equation is solved on
_UNEVEN = 0.12  # standard deviation of the density along rays, of its mean
_DEPTH = 0.2  # standard deviation of the logarithm of a nodule's depth over that of its Poisson surface


def cast_shadow(shape: np.ndarray, spacing: Sequence[float], density: float, rng: np.random.Generator) -> np.ndarray:
    """Compute the path through a nodule whose silhouette is an outline.

    At a distance r from the centre of a ball of radius R its density is q / q0, at most 1, with q = 1 - (r / R)^2 and
    q0 that of twice the depth `RIM`. The ray at a height s of the Poisson surface over its largest one meets
    q = s - (z / R)^2, whose integral is written out. Depth over width and the evenness of the density are drawn.

    Args:
        shape: bool (rows, columns), not empty.
        spacing: mm between rows and between columns.
        density: 0 ground-glass to 1 solid.
        rng: the source of chance.

    Returns:
        float32 of that shape: mm of water that the nodule adds, 0 outside.
    """
    height = poisson_height(shape, spacing)
    radius = 2.0 * sqrt(height.max())  # of the ball, or of the ellipsoid along the ray
    soft = 1.0 - max(1.0 - 2.0 * RIM / radius, 0.0) ** 2
    height = height / height.max()
    full = np.sqrt(np.maximum(height - soft, 0.0))  # half of the path at full density, over the radius
    half = np.sqrt(height)
    path = 2.0 * radius * (full + (height * (half - full) - (half**3 - full**3) / 3.0) / soft)
    water = (hounsfield_of(density) - LUNG) / 1000.0
    depth = np.exp(rng.normal(0.0, _DEPTH))
    return (path * water * depth * _unevenness(shape, spacing, radius, rng) * shape).astype(np.float32)


def shadowed(
    units: np.ndarray, mask: np.ndarray, spacing: Sequence[float], density: float, rng: np.random.Generator
) -> np.ndarray:
    """Add the shadow of a nodule to a film, whose own structures and noise stay as they are.

    Args:
        units: float32 (rows, columns), dense bright.
        mask: bool of that shape, the nodule.
        spacing, density, rng: see `cast_shadow`.

    Returns:
        float32 of that shape.
    """
    box = extent(mask)
    result = units.copy()
    if box is not None:
        result[box] += np.float32(film_contrast(units)) * cast_shadow(mask[box], spacing, density, rng)
    return result


def poisson_height(shape: np.ndarray, spacing: Sequence[float]) -> np.ndarray:
    """Solve Poisson's equation with a source of 1 in a shape, 0 outside: (R^2 - r^2) / 4 in a disc; float64, mm^2."""
    step = -(-max(shape.shape) // _MOST)
    if step == 1:
        return _solved(shape, spacing)
    coarse = tuple(-(-size // step) for size in shape.shape)
    padded = np.pad(shape, [(0, step * cells - size) for cells, size in zip(coarse, shape.shape, strict=True)])
    height = _solved(resized(padded, coarse) > 0.5, [step * length for length in spacing])
    fine = enlarged(np.pad(height, 1), tuple(step * (cells + 2) for cells in coarse))[step:, step:]
    return np.where(shape, fine[: shape.shape[0], : shape.shape[1]].astype(float), 0.0)


def _solved(shape: np.ndarray, spacing: Sequence[float]) -> np.ndarray:
    from scipy.sparse import csc_array
    from scipy.sparse.linalg import spsolve

    number = np.full(np.add(shape.shape, 2), -1)
    number[1:-1, 1:-1][shape] = np.arange(np.count_nonzero(shape))
    own = number[number >= 0]
    rows, columns = [own], [own]
    values = [np.full(len(own), 2.0 / spacing[0] ** 2 + 2.0 / spacing[1] ** 2)]
    for axis, length in enumerate(spacing):
        for shift in (-1, 1):
            beside = np.roll(number, shift, axis)[number >= 0]
            known = beside >= 0
            rows.append(own[known])
            columns.append(beside[known])
            values.append(np.full(np.count_nonzero(known), -1.0 / length**2))
    places = (np.concatenate(rows), np.concatenate(columns))
    laplacian = csc_array((np.concatenate(values), places), shape=(len(own), len(own)))
    result = np.zeros(shape.shape)
    solved: Any = spsolve(laplacian, np.ones(len(own)))
    result[shape] = solved
    return result


def _unevenness(shape: np.ndarray, spacing: Sequence[float], radius: float, rng: np.random.Generator) -> np.ndarray:
    """Smooth noise around 1, with blobs of a third of the radius."""
    from scipy.ndimage import gaussian_filter

    sigma = [max(radius / 3.0 / length, 0.5) for length in spacing]
    noise: Any = gaussian_filter(rng.standard_normal(shape.shape), sigma, mode="reflect")
    inside = noise[shape]
    return 1.0 + _UNEVEN * (noise - inside.mean()) / max(inside.std(), 1e-12)
