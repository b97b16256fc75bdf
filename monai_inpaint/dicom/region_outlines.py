"""Trace the outlines of a region in a slice, along the edges of its voxels."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from monai_inpaint.errors import InputError

_INSET = 1e-3  # voxels


def outlines_of(region: np.ndarray) -> list[np.ndarray]:
    """Return closed outlines that do not overlap and together enclose the voxels of a region, without cavities.

    RTSTRUCT has no cavities that all programs understand, so a piece with one is cut in two along its edge. Outlines
    are a thousandth of a voxel inside the edges: if corners are rounded to voxels, as some programs do, they fall on
    voxels of the region.

    Args:
        region: bool, 2D.

    Returns:
        corners, (points, 2) in voxels along both axes; (0, 0) is the centre of the first. The last is joined to the
        first.

    Raises:
        InputError: shapely is not installed.
    """
    shapely = load_shapely()
    steps = np.diff(np.pad(region, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    (lines, first), (_, after) = np.nonzero(steps == 1), np.nonzero(steps == -1)
    runs = shapely.box(lines - 0.5, first - 0.5, lines + 0.5, after - 0.5)
    waiting, whole = list(shapely.get_parts(shapely.union_all(runs))), []
    while waiting:
        piece = waiting.pop()
        if not piece.interiors:
            whole.append(piece)
            continue
        cut = piece.interiors[0].bounds[0]
        low, left, high, right = piece.bounds
        for half in (shapely.box(low, left, cut, right), shapely.box(cut, left, high, right)):
            parts = shapely.get_parts(shapely.intersection(piece, half))
            waiting += parts[shapely.area(parts) > 0].tolist()
    inset = shapely.get_parts(shapely.buffer(whole, -_INSET, join_style="mitre"))
    return [np.asarray(piece.exterior.coords)[:-1] for piece in shapely.simplify(inset, 0)]


def load_shapely() -> Any:
    """Load shapely, imported when first needed.

    Raises:
        InputError: it is not installed.
    """
    try:
        return importlib.import_module("shapely")
    except ImportError as error:
        raise InputError(
            "DICOM results need the package shapely; install it with: pip install 'monai-inpaint[dicom]'."
        ) from error
