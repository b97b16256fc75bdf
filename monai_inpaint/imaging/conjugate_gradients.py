"""Solve symmetric positive definite equations without a matrix, by conjugate gradients."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def conjugate_gradients(
    rows: Callable[[np.ndarray], np.ndarray], right: np.ndarray, precision: float, steps: int
) -> tuple[np.ndarray, bool]:
    """Solve A x = b, from x = 0 (Hestenes and Stiefel, 1952).

    Args:
        rows: computes A x of the shape of x.
        right: b, (unknowns,) float; x has its type.
        precision: of the residual's norm, relative to that of b, at which the iteration ends.
        steps: at most.

    Returns:
        x, and whether the precision was reached.
    """
    total, residual, direction = np.zeros_like(right), right, right
    first = size = _dot(right, right)
    for _ in range(steps):
        if size <= precision**2 * first:
            return total, True
        change = rows(direction)
        length = size / _dot(direction, change)
        total = total + length * direction
        residual = residual - length * change
        before, size = size, _dot(residual, residual)
        direction = residual + (size / before) * direction
    return total, size <= precision**2 * first


def _dot(one: np.ndarray, other: np.ndarray) -> float:
    # Not @: BLAS shares short products among threads, which wait for one another wherever other work runs.
    return float(np.einsum("i,i", one, other))
