"""Orient and window a slice as readers and networks see it."""

from __future__ import annotations

import numpy as np


def display_axes(affine: np.ndarray | None) -> tuple[bool, bool, bool]:
    """Find how axes 0 and 1 of an array become rows and columns on the screen.

    Radiological convention: rows run to the feet (or, in an axial slice, to the back), columns to the patient's left
    (or, in a sagittal slice, to the back).

    Args:
        affine: (4, 4), array indices to RAS+ mm; None: axes 0 and 1 are rows and columns already.

    Returns:
        (transpose, flip rows, flip columns); the flips apply after the transposition.
    """
    if affine is None:
        return False, False, False
    directions = np.asarray(affine)[:3, :2] / np.linalg.norm(np.asarray(affine)[:3, :2], axis=0)
    # Right-left can only be a column and inferior-superior only a row; anterior-posterior takes what is left. For
    # oblique slices the better of the two assignments decides.
    rowness = np.abs(directions[2]) - np.abs(directions[0])
    transpose = bool(rowness[1] > rowness[0])
    row, column = directions[:, int(transpose)], directions[:, int(not transpose)]
    return transpose, _runs_backwards(row, (0, -1, -1)), _runs_backwards(column, (-1, -1, 0))


def displayed(values: np.ndarray, affine: np.ndarray | None) -> np.ndarray:
    """Return a view of `values` (axes 0 and 1 first) as (rows, columns, ...) on the screen."""
    transpose, flip_rows, flip_columns = display_axes(affine)
    shown = values.swapaxes(0, 1) if transpose else values
    return shown[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]


def _runs_backwards(direction: np.ndarray, shown: tuple[int, int, int]) -> bool:
    """Whether an axis runs against its direction of display, by its main component."""
    main = int(np.argmax(np.abs(direction) * np.abs(shown)))
    return bool(direction[main] * shown[main] < 0)
