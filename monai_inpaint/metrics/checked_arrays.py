"""Check the arrays of a measure: one shape, and a hole that is not empty."""

from __future__ import annotations

import numpy as np


def checked(truth: np.ndarray, filled: np.ndarray, hole: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the three arrays as float64, float64 and bool.

    Raises:
        ValueError: shapes differ, or the hole is empty.
    """
    if not truth.shape == filled.shape == hole.shape:
        raise ValueError(f"truth {truth.shape}, filled {filled.shape} and hole {hole.shape} must have one shape")
    hole = hole.astype(bool)
    if not hole.any():
        raise ValueError("the hole is empty: there is nothing to measure")
    return truth.astype(np.float64), filled.astype(np.float64), hole
