"""Normalise outlines to the grid and size of the shape generator."""

# scipy brings no types
# pyright: basic

from __future__ import annotations

from typing import Any

import numpy as np

from monai_inpaint.imaging.shape_measures import elongation, equivalent_diameter, main_part, solidity

SIDE = 128  # pixels of the array
DIAMETER = 50.0  # pixels: 100 in an array of 256 (Shen et al. 2022, section IV-A)
REACH = 8.0  # pixels from the outline at which the field is 0.76, tanh(1)
_ROUGH = 0.6  # pixels of the scan: the reader's curve runs from pixel to pixel, the nodule's does not


def normalised_field(mask: np.ndarray) -> np.ndarray:
    """Bring an outline to a diameter of 50 pixels in the middle of 128x128, as a field that is 0 on it.

    An outline of 11 pixels, as most nodules have, would keep the steps of its pixels on a finer grid; they are smoothed
    away (Gaussian of 0.6 pixels, at the level that keeps the area).

    Args:
        mask: bool (rows, columns), not empty.

    Returns:
        float32 (128, 128): tanh of the signed distance over 8 pixels, positive inside.
    """
    from scipy.ndimage import gaussian_filter, map_coordinates

    padded = np.pad(main_part(mask), 3).astype(float)
    smooth: Any = gaussian_filter(padded, _ROUGH)
    level = np.sort(smooth.ravel())[::-1][int(padded.sum()) - 1 : int(padded.sum()) + 1].mean()
    factor = DIAMETER / equivalent_diameter(padded > 0.5)
    centre = np.argwhere(smooth > level).mean(axis=0)
    inside = padded > 0.5
    for _ in range(2):  # the second time with the diameter of what has come of it
        grid = [(np.arange(SIDE) - (SIDE - 1) / 2) / factor + middle for middle in centre]
        fine: Any = map_coordinates(smooth, np.meshgrid(*grid, indexing="ij"), order=3, mode="nearest")
        inside = main_part(fine > level)
        factor *= DIAMETER / equivalent_diameter(inside)
    return field_of(inside)


def field_of(mask: np.ndarray) -> np.ndarray:
    """tanh of the signed distance to the outline of a mask over 8 pixels, positive inside; float32."""
    from scipy.ndimage import distance_transform_edt

    within: Any = distance_transform_edt(mask)
    without: Any = distance_transform_edt(~mask)
    return np.tanh(np.where(mask, within - 0.5, 0.5 - without) / REACH).astype(np.float32)


def ks_distance(first: np.ndarray, second: np.ndarray) -> float:
    """The two-sample Kolmogorov-Smirnov distance: the largest gap between the shares below a value."""
    values = np.concatenate([first, second])
    below = [np.searchsorted(np.sort(one), values, side="right") / len(one) for one in (first, second)]
    return float(np.abs(below[0] - below[1]).max())


def roughened(field: np.ndarray, roughness: float) -> np.ndarray:
    """Amplify (positive) or smooth (negative) the fine detail of an outline.

    The generator draws outlines of equal roughness; real ones differ. Details of 1.5 to 6 pixels are scaled by 1 +
    roughness; finer ones, the pattern of the generator's transposed convolutions, are removed.
    """
    from scipy.ndimage import gaussian_filter

    distance = np.arctanh(field.astype(np.float64).clip(-0.999, 0.999))
    smooth: Any = gaussian_filter(distance, 1.5)
    return np.asarray(smooth + roughness * (smooth - gaussian_filter(distance, 6.0)))


def elongated(field: np.ndarray, more: float) -> np.ndarray:
    """Stretch an outline along its major axis, the more the longer it is: log e becomes log e + more (log e)^2.

    The generator draws fewer long outlines than readers do. Round ones stay as they are; the product of the axes is
    kept.

    Args:
        field: positive inside, float.
        more: 0 changes nothing.

    Returns:
        float64 of the field's shape.
    """
    from scipy.ndimage import affine_transform

    inside = np.argwhere(outline_of(field))
    if not len(inside):
        return field
    centre = inside.mean(axis=0)
    moments, axes = np.linalg.eigh(np.cov(inside.T, bias=True) + np.eye(2) / 12)
    stretch = np.exp(more / 2 * np.log(np.sqrt(moments[1] / moments[0])) ** 2)
    turned = axes @ np.diag([stretch, 1 / stretch]) @ axes.T  # from the result to the field
    return affine_transform(field, turned, centre - turned @ centre, order=1, mode="nearest")


def outline_of(field: np.ndarray) -> np.ndarray:
    """The mask of a field: its largest part above 0, without holes; bool."""
    return main_part(field > 0)


def measures(mask: np.ndarray) -> tuple[float, float, float]:
    """Area in pixels at a diameter of 100 pixels, elongation and solidity."""
    area = float(mask.sum()) * (2 * DIAMETER / equivalent_diameter(mask)) ** 2
    return area, elongation(mask), solidity(mask)
