"""Resample a hole onto the grid of an image by nearest voxels, and measure how much of it is kept."""

from __future__ import annotations

import itertools

import numpy as np

from monai_inpaint.imaging.bounding_box import Box, extent

_HALF = 0.5 + 1e-6
_POINTS = 1 << 20  # of a hole that are looked at, at most, to tell how much of it was kept


def resampled(
    hole: np.ndarray, hole_affine: np.ndarray, image_affine: np.ndarray, shape: tuple[int, ...]
) -> np.ndarray | None:
    """Nearest hole voxel for every image voxel; None if the grids do not overlap. Cost follows the marked box.

    Args:
        hole: (i, j, k) bool.
        hole_affine, image_affine: (4, 4), indices to mm.
        shape: of the image, three sides.
    """
    to_image = np.linalg.inv(image_affine) @ hole_affine
    if _box(to_image, np.zeros(3), np.array(hole.shape) - 1.0, shape) is None:
        return None
    result = np.zeros(shape, bool, order="F")
    filled = extent(hole)
    if filled is None:
        return result
    low, high = (np.array([getattr(part, end) for part in filled]) for end in ("start", "stop"))
    high = high - 1
    box = _box(to_image, low, high, shape)
    if box is None:
        return result
    to_hole = np.linalg.inv(to_image)
    i, j = np.ogrid[box[0], box[1]]
    for k in range(shape[2])[box[2]]:
        inside: np.ndarray | np.bool_ = np.True_
        index: list[np.ndarray] = []
        for axis in range(3):
            a, b, c, d = to_hole[axis]
            # half a voxel counts as inside on one side only, so that each image voxel has one nearest
            nearest = np.floor(a * i + b * j + (c * k + d + 0.5 + 1e-6)).astype(np.intp)
            inside = inside & (nearest >= low[axis]) & (nearest <= high[axis])
            index.append(np.clip(nearest, low[axis], high[axis]))
        result[box[0], box[1], k] = hole[tuple(index)] & inside
    return result


def kept(hole: np.ndarray, hole_affine: np.ndarray, image_affine: np.ndarray, result: np.ndarray) -> float:
    """Compute the share of a hole's volume that is in the image, at a filled voxel or next to one: 0 to 1.

    For an image of a single slice, parts of the hole in other slices are ignored.

    Args:
        hole: (i, j, k) bool; something is marked.
        hole_affine, image_affine: (4, 4), indices to mm.
        result: what `resampled` made of it.
    """
    to_image = np.linalg.inv(image_affine) @ hole_affine
    sizes = [np.linalg.norm(affine[:3, :3], axis=0).min() for affine in (hole_affine, image_affine)]
    # a voxel larger than the image's may lie half inside: three points along each of its sides
    steps = (-1 / 3, 0.0, 1 / 3) if sizes[0] > 1.01 * sizes[1] or 1 in result.shape else (0.0,)
    offsets = np.array(list(itertools.product(steps, repeat=3)))
    places = np.flatnonzero(hole)
    places = places[:: -(-len(places) * len(offsets) // _POINTS)]
    marked = np.stack(np.unravel_index(places, hole.shape), axis=-1)
    points = (marked[:, None] + offsets).reshape(-1, 3) @ to_image[:3, :3].T + to_image[:3, 3]
    within = (points >= -_HALF) & (points <= np.array(result.shape) - 1 + _HALF)
    asked = within[:, [n == 1 for n in result.shape]].all(axis=1)
    if not asked.any():
        return 1.0
    box = extent(result)
    if box is None:
        return 0.0
    near = np.pad(result[box], 1)
    for axis in range(3):
        near = near | np.roll(near, 1, axis) | np.roll(near, -1, axis)
    index = np.rint(points[asked & within.all(axis=1)]).astype(np.intp) - [part.start - 1 for part in box]
    index = index[((index >= 0) & (index < near.shape)).all(axis=1)]
    return float(np.count_nonzero(near[tuple(index.T)]) / np.count_nonzero(asked))


def _box(to_image: np.ndarray, low: np.ndarray, high: np.ndarray, shape: tuple[int, ...]) -> Box | None:
    """Image indices the voxels low..high of the hole may reach; None if none."""
    ends = itertools.product(*zip(low - _HALF, high + _HALF, strict=True))
    reach = np.array([(*end, 1) for end in ends]) @ to_image.T
    first = np.maximum(np.ceil(reach[:, :3].min(axis=0)), 0).astype(int)
    last = np.minimum(np.floor(reach[:, :3].max(axis=0)), np.array(shape) - 1).astype(int)
    return None if (first > last).any() else tuple(slice(f, n + 1) for f, n in zip(first, last, strict=True))
