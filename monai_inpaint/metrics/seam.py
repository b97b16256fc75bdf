"""Seam: how much steeper an image is across the border of a hole than beside it."""

from __future__ import annotations

import numpy as np

from monai_inpaint.errors import InputError


def seam(image: np.ndarray, hole: np.ndarray, reach: int = 3) -> float:
    """Mean absolute step across the border of the hole, divided by that of the pairs of voxels beside the border.

    A pair is two neighbours along an axis. Pairs with one voxel in the hole are the border; those beside it lie on the
    same line, up to `reach` steps away on either side, without crossing it. 1: no seam. Above 1: an edge can be seen.
    Below 1: the border is smoother than what is beside it.

    Args:
        image: numbers of any shape and unit, finite along the border.
        hole: bool of that shape, True = filled.
        reach: steps, 1 or more.

    Returns:
        The ratio; 1 where both are 0, infinite where only those beside it are.

    Raises:
        InputError: shapes differ, or no pair crosses the border.
    """
    if image.shape != hole.shape:
        raise InputError(f"The image has shape {image.shape}, the hole {hole.shape}; they must be equal.")
    values, inside = image.astype(np.float64), np.asarray(hole, bool)
    across: list[np.ndarray] = []
    beside: list[np.ndarray] = []
    for axis in range(image.ndim):
        steps = np.moveaxis(np.abs(np.diff(values, axis=axis)), axis, 0)
        border = np.moveaxis(np.diff(inside, axis=axis), axis, 0)
        near = np.zeros_like(border)
        for by in range(1, min(reach, len(border) - 1) + 1):
            near[by:] |= border[:-by]
            near[:-by] |= border[by:]
        across.append(steps[border])
        beside.append(steps[near & ~border])
    if not sum(map(len, across)):
        raise InputError("The hole has no border in the image; give one that leaves a part of it.")
    edge = float(np.concatenate(across).mean())
    flat = np.concatenate(beside)
    usual = float(flat.mean()) if flat.size else 0.0
    if usual == 0:
        return 1.0 if edge == 0 else float("inf")
    return edge / usual
