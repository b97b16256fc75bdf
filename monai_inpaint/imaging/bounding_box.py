"""Bounding box of a hole, in one pass over memory."""

from __future__ import annotations

import numpy as np

Box = tuple[slice, ...]


def extent(marked: np.ndarray) -> Box | None:
    """Find the bounding box of the nonzero elements; None where there are none.

    Args:
        marked: numbers or truth values, of any number of axes and any memory order.
    """
    # Along the axis that lies closest in memory numpy reads without jumps, and what is left is small.
    fastest = int(np.argmin(np.abs(marked.strides)))
    lines = np.asarray(marked.any(axis=fastest))
    box: list[slice] = []
    for axis in range(lines.ndim):
        ends = np.flatnonzero(lines.any(axis=tuple(a for a in range(lines.ndim) if a != axis)))
        if not ends.size:
            return None
        box.append(slice(int(ends[0]), int(ends[-1]) + 1))
    box.insert(fastest, slice(None))
    part = marked[tuple(box)]
    ends = np.flatnonzero(part.any(axis=tuple(a for a in range(part.ndim) if a != fastest)))
    if not ends.size:
        return None
    box[fastest] = slice(int(ends[0]), int(ends[-1]) + 1)
    return tuple(box)


def around(marked: np.ndarray, margin: int) -> Box:
    """Find the bounding box of the nonzero elements, at least one, and widen it by `margin` on each side.

    Clipped to the array.
    """
    box = extent(marked)
    assert box is not None
    pairs = zip(box, marked.shape, strict=True)
    return tuple(slice(max(part.start - margin, 0), min(part.stop + margin, size)) for part, size in pairs)
