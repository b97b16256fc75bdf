"""PNG pictures of slices: grey in a window, with the hole outlined or covered, and signed differences in colour."""

from __future__ import annotations

import io

import numpy as np

OUTLINE = (255, 176, 0)  # amber: not a grey value, and distinct from red and blue for the colour-blind
NEGATIVE, NEUTRAL, POSITIVE = (33, 102, 172), (247, 247, 247), (178, 24, 43)
STEPS = np.array([-1.0, 0.0, 1.0])


def grey_png(
    pixels: np.ndarray,
    low: float,
    high: float,
    *,
    outline: np.ndarray | None = None,
    cover: np.ndarray | None = None,
) -> bytes:
    """Return a slice as a PNG picture.

    Args:
        pixels: (rows, columns) numbers; NaN is black.
        low, high: the window: `low` and below is black, `high` and above white.
        outline: (rows, columns) bool; the known pixels next to this region are coloured, its own stay visible.
        cover: (rows, columns) bool; this region is covered with colour.

    Returns:
        The bytes of an 8-bit PNG file, grey or RGB.
    """
    grey = _grey(pixels, low, high)
    if outline is None and cover is None:
        return _png(grey)
    rgb = np.repeat(grey[..., None], 3, axis=2)
    if cover is not None:
        rgb[cover] = OUTLINE
    if outline is not None:
        rgb[outline_of(outline)] = OUTLINE
    return _png(rgb)


def difference_png(difference: np.ndarray, limit: float, *, outline: np.ndarray | None = None) -> bytes:
    """Draw a signed difference as an RGB PNG picture: blue is negative, near-white zero, red positive.

    Args:
        difference: (rows, columns) numbers; NaN is shown as zero.
        limit: the difference at which the colours end.
        outline: (rows, columns) bool; the pixels around this region are coloured grey.
    """
    if limit <= 0:
        raise ValueError(f"limit must be positive, not {limit}")
    share = np.clip(np.nan_to_num(difference.astype(np.float64)) / limit, -1, 1)
    ends = np.array([NEGATIVE, NEUTRAL, POSITIVE], float)
    rgb = np.stack([np.interp(share, STEPS, ends[:, channel]) for channel in range(3)], axis=-1)
    if outline is not None:
        rgb[outline_of(outline)] = 160
    return _png(np.rint(rgb).astype(np.uint8))


def outline_of(hole: np.ndarray) -> np.ndarray:
    """Return the pixels outside a region that touch it, diagonally too: bool array."""
    padded = np.pad(hole.astype(bool), 1)
    rows, columns = hole.shape
    shifts = [padded[i : i + rows, j : j + columns] for i in range(3) for j in range(3)]
    return np.logical_or.reduce(shifts) & ~hole.astype(bool)


def _grey(pixels: np.ndarray, low: float, high: float) -> np.ndarray:
    if high <= low:
        raise ValueError(f"the window must have high above low, not {low} to {high}")
    scaled = (np.nan_to_num(pixels.astype(np.float64), nan=low) - low) * (255 / (high - low))
    return np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)


def _png(pixels: np.ndarray) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(stream, "PNG")
    return stream.getvalue()
