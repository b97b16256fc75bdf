"""Bring a hole onto the grid of its image: as it is, reoriented, or resampled (nearest)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.bounding_box import Box, extent
from monai_inpaint.imaging.image import Image
from monai_inpaint.imaging.label_map import Hole, hole_of
from monai_inpaint.imaging.resample import kept, resampled

SAME, REORIENTED, PIXELS, RESAMPLED = "same grid", "reoriented", "by pixel position", "resampled (nearest)"
_SAME = 1e-2  # voxels a corner may lie off; below this the nearest voxel is the same one anyway
_LOST = 0.1  # share of a hole that may lie outside of its image
_FORMS_DISAGREE = "The {} states two positions: its sform and qform, as programs read them, disagree."
_NO_PLACE = "The {} does not say where it lies, so that the hole was taken voxel for voxel."


@dataclass(frozen=True, eq=False)
class Aligned:
    """A hole on the grid of its image.

    Attributes:
        voxels: bool, of the image's shape; True = fill.
        grid: how it came there: "same grid", "reoriented", "by pixel position" (one of both is a picture, or its
            orientation is assumed) or "resampled (nearest)"; with "by its qform" or "by the hole's qform" where it was
            not by the first form of both.
        hole: as it was read.
        kept: share of the drawn volume that is here.
        notes: sentences for the report.
    """

    voxels: np.ndarray
    grid: str
    hole: Hole
    kept: float
    notes: tuple[str, ...]

    def facts(self) -> dict[str, Any]:
        """For reports."""
        facts = {"grid": self.grid, "kept": round(self.kept, 4), "threshold": self.hole.threshold}
        return {**facts, "notes": list(self.notes)}


@dataclass(frozen=True)
class _Forms:
    """One pair of geometries of hole and image."""

    hole: np.ndarray
    image: np.ndarray
    words: str


def align_hole(hole: Hole | Image, image: Image) -> Aligned:
    """Bring a hole onto the image's grid: voxel for voxel where any valid form of both allows it, else resampled.

    Args:
        hole: the result of `label_map.hole_of` or `regions.read_hole`; `hole_of` is applied to an Image.
        image: the image to fill, 2D (rows, columns) or 3D (i, j, k).

    Raises:
        InputError: see `hole_of`; another shape and no common geometry, grids that do not overlap, a hole of which more
            than a tenth is lost, or geometries of a file that put a hole on another grid at different places.
    """
    hole = hole if isinstance(hole, Hole) else hole_of(hole)
    voxels, grid, share = _aligned(hole.image, image)
    share *= hole.kept
    if share < 1 - _LOST:
        raise InputError(
            f"{_name(hole.image, 'The hole')} loses {1 - share:.0%} of its volume on {_name(image, 'the image')}: it "
            "lies outside of the image or between its voxels; draw the hole on this image."
        )
    both = (("image", image), ("hole", hole.image))
    notes = [_FORMS_DISAGREE.format(what) for what, one in both if one.other_affine is not None]
    if grid == PIXELS and voxels.ndim == 3:
        notes += [_NO_PLACE.format(what) for what, one in both if not one.placed]
    return Aligned(voxels, grid, hole, share, (*hole.notes, *notes))


def _aligned(drawn: Image, image: Image) -> tuple[np.ndarray, str, float]:
    """The hole on the image's grid, how it came there, and the share that did."""
    marked, shape = drawn.voxels, image.voxels.shape
    if drawn.affine is None or image.affine is None:
        pixels = _by_pixels(marked, shape)
        if pixels is None:
            raise InputError(
                f"{_name(drawn, 'the hole')} does not fit {_name(image, 'the image')}: {describe(drawn)} against "
                f"{describe(image)}; without geometry in both, their shapes must agree."
            )
        return pixels, SAME if marked.ndim == len(shape) else PIXELS, 1.0
    full, solid = _solid(marked), _solid(image.voxels).shape
    forms = list(_forms(drawn, image))
    for form in forms:
        if marked.shape == shape and _corners_agree(form.hole, form.image, solid):
            return marked, SAME + form.words, 1.0
    # Where an orientation is assumed, other programs assume another one: they agree on pixels only.
    assumed = not (drawn.placed and image.placed)
    if assumed and marked.shape == shape:
        return marked, PIXELS, 1.0
    turned = [(form, _reorient(full, form.hole, form.image, solid)) for form in forms]
    readings = [(form, result) for form, result in turned if result is not None]
    if readings:
        form, result = _one_reading(readings, drawn, image)
        return result.reshape(shape), REORIENTED + form.words, 1.0
    pixels = _by_pixels(marked, shape) if assumed else None
    if pixels is not None:
        return pixels, PIXELS, 1.0
    if assumed and len(shape) == 3:
        raise InputError(
            f"{_name(drawn, 'the hole')} does not fit {_name(image, 'the image')}: {describe(drawn)} against "
            f"{describe(image)}; one of them states no position, so their shapes must agree."
        )
    if full.shape[2] == solid[2] == 1 and abs(_unit(drawn.affine)[:, 2] @ _unit(image.affine)[:, 2]) < 0.5:
        raise InputError(
            f"{_name(drawn, 'the hole')} lies in a plane across {_name(image, 'the image')}; draw it on this image."
        )
    return _of_another_grid(drawn, image, forms)


def _of_another_grid(drawn: Image, image: Image, forms: list[_Forms]) -> tuple[np.ndarray, str, float]:
    """The hole resampled by the forms that belong together."""
    full, shape = _solid(drawn.voxels), _solid(image.voxels).shape
    forms = [form for form in forms if _whole_voxels(form, full.shape)] or forms
    results = [(form, resampled(full, form.hole, form.image, shape)) for form in forms]
    overlapping = [(form, result) for form, result in results if result is not None]
    marking = [(form, result) for form, result in overlapping if result.any() or not full.any()]
    if not marking:
        what = "marks no voxel of" if overlapping else "does not overlap"
        raise InputError(
            f"{_name(drawn, 'the hole')} {what} {_name(image, 'the image')}: {describe(drawn)} against "
            f"{describe(image)}; draw the hole on this image."
        )
    form, result = _one_reading(marking, drawn, image)
    share = kept(full, form.hole, form.image, result) if full.any() else 1.0
    return result.reshape(image.voxels.shape), RESAMPLED + form.words, share


def _one_reading(readings: list[tuple[_Forms, np.ndarray]], drawn: Image, image: Image) -> tuple[_Forms, np.ndarray]:
    """The first reading, if the others put the hole at the same place.

    Raises:
        InputError: they do not, and it is unknown which one the hole was drawn by.
    """
    form, result = readings[0]
    size = np.count_nonzero(result)
    for _, other in readings[1:]:
        if np.count_nonzero(result & other) < (1 - _LOST) * max(size, np.count_nonzero(other)):
            raise InputError(
                f"{_name(drawn, 'The hole')} lies at two places of {_name(image, 'the image')}, as sform and qform "
                f"disagree: {describe(drawn)} against {describe(image)}; draw the hole on the grid of this image."
            )
    return form, result


def _forms(drawn: Image, image: Image) -> Iterator[_Forms]:
    """All pairs of geometries of both files; the preferred geometries come first."""
    named = {(0, 0): "", (0, 1): " by its qform", (1, 0): " by the hole's qform", (1, 1): " by both qforms"}
    for (m, n), words in named.items():
        hole, own = (drawn.affine, drawn.other_affine)[m], (image.affine, image.other_affine)[n]
        if hole is not None and own is not None:
            yield _Forms(hole, own, words)


def check_hole(hole: np.ndarray, name: str) -> Box:
    """Refuse a hole that is empty or leaves nothing known.

    Args:
        hole: bool, on the image's grid.
        name: the file or argument to name.

    Returns:
        The hole's bounding box.
    """
    box = extent(hole)
    if box is None:
        raise InputError(f"{name} is an empty hole: no voxel is marked; mark what is to be filled with 1.")
    if hole[box].size == hole.size and hole.all():
        raise InputError(f"{name} covers the whole image: nothing known is left to fill from; mark a smaller hole.")
    return box


def describe(image: Image) -> str:
    """Shape, spacing, axes and origin in one phrase, for messages."""
    shape = " x ".join(map(str, image.voxels.shape))
    if image.affine is None:
        return f"shape {shape} without geometry"
    spacing = " x ".join(f"{length:.4g}" for length in image.spacing or ())
    places = [_place(affine, image.voxels.ndim) for affine in (image.affine, image.other_affine) if affine is not None]
    return f"shape {shape}, spacing {spacing} mm, {', or by its qform '.join(places)} mm in RAS"


def _place(affine: np.ndarray, ndim: int) -> str:
    axes = ", ".join("(" + " ".join(f"{c:.3g}" for c in axis) + ")" for axis in _unit(affine).T[:ndim])
    return f"axes {axes}, origin ({', '.join(f'{c:.4g}' for c in affine[:3, 3])})"


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
    """The hole with axes swapped and flipped onto the image's grid; None if that does not align them."""
    cosines = _unit(hole_affine).T @ _unit(image_affine)  # rows: axes of the hole, columns: axes of the image
    axes = max(itertools.permutations(range(3)), key=lambda p: sum(abs(cosines[p[a], a]) for a in range(3)))
    if tuple(hole.shape[axis] for axis in axes) != shape:
        return None
    flips = [cosines[axes[a], a] < 0 and shape[a] > 1 for a in range(3)]
    affine = hole_affine[:, [*axes, 3]].copy()
    for a in range(3):
        if flips[a]:
            affine[:, 3] += affine[:, a] * (shape[a] - 1)
            affine[:, a] *= -1
    if not _corners_agree(affine, image_affine, shape):
        return None
    turned = hole.transpose(axes)
    return turned[tuple(slice(None, None, -1) if flip else slice(None) for flip in flips)]


def _whole_voxels(form: _Forms, shape: tuple[int, ...]) -> bool:
    """Whether voxels of the hole's grid, of that shape, fall on voxels of the image's: one is cut out of the other."""
    indices = _corners(shape) @ (np.linalg.inv(form.image) @ form.hole).T
    turn = np.abs(np.linalg.inv(form.image)[:3, :3] @ form.hole[:3, :3])
    whole = np.abs(indices - np.rint(indices)).max() <= _SAME
    return bool(whole and np.abs(np.sort(turn, axis=0) - [[0], [0], [1]]).max() <= _SAME)


def _name(image: Image, otherwise: str) -> str:
    return str(image.path) if image.path else otherwise
