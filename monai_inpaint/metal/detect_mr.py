"""Detect signal voids around implants in MR, with the bright rim where their signal piles up."""

# scipy brings no types
# pyright: basic

from __future__ import annotations

from typing import Any

import numpy as np

from monai_inpaint.fill.slice_axis import slice_axis, with_slices_last
from monai_inpaint.imaging.image import Image
from monai_inpaint.metal.detect_ct import Found, MetalPiece
from monai_inpaint.progress import Steps

_VOID = 0.15  # of the tissue's brightness, below which there is no signal: fluid in T1 has more
_PLATE = 1.5  # mm: bone plates and vessels are no thicker than twice of it
_SKIN = 6.0  # mm from the outside: nearer dark parts are creases, ears, air
_RIM = 4.0  # mm around a void
_PILED = 0.09  # of the rim that is brighter than all but 0.5 % of what lies elsewhere: signal piles up beside metal
_ENCLOSED = 0.5  # of the rim that has signal
_SMALLEST = (150.0, 10.0)  # mm3, or mm2 in a single slice


def find_voids(image: Image, progress: Steps | None = None) -> Found:
    """Find signal voids in the body of an MR: "found" with piled-up signal beside them, else "perhaps".

    Air in sinuses, flowing blood and dense bone have no signal either. Metal is distinguished by the signal that it
    displaces: it is missing in the void and piles up at its rim, brighter than any tissue. Voids without such a rim are
    only proposed, as "perhaps", in `Found.perhaps` rather than in `Found.metal`.

    Args:
        image: an MR, 2D or 3D.
        progress: called with the number of voids tested and of all.
    """
    axis = slice_axis(image)
    sliced = with_slices_last(image, axis)
    values = np.nan_to_num(sliced.units(), nan=0.0, posinf=0.0, neginf=0.0)
    spacing = tuple(sliced.spacing or (1.0,) * values.ndim)
    found, perhaps, affected = (np.zeros(values.shape, bool) for _ in range(3))
    pieces: list[MetalPiece] = []
    tissue = _tissue(values)
    body = _body(values, tissue)
    boxes, parts = _voids(values, body, tissue, spacing)
    for done, (box, number) in enumerate(boxes, start=1):
        void = parts[box] == number
        rim = _near(void, spacing, _RIM) & ~void
        piled = rim & (values[box] > _brightest(values, body, box))
        enclosed = np.mean(values[box][rim] > 2 * _VOID * tissue) if rim.any() else 0.0
        size = np.count_nonzero(void) * float(np.prod(spacing))
        if enclosed >= _ENCLOSED and size >= _SMALLEST[values.ndim == 2]:
            certain = bool(np.count_nonzero(piled) >= _PILED * np.count_nonzero(rim))
            (found if certain else perhaps)[box] |= void
            affected[box] |= rim if certain else False
            pieces.append(_piece(values, void, box, size, axis, certain))
        if progress:
            progress(done, len(boxes))
    whole = [np.moveaxis(part, -1, axis) if values.ndim == 3 else part for part in (found, affected & ~found, perhaps)]
    offered = sum(piece.certainty == "perhaps" for piece in pieces)
    warnings = (
        [f"{offered} void{'s' if offered > 1 else ''} may be metal or not; look at --find-only."] if offered else []
    )
    pieces.sort(key=lambda piece: (piece.certainty, -(piece.mm3 or piece.mm2 or 0.0)))
    return Found(whole[0], whole[1], pieces, None, False, warnings, whole[2])


def _tissue(values: np.ndarray) -> float:
    """The brightness of tissue: the median of voxels above the mean of the image."""
    lit = values[values > values.mean()]
    return float(np.median(lit)) if lit.size else 0.0


def _body(values: np.ndarray, tissue: float) -> np.ndarray:
    """The patient with his cavities, bool, slice by slice."""
    from scipy import ndimage

    lit = values > 2 * _VOID * tissue
    body = np.zeros(lit.shape, bool)
    for index in [...] if values.ndim == 2 else [(..., k) for k in range(values.shape[2])]:
        labelled: Any = ndimage.label(lit[index])
        labels = labelled[0]
        areas = np.bincount(labels.ravel())
        areas[0] = 0
        largest = (areas >= max(0.1 * areas.max(), 1))[labels] if areas.any() else np.zeros(labels.shape, bool)
        body[index] = ndimage.binary_fill_holes(largest)
    return body


def _voids(
    values: np.ndarray, body: np.ndarray, tissue: float, spacing: tuple[float, ...]
) -> tuple[list[tuple[tuple[slice, ...], int]], np.ndarray]:
    """The parts of the body without signal that are thicker than plates and deeper than the skin, numbered.

    Returns:
        for each a box with room for its rim and its number, and the numbers in an array of the values' shape.
    """
    from scipy import ndimage

    dark = (values < _VOID * tissue) & (_distance(body, spacing) > _SKIN)
    thick = _distance(dark, spacing) > _PLATE
    whole = dark & _near(thick, spacing, _PLATE + max(spacing[:2]))
    labelled: Any = ndimage.label(whole, structure=np.ones((3,) * values.ndim, bool))
    labels = labelled[0]
    margin = [int(np.ceil(_RIM / mm)) + 1 for mm in spacing]
    boxes = []
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        wide = (slice(max(side.start - more, 0), side.stop + more) for side, more in zip(box, margin, strict=True))
        boxes.append((tuple(wide), number))
    return boxes, labels


def _brightest(values: np.ndarray, body: np.ndarray, box: tuple[slice, ...]) -> float:
    """Value that 0.5 % of the body exceed in the slices of a box, without the box itself."""
    slices = box[2] if values.ndim == 3 else slice(None)
    elsewhere = body[..., slices].copy()
    elsewhere[box[:2]] = False
    lit = values[..., slices][elsewhere]
    return float(np.percentile(lit, 99.5)) if lit.size else np.inf


def _piece(
    values: np.ndarray, void: np.ndarray, box: tuple[slice, ...], size: float, axis: int, certain: bool
) -> MetalPiece:
    places = np.argwhere(void) + [side.start for side in box]
    centre = [float(place) for place in places.mean(axis=0)]
    if values.ndim == 3:
        centre.insert(axis, centre.pop())
    return MetalPiece(
        size if values.ndim == 3 else None,
        None if values.ndim == 3 else size,
        float(values[box][void].max()),
        (int(places[:, 2].min()), int(places[:, 2].max())) if values.ndim == 3 else (0, 0),
        tuple(centre),
        "found" if certain else "perhaps",
    )


def _near(marked: np.ndarray, spacing: tuple[float, ...], reach: float) -> np.ndarray:
    return _distance(~marked, spacing) <= reach if marked.any() else marked


def _distance(marked: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    from scipy import ndimage

    result: Any = ndimage.distance_transform_edt(marked, sampling=spacing)
    return result
