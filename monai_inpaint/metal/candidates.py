"""Connected bright regions of a CT, classified as metal or not."""

# scipy brings no types
# pyright: basic

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from monai_inpaint.imaging.axial import Axial
from monai_inpaint.imaging.hounsfield import Scale

SEED = 2500.0  # HU: cortical bone ends at about 2000; enamel and undiluted contrast agent go on, so these are tested
_END = 3071.0  # HU at which 12 bits end
_NEARLY, _BRIGHT = 0.94, 0.6  # of the end: full brightness, and what belongs to a bright region
_DENSE = 1000.0  # HU from which contrast agent or bone may surround a piece
EXTENDED = 4000.0  # HU above which a scale does not end where 12 bits do
_SURE = 6000.0  # HU that nothing but metal reaches
_GROWN = (2000.0, 3000.0)  # HU between which the edge of metal is taken, half way up from what surrounds it
_NEAR_SEED = 2.0  # mm, and 1.5 voxels at least, that metal grows around its seeds
_STEEP = 0.4  # of a piece's maximum, to which at least half of its rim falls within a voxel or a millimetre
_POOL = 0.35  # share of a bright region's interior that is not at full brightness, from which it is a pool
_FULL = 0.8  # share that is, from which it is metal even where dense tissue surrounds it
_FEW = 10  # voxels of an interior below which it says nothing
_REACH = 10.0  # mm around a piece that its surroundings are looked at

Box = tuple[slice, slice, slice]


def bright_pieces(axial: Axial, threshold: float) -> list[np.ndarray]:
    """Group the voxels at or above a threshold that touch by faces, edges or corners.

    Args:
        axial: the CT's slices.
        threshold: HU.

    Returns:
        (voxels, 3) indices of (axis, axis, slice) for each, the largest first.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import KDTree

    found = [_at_least(axial, number, threshold) for number in range(axial.count)]
    places = np.concatenate(found) if found else np.zeros((0, 3), int)
    if not len(places):
        return []
    # Bright voxels are few: as points they cost what they are, as labels of a volume what the volume is.
    pairs = KDTree(places).query_pairs(1.0, p=np.inf, output_type="ndarray")
    links = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(len(places),) * 2)
    count, labels = connected_components(links, directed=False)
    order = np.argsort(labels, kind="stable")
    parts = np.split(places[order], np.cumsum(np.bincount(labels, minlength=count))[:-1])
    return sorted(parts, key=len, reverse=True)


def _at_least(axial: Axial, number: int, threshold: float) -> np.ndarray:
    stored = axial.image.voxels[axial.index(number)]
    ends = np.array([np.fmin.reduce(stored, axis=None), np.fmax.reduce(stored, axis=None)], stored.dtype)
    scale = [np.broadcast_to(value, axial.image.voxels.shape)[axial.index(number)].flat[0] for value in
             (axial.image.slope, axial.image.intercept)]  # fmt: skip
    if (ends.astype(np.float64) * scale[0] + scale[1]).max() < threshold:
        return np.zeros((0, 3), int)
    plane = np.argwhere(axial.image.units(axial.index(number)) >= threshold)
    return np.column_stack([plane, np.full(len(plane), number)])


def is_metal(axial: Axial, piece: np.ndarray, scale: Scale) -> bool:
    """Return whether a bright piece is metal rather than contrast agent, enamel or dense bone.

    Metal is far brighter than the end of the scale: it has full brightness inside and its edge is as sharp as the
    scanner's blur allows. Contrast agent mixes with blood, and enamel changes gradually into dentine: their brightest
    part is surrounded by a region that is bright, but less so.

    Args:
        piece: of `bright_pieces`.
        scale: where the image's values end.
    """
    _, seeds, units = _surroundings(axial, piece, _REACH)
    spacing = axial.spacing
    blur = max(1.0, 1.5 * min(spacing))
    away = _distance(~seeds, spacing)
    rim = (away > 0) & (away <= blur)
    peak = float(units[seeds].max())
    if peak >= _SURE:
        return True
    steep = not rim.any() or bool(np.median(units[rim]) <= _STEEP * peak)
    near = away <= _REACH
    end = min(scale.highest, _END) if scale.saturated else _END
    full = EXTENDED if scale.highest >= EXTENDED else _NEARLY * end
    core = _interior(units >= _BRIGHT * end, spacing, blur) & (away <= 2 * blur)
    if np.count_nonzero(core) >= _FEW and np.mean(units[core] >= full) >= _FULL:
        return True
    if not steep:
        return False
    bright = _interior(_joined(units >= _DENSE, seeds), spacing, blur) & near
    return bool(np.count_nonzero(bright) < _FEW or np.mean(units[bright] < full) < _POOL)


def grown_piece(axial: Axial, piece: np.ndarray) -> tuple[Box, np.ndarray]:
    """Return a piece of metal with its edge: where it rises half way from its surroundings, next to its seeds.

    Returns:
        A box of (axis, axis, slice), and the metal in it, bool.
    """
    near = max(_NEAR_SEED, 1.5 * min(axial.spacing))
    box, seeds, units = _surroundings(axial, piece, 2 * near)
    away = _distance(~seeds, axial.spacing)
    around = (away > near) & (away <= 2 * near)
    level = float(np.median(units[around])) if around.any() else 0.0
    edge = float(np.clip((np.median(units[seeds]) + max(level, 0.0)) / 2, *_GROWN))
    return box, _joined((units >= edge) & (away <= near), seeds)


def _surroundings(axial: Axial, piece: np.ndarray, margin: float) -> tuple[Box, np.ndarray, np.ndarray]:
    """The box around a piece, the piece in it, and the box's values; NaN there counts as dark."""
    shape = axial.stored().shape
    extra = [int(np.ceil(margin / mm)) for mm in axial.spacing]
    low, high = piece.min(axis=0), piece.max(axis=0)
    box = tuple(_slices(low, high, extra, shape))
    seeds = np.zeros([part.stop - part.start for part in box], bool)
    seeds[tuple((piece - [part.start for part in box]).T)] = True
    return (box[0], box[1], box[2]), seeds, np.nan_to_num(axial.units(box), nan=-1000.0)


def _slices(low: np.ndarray, high: np.ndarray, extra: list[int], shape: tuple[int, ...]) -> Iterator[slice]:
    for first, last, more, size in zip(low, high, extra, shape, strict=True):
        yield slice(max(int(first) - more, 0), min(int(last) + more + 1, size))


def _interior(marked: np.ndarray, spacing: tuple[float, float, float], depth: float) -> np.ndarray:
    """The part deeper than `depth` mm inside; the border of the box is not an edge."""
    wide = np.pad(marked, 1, mode="edge")
    return _distance(wide, spacing)[1:-1, 1:-1, 1:-1] > 1.01 * depth


def _joined(marked: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Select the parts of `marked` that are connected to a seed."""
    from scipy import ndimage

    labelled: Any = ndimage.label(marked, structure=np.ones((3, 3, 3), bool))
    labels = labelled[0]
    wanted = np.unique(labels[seeds])
    return np.isin(labels, wanted[wanted > 0])


def _distance(marked: np.ndarray, spacing: tuple[float, float, float]) -> np.ndarray:
    """mm of each marked voxel to the nearest that is not; across a single slice nothing is near."""
    from scipy import ndimage

    if marked.all():
        return np.full(marked.shape, np.inf)
    steps = [mm if np.isfinite(mm) else 1e6 for mm in spacing]
    result: Any = ndimage.distance_transform_edt(marked, sampling=steps)
    return result
