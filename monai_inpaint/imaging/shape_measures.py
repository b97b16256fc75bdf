"""Measures of the shape of a 2D mask: axes of the ellipse of equal second moments, elongation, solidity."""

# scipy brings no types
# pyright: basic

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def equivalent_axes(mask: np.ndarray, spacing: Sequence[float] = (1.0, 1.0)) -> tuple[float, float]:
    """The major and the minor axis of the ellipse with the same normalised second central moments.

    A pixel counts as a square: its own moments, a twelfth of its sides squared, are part of the sum.

    Args:
        mask: bool (rows, columns), not empty.
        spacing: length of a pixel along rows and columns.

    Returns:
        Lengths in the unit of the spacing.
    """
    rows, columns = np.nonzero(mask)
    points = np.stack([rows * spacing[0], columns * spacing[1]])
    moments = np.cov(points, bias=True).reshape(2, 2) + np.diag([spacing[0] ** 2, spacing[1] ** 2]) / 12
    smaller, larger = np.linalg.eigvalsh(moments)
    return float(4 * np.sqrt(larger)), float(4 * np.sqrt(smaller))


def equivalent_diameter(mask: np.ndarray, spacing: Sequence[float] = (1.0, 1.0)) -> float:
    """The mean of the axes of the ellipse of equal second moments (Shen et al. 2022, section III-B)."""
    return sum(equivalent_axes(mask, spacing)) / 2


def elongation(mask: np.ndarray) -> float:
    """Major axis over minor axis, 1 or more."""
    major, minor = equivalent_axes(mask)
    return major / minor


def solidity(mask: np.ndarray) -> float:
    """Area over the area of the convex hull of all pixels' corners, 0 to 1."""
    from scipy.spatial import ConvexHull

    filled = np.argwhere(mask)
    # The first and last pixel of each row and of each column hold all corners of the hull.
    ends = np.concatenate([_ends(filled), _ends(filled[:, ::-1])[:, ::-1]])
    corners = (ends[:, None] + np.array([[0, 0], [0, 1], [1, 0], [1, 1]])[None]).reshape(-1, 2)
    hull: Any = ConvexHull(corners)
    return len(filled) / float(hull.volume)  # of a plane's hull the volume is its area


def main_part(mask: np.ndarray) -> np.ndarray:
    """The largest edge-connected component, its holes filled; an empty mask stays empty."""
    from scipy.ndimage import binary_fill_holes, label

    found: Any = label(mask)
    if found[1] > 1:
        mask = found[0] == np.bincount(found[0].ravel())[1:].argmax() + 1
    return np.asarray(binary_fill_holes(mask), bool)


def _ends(points: np.ndarray) -> np.ndarray:
    """Of the points in each line the first and the last."""
    ordered = points[np.lexsort((points[:, 1], points[:, 0]))]
    change = np.flatnonzero(np.diff(ordered[:, 0]))
    return np.concatenate([ordered[np.concatenate([[0], change + 1])], ordered[np.concatenate([change, [-1]])]])
