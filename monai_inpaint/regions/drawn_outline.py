"""Mark the voxels inside an outline that was drawn on a plane through a volume."""

from __future__ import annotations

import numpy as np

from monai_inpaint.regions.contours import inside_contours


def inside_outline(
    shape: tuple[int, int, int], affine: np.ndarray, outline: np.ndarray, normal: np.ndarray, depth: float = 0.0
) -> tuple[tuple[slice, ...], np.ndarray]:
    """Mark the voxel centres that an outline encloses, in the slice that the plane cuts, or so far to both sides of it.

    Args:
        shape: of the volume (i, j, k).
        affine: (4, 4), its indices to mm.
        outline: (points, 3), corners in mm on the plane; the last is joined to the first.
        normal: (3,) of the plane, of length 1.
        depth: mm across the plane within which voxels are marked; at least one slice is.

    Returns:
        a box of the volume, and bool voxels of that box.
    """
    inverse = np.linalg.inv(affine)
    corners, along = outline @ inverse[:3, :3].T + inverse[:3, 3], inverse[:3, :3] @ normal
    axis = int(np.argmax(np.abs(along)))
    others = [other for other in range(3) if other != axis]
    # how far a voxel reaches across the plane; voxels of an oblique volume lie beside it
    half = max(depth, float(np.abs(affine[:3, :3].T @ normal).sum())) / 2
    reach = half * abs(along[axis])
    first = max(int(np.ceil(corners[:, axis].min() - reach)), 0)
    last = min(int(np.floor(corners[:, axis].max() + reach)), shape[axis] - 1)
    ends = [(0, size) for size in shape]
    ends[axis] = (first, max(last + 1, first))
    box = tuple(slice(*end) for end in ends)
    marked = np.zeros([stop - start for start, stop in ends], bool)
    for number in range(first, last + 1):
        moved = (
            corners + ((number - corners[:, axis]) / along[axis])[:, None] * along
        )  # along the normal, to this slice
        inside = inside_contours([moved[:, others]], (shape[others[0]], shape[others[1]]))
        place = np.zeros((3, *inside.shape))
        place[axis] = number
        place[others] = np.indices(inside.shape)
        across = np.tensordot(normal, np.tensordot(affine[:3, :3], place, 1), 1) + normal @ (affine[:3, 3] - outline[0])
        marked.swapaxes(0, axis)[number - first] = _laid(inside & (across >= -half) & (across < half), axis)
    return box, marked


def _laid(inside: np.ndarray, axis: int) -> np.ndarray:
    """Axes in the order that `swapaxes(0, axis)` leaves behind the first one."""
    return inside.T if axis == 2 else inside
