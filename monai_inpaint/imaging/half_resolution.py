"""Half the resolution and back, so that a flipped array gives the flipped result."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def halved_sums(values: np.ndarray, axes: Sequence[int] | None = None) -> np.ndarray:
    """Sum voxels into those of half the resolution; the sums over the sums of a mask are means.

    Two voxels make one where a length is even; where it is odd, every second voxel stays and takes half of each
    neighbour.

    Args:
        values: float, of any number of dimensions.
        axes: along which the resolution is halved; None: all.
    """
    for axis in range(values.ndim) if axes is None else axes:
        lines = np.moveaxis(values, axis, 0)
        if len(lines) % 2:
            sums = lines[0::2].copy()
            sums[:-1] += 0.5 * lines[1::2]
            sums[1:] += 0.5 * lines[1::2]
        else:
            sums = lines[0::2] + lines[1::2]
        values = np.moveaxis(sums, 0, axis)
    return values


def doubled(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Interpolate linearly what lies where `halved_sums` puts it, to an array of this shape.

    Axes that have their length already are left alone.
    """
    for axis, length in enumerate(shape):
        if values.shape[axis] == length:
            continue
        lines = np.moveaxis(values, axis, 0)
        before, after = np.concatenate((lines[:1], lines[:-1])), np.concatenate((lines[1:], lines[-1:]))
        fine = np.empty((length, *lines.shape[1:]), lines.dtype)
        if length % 2:
            fine[0::2], fine[1::2] = lines, (0.5 * (lines + after))[:-1]
        else:
            fine[0::2], fine[1::2] = 0.75 * lines + 0.25 * before, 0.75 * lines + 0.25 * after
        values = np.moveaxis(fine, 0, axis)
    return values
