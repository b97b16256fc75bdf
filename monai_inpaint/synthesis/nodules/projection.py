"""Project a nodule of a CT, known by its outlines, into the shadow that it would cast on a chest film.

After Litjens et al., Simulation of Nodules and Diffuse Infiltrates in Chest Radiographs Using CT Templates, MICCAI
2010.
Grey values of a film follow the logarithm of the intensity behind the patient, which is the integral of the attenuation
along the ray (Beer and Lambert). A nodule that replaces lung adds the integral of the difference. In Hounsfield units
that is a length of water: (HU of the nodule - HU of the lung) / 1000 for each millimetre of the ray. Rays are assumed
parallel, as the focus is 1.8 m away; scatter and the processing of the film are part of its contrast (`grey_per_mm`),
and blur is not modelled.
"""

# scipy brings no types
# pyright: basic

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.lungs import lung_boxes

LUNG = -850.0  # HU, inflated
GROUND_GLASS, SOLID = -550.0, 40.0  # HU of a nodule of density 0 and of density 1
# mm below its outline at which a nodule has half of its density. It lacks as much there as real ones do:
# `python -m benchmarks nodule_rims`.
RIM = 0.4
# Beside the heart a ray meets soft tissue of this length where within a lung it meets air-filled lung: heart and
# great vessels of an adult, measured from front to back.
_SOFT_TISSUE = 110.0  # mm


def hounsfield_of(density: float) -> float:
    """Return the mean Hounsfield units of a nodule: density 0 is ground-glass, 1 solid."""
    return GROUND_GLASS + density * (SOLID - GROUND_GLASS)


def project_nodule(
    stack: np.ndarray,
    spacing: Sequence[float],
    *,
    hounsfield: float,
    pixel: float,
    rim: float = RIM,
    axis: int = 1,
    lung: float = LUNG,
) -> tuple[np.ndarray, np.ndarray]:
    """Project a stack of outlines along parallel rays.

    Between slices the surface is interpolated (by signed distance, Herman et al. 1992), and beyond the first and the
    last one it closes as half an ellipsoid, within half a slice and no higher than the outline's inscribed circle.

    Args:
        stack: bool (slices, rows, columns), slices towards the head, rows from front to back.
        spacing: mm between slices, rows and columns.
        hounsfield: of the nodule, see `hounsfield_of`.
        pixel: mm between the pixels of the film.
        rim: mm, see `RIM`: the density rises evenly from none at the outline to all of it at twice this depth.
        axis: along the rays. 1, from front to back, is the frontal film; 0 and 2 project the nodule from other sides,
            which is equally realistic, as a nodule may have any orientation in the chest. 0 has the finest outlines.
        lung: HU of the tissue that the nodule replaces.

    Returns:
        path: float32 (rows, columns) on the film's grid, mm of water that the nodule adds, 0 outside the mask; its rows
            run towards the feet when axis is 1 or 2.
        mask: bool, the nodule's silhouette, with a margin of at least a pixel.

    Raises:
        InputError: the stack is empty.
    """
    if stack.ndim != 3 or not stack.any():
        raise InputError("The stack of outlines is empty; give bool slices, rows and columns with a nodule in them.")
    distance, steps = _surface(stack, spacing)
    inside = np.clip(distance / min(steps) + 0.5, 0.0, 1.0)
    if rim > 0:
        inside *= np.clip(_depth(distance >= 0, steps) / (2.0 * rim), 0.0, 1.0)
    thickness = inside.sum(axis=axis) * steps[axis]
    nearest = distance.max(axis=axis)
    plane = tuple(step for n, step in enumerate(steps) if n != axis)
    if axis != 0:
        thickness, nearest = thickness[::-1], nearest[::-1]
    thickness, nearest = (_sampled(values, plane, pixel) for values in (thickness, nearest))
    mask = nearest >= 0.0
    water = (hounsfield - lung) / 1000.0
    return np.where(mask, thickness * water, 0.0).astype(np.float32), mask


def grey_per_mm(film: np.ndarray, inverted: bool = False) -> float:
    """Brightness that a film gains with each millimetre of water, from its own contrast.

    The scale is the step from the lungs to the heart: the median of the darker half of both lungs, and the median of
    the brighter half of the region between them, are assumed to differ by 110 mm of soft tissue in place of lung.

    Args:
        film: (rows, columns), frontal, upright, any units.
        inverted: low values are shown bright.

    Raises:
        InputError: the film shows no such contrast.
    """
    upright = -film.astype(np.float32) if inverted else film.astype(np.float32)
    (left, right) = lung_boxes(upright)
    (top, _), (bottom, _) = left
    lungs = np.concatenate([upright[box[0][0] : box[1][0], box[0][1] : box[1][1]].ravel() for box in (left, right)])
    between = upright[top:bottom, left[1][1] : max(right[0][1], left[1][1] + 1)].ravel()
    if not lungs.size or not between.size:
        raise InputError("The film shows no lungs beside a heart; give an upright frontal chest film.")
    contrast = np.percentile(between, 75) - np.percentile(lungs, 25)
    if not contrast > 0:
        raise InputError("The film's lungs are not darker than its heart; give an upright frontal chest film.")
    grey = float(contrast) / (_SOFT_TISSUE * (SOLID - LUNG) / 1000.0)
    return -grey if inverted else grey


def film_contrast(film: np.ndarray) -> float:
    """Grey levels for each mm of water in a film, dense bright; from its range if no heart is visible."""
    try:
        return grey_per_mm(film)
    except InputError:
        low, high = np.percentile(film, (25, 75))
        return float(high - low) / 100.0


def _surface(stack: np.ndarray, spacing: Sequence[float]) -> tuple[np.ndarray, tuple[float, float, float]]:
    """Signed distance to the nodule's outline in mm, positive inside, on finer slices; and mm along each axis."""
    between, rows, columns = (float(length) for length in spacing)
    padded = np.pad(stack, ((0, 0), (1, 1), (1, 1)))
    signed = np.stack([_signed_distance(mask, (rows, columns)) for mask in padded])
    half = between / 2
    last = (len(stack) - 1) * between
    count = len(stack) * max(round(between / min(rows, columns)), 4)
    fine = (last + between) / count
    places = fine * (np.arange(-1, count + 1) + 0.5) - half  # with an empty one at either end
    index = np.clip(places / between, 0, len(stack) - 1)
    low = np.minimum(index.astype(int), max(len(stack) - 2, 0))
    high = np.minimum(low + 1, len(stack) - 1)
    share = (index - low)[:, None, None]
    surface = (1 - share) * signed[low] + share * signed[high]
    outside = np.maximum(-places, places - last).clip(min=0)
    deepest = surface.max(axis=(1, 2)).clip(min=0)
    height = np.minimum(half, deepest).clip(min=1e-6)
    # An ellipsoid's section at a height h of its half height H is scaled by sqrt(1 - (h / H)^2).
    scale = np.sqrt(np.clip(1 - (outside / height) ** 2, 0, 1))
    lost = np.where(outside < height, (1 - scale) * deepest, deepest + outside - height + fine / 2)
    return surface - np.where(outside > 0, lost, 0.0)[:, None, None], (fine, rows, columns)


def _depth(inside: np.ndarray, steps: tuple[float, ...]) -> np.ndarray:
    """Distance in mm from the outside, in all directions: that of `_surface` is within slices."""
    from scipy.ndimage import distance_transform_edt

    depth: Any = distance_transform_edt(inside, sampling=steps)
    return depth - min(steps) / 2


def _signed_distance(mask: np.ndarray, spacing: tuple[float, float]) -> np.ndarray:
    """Distance to the outline, half a pixel from the centres on either side of it; mm, positive inside."""
    from scipy.ndimage import distance_transform_edt

    half = min(spacing) / 2
    if not mask.any():
        return np.full(mask.shape, -half - max(spacing))
    within: Any = distance_transform_edt(mask, sampling=spacing)
    without: Any = distance_transform_edt(~mask, sampling=spacing)
    return np.where(mask, within - half, half - without)


def _sampled(values: np.ndarray, spacing: tuple[float, ...], pixel: float) -> np.ndarray:
    """Values of a plane on pixels of the film, linear between them, antialiased where these are larger."""
    from scipy.ndimage import gaussian_filter, map_coordinates

    sigma = [max((pixel / step) ** 2 - 1, 0) ** 0.5 / 2 for step in spacing]
    smooth: Any = gaussian_filter(values, sigma, mode="nearest") if max(sigma) > 0 else values
    counts = [int(np.ceil((size - 1) * step / pixel)) + 1 for size, step in zip(values.shape, spacing, strict=True)]
    axes = [
        ((size - 1) / 2 + (np.arange(count) - (count - 1) / 2) * pixel / step)
        for size, count, step in zip(values.shape, counts, spacing, strict=True)
    ]
    return np.asarray(map_coordinates(smooth, np.meshgrid(*axes, indexing="ij"), order=1, mode="nearest"))
