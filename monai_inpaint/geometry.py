"""Bring a hole onto the grid of its image: as it is, reoriented, or resampled (nearest)."""

from __future__ import annotations

import itertools

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.extent import Box, extent, truth
from monai_inpaint.images import Image

_SAME = 1e-2  # voxels a corner may lie off; below this the nearest voxel is the same one anyway
_HALF = 0.5 + 1e-6


def align_hole(hole: Image, image: Image) -> tuple[np.ndarray, str]:
    """The hole as truth values on the image's grid.

    Args:
        hole: nonzero (in units) = fill; in a picture that shows low values bright, everything not black.
        image: the image to fill, 2D (rows, columns) or 3D (i, j, k).

    Returns:
        boolean array of the image's shape, and how it came there: "same grid", "reoriented", "by pixel position" (one
        of them is a picture, or a film whose orientation is assumed) or "resampled (nearest)".

    Raises:
        InputError: NaN in the hole or noise of compression, other shape and no common geometry, or grids that do not
            overlap.
    """
    marked = _marked(hole)
    if hole.affine is None or image.affine is None:
        pixels = _by_pixels(marked, image.voxels.shape)
        if pixels is None:
            raise InputError(
                f"{_name(hole, 'the hole')} does not fit {_name(image, 'the image')}: {describe(hole)} against "
                f"{describe(image)}; without geometry in both, their shapes must agree."
            )
        return pixels, "same grid" if marked.ndim == image.voxels.ndim else "by pixel position"
    full, shape, hole_affine, image_affine = _solid(marked), _solid(image.voxels).shape, hole.affine, image.affine
    if marked.shape == image.voxels.shape and _corners_agree(hole_affine, image_affine, shape):
        return marked, "same grid"
    turned = _reorient(full, hole_affine, image_affine, shape)
    if turned is not None:
        return turned.reshape(image.voxels.shape), "reoriented"
    # A film tells no orientation, and other programs place it elsewhere than we do: they agree on pixels only.
    pixels = None if hole.placed and image.placed else _by_pixels(marked, image.voxels.shape)
    if pixels is not None:
        return pixels, "by pixel position"
    if full.shape[2] == shape[2] == 1 and abs(_unit(hole_affine)[:, 2] @ _unit(image_affine)[:, 2]) < 0.5:
        raise InputError(f"{_name(hole, 'the hole')} lies across {_name(image, 'the image')}; draw it on this image.")
    resampled = _resample(full, hole_affine, image_affine, shape)
    if resampled is None or (marked.any() and not resampled.any()):
        what = "does not overlap" if resampled is None else "marks no voxel of"
        raise InputError(
            f"{_name(hole, 'the hole')} {what} {_name(image, 'the image')}: {describe(hole)} against "
            f"{describe(image)}; draw the hole on this image."
        )
    return resampled.reshape(image.voxels.shape), "resampled (nearest)"


def check_hole(hole: np.ndarray, name: str) -> Box:
    """Refuse a hole that is empty or leaves nothing known.

    Args:
        hole: on the image's grid, nonzero = fill.
        name: the file or argument to name.

    Returns:
        The hole's bounding box.
    """
    box = extent(hole)
    if box is None:
        raise InputError(f"{name} is an empty hole: no voxel is marked; mark what is to be filled with nonzero values.")
    if hole[box].size == hole.size and hole.all():
        raise InputError(f"{name} covers the whole image: nothing known is left to fill from; mark a smaller hole.")
    return box


def describe(image: Image) -> str:
    """Shape, spacing, axes and origin in one phrase, for messages."""
    shape = " x ".join(map(str, image.voxels.shape))
    if image.affine is None:
        return f"shape {shape} without geometry"
    spacing = " x ".join(f"{length:.4g}" for length in image.spacing or ())
    axes = ", ".join(
        "(" + " ".join(f"{c:.3g}" for c in axis) + ")" for axis in _unit(image.affine).T[: image.voxels.ndim]
    )
    origin = ", ".join(f"{c:.4g}" for c in image.affine[:3, 3])
    return f"shape {shape}, spacing {spacing} mm, axes {axes}, origin ({origin}) mm in RAS"


def _marked(hole: Image) -> np.ndarray:
    voxels = hole.voxels
    if hole.lossy:
        raise InputError(
            f"{_name(hole, 'the hole')} is of a lossy format, whose compression noise would be filled as well; "
            "save the hole as .png or another lossless format."
        )
    if voxels.dtype == bool:
        return voxels
    if voxels.dtype.kind == "f" and np.isnan(voxels.min()):
        raise InputError(f"{_name(hole, 'the hole')} holds values that are no numbers (NaN); write zeros there.")
    if hole.inverted and hole.affine is None and voxels.dtype.kind in "iu":
        return voxels != (hole.stored_range[1] if hole.stored_range else np.iinfo(voxels.dtype).max)
    if np.any(hole.intercept):
        return hole.units() != 0
    return truth(voxels, extent(voxels))


def _by_pixels(marked: np.ndarray, shape: tuple[int, ...]) -> np.ndarray | None:
    """Pixel for pixel: a picture is (rows, columns), one slice of a volume (columns, rows, 1); None if none fits."""
    if marked.shape == shape:
        return marked
    if marked.ndim == 3 and len(shape) == 2 and marked.shape == (*shape[::-1], 1):
        return marked[..., 0].T
    if marked.ndim == 2 and len(shape) == 3 and (*marked.shape[::-1], 1) == shape:
        return marked.T[..., None]
    return None


def _solid(voxels: np.ndarray) -> np.ndarray:
    """A 2D array as one slice."""
    return voxels if voxels.ndim == 3 else voxels[..., None]


def _unit(affine: np.ndarray) -> np.ndarray:
    return affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)


def _corners(shape: tuple[int, ...]) -> np.ndarray:
    """Indices of the corner voxels, (8, 4), homogeneous."""
    return np.array([(*corner, 1) for corner in itertools.product(*((0, n - 1) for n in shape))], float)


def _corners_agree(first: np.ndarray, second: np.ndarray, shape: tuple[int, ...]) -> bool:
    """Both affines put the grid's corners at the same places, within a fraction of the smallest voxel edge."""
    off = _corners(shape) @ (first - second).T
    sizes = np.linalg.norm(second[:3, :3], axis=0)
    used = [size for size, n in zip(sizes, shape, strict=True) if n > 1] or [sizes.min()]
    return bool(np.abs(off[:, :3]).max() <= _SAME * min(used))


def _reorient(
    hole: np.ndarray, hole_affine: np.ndarray, image_affine: np.ndarray, shape: tuple[int, ...]
) -> np.ndarray | None:
    """The hole with axes swapped and flipped onto the image's grid; None if that does not bring them together."""
    likeness = _unit(hole_affine).T @ _unit(image_affine)  # rows: axes of the hole, columns: axes of the image
    axes = max(itertools.permutations(range(3)), key=lambda p: sum(abs(likeness[p[a], a]) for a in range(3)))
    if tuple(hole.shape[axis] for axis in axes) != shape:
        return None
    flips = [likeness[axes[a], a] < 0 and shape[a] > 1 for a in range(3)]
    affine = hole_affine[:, [*axes, 3]].copy()
    for a in range(3):
        if flips[a]:
            affine[:, 3] += affine[:, a] * (shape[a] - 1)
            affine[:, a] *= -1
    if not _corners_agree(affine, image_affine, shape):
        return None
    turned = hole.transpose(axes)
    return turned[tuple(slice(None, None, -1) if flip else slice(None) for flip in flips)]


def _resample(
    hole: np.ndarray, hole_affine: np.ndarray, image_affine: np.ndarray, shape: tuple[int, ...]
) -> np.ndarray | None:
    """Nearest hole voxel for every image voxel; None if the grids do not overlap. Cost follows the marked box."""
    to_image = np.linalg.inv(image_affine) @ hole_affine
    if _box(to_image, np.zeros(3), np.array(hole.shape) - 1.0, shape) is None:
        return None
    result = np.zeros(shape, bool, order="F")
    filled = [np.flatnonzero(hole.any(axis=tuple(b for b in range(3) if b != a))) for a in range(3)]
    if not filled[0].size:
        return result
    low, high = np.array([f[0] for f in filled]), np.array([f[-1] for f in filled])
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


def _box(to_image: np.ndarray, low: np.ndarray, high: np.ndarray, shape: tuple[int, ...]) -> tuple[slice, ...] | None:
    """Image indices the voxels low..high of the hole may reach; None if none."""
    ends = itertools.product(*zip(low - _HALF, high + _HALF, strict=True))
    reach = np.array([(*end, 1) for end in ends]) @ to_image.T
    first = np.maximum(np.ceil(reach[:, :3].min(axis=0)), 0).astype(int)
    last = np.minimum(np.floor(reach[:, :3].max(axis=0)), np.array(shape) - 1).astype(int)
    return None if (first > last).any() else tuple(slice(f, n + 1) for f, n in zip(first, last, strict=True))


def _name(image: Image, otherwise: str) -> str:
    return str(image.path) if image.path else otherwise
