"""Run the texture generator on the window around a nodule."""

# scipy brings no types
# pyright: basic

from __future__ import annotations

from typing import Any

import numpy as np

from monai_inpaint.engines.base import Engine
from monai_inpaint.imaging.resize import enlarged, resized

SIDE = 128  # of the windows that the generator was trained on
MOST = 64  # pixels that a nodule may take of them
_FINE = 1.0  # pixels: the standard deviation of the Gaussian that grain is measured against
_LARGEST = 4.0  # times the standard deviation of the grain: more is the edge of a vessel
_MAD = 1.4826  # standard deviations of a normal distribution in its median absolute deviation


def textured(
    units: np.ndarray, mask: np.ndarray, density: float, generator: Engine, *, seen: bool = True
) -> np.ndarray:
    """Give a nodule its texture.

    A nodule of up to 64 pixels is computed in the image's own resolution, in a window of 128. A larger one is computed
    on pixels that are averages over so many of the image that it fits; the change that the generator makes there is
    then enlarged, and added to the image, whose own fine grain stays.

    The generator has no noise as an input and draws the likeliest nodule, which is smooth. The noise of a scanner does
    not depend on whether it sees lung or nodule, so the image's own is put back (`grain`).

    Args:
        units: float32 (rows, columns), dense bright.
        mask: bool of that shape, the nodule.
        density: 0 ground-glass to 1 solid.
        generator: its input is the image with the nodule zeroed, nodule and density (B, 3, 128, 128).
        seen: whether the image shows what was in the nodule's place; without it there is no grain to put back.

    Returns:
        float32 of the same shape; meaningful inside the nodule.
    """
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    spans = [(int(at[0]), int(at[-1]) + 1) for at in (rows, columns)]
    factor = -(-max(stop - start for start, stop in spans) // MOST)
    side = SIDE * factor
    starts = [_start(start, stop, side, size) for (start, stop), size in zip(spans, units.shape, strict=True)]
    window, inside = (_window(values, starts, side) for values in (units, mask))
    small = resized(window, (SIDE, SIDE))
    coarse = resized(inside.astype(np.float32), (SIDE, SIDE)) > 0.5 if factor > 1 else inside
    nodule = coarse.astype(np.float32)
    given = np.stack([np.where(coarse, np.float32(0), small), nodule, nodule * np.float32(density)])
    drawn = generator.run(given[None])[0, 0]
    if factor > 1:
        change = np.where(coarse, drawn - small, np.float32(0))
        drawn = window + enlarged(change, (side, side))
    elif seen:
        drawn = drawn + grain(window, inside)
    result = units.copy()
    _put(result, drawn, starts)
    return result


def grain(image: np.ndarray, region: np.ndarray) -> np.ndarray:
    """The noise of an image in a region: what a Gaussian of one pixel takes away.

    Where the edge of a vessel is near, more than 4 robust standard deviations, the noise is that of the opposite place
    of the image; 0 where one is near there as well.

    Args:
        image: float32 (rows, columns).
        region: bool of that shape, not empty.

    Returns:
        float32 of that shape, 0 outside the region.
    """
    from scipy.ndimage import binary_dilation, gaussian_filter

    smooth: Any = gaussian_filter(image, _FINE)
    fine = image - smooth
    edges = np.abs(fine) > _LARGEST * _MAD * np.median(np.abs(fine[region]))
    edges = np.asarray(binary_dilation(edges, iterations=2))
    opposite = np.where(edges, np.float32(0), fine)[::-1, ::-1]
    return np.where(region, np.where(edges, opposite, fine), np.float32(0)).astype(np.float32)


def _start(start: int, stop: int, side: int, size: int) -> int:
    """First pixel of a window around a span: within the image where that is large enough, else centred on it."""
    centred = (start + stop) // 2 - side // 2
    return min(max(centred, 0), size - side) if size >= side else (size - side) // 2


def _window(values: np.ndarray, starts: list[int], side: int) -> np.ndarray:
    """The part of the image in a window, its edge repeated where the image ends."""
    index = [
        np.clip(np.arange(start, start + side), 0, size - 1) for start, size in zip(starts, values.shape, strict=True)
    ]
    window = values[np.ix_(*index)]
    return np.nan_to_num(window) if window.dtype.kind == "f" else window & _inside(values.shape, starts, side)


def _inside(shape: tuple[int, ...], starts: list[int], side: int) -> np.ndarray:
    """Which pixels of a window are in the image."""
    rows, columns = (
        (np.arange(start, start + side) >= 0) & (np.arange(start, start + side) < size)
        for start, size in zip(starts, shape, strict=True)
    )
    return np.outer(rows, columns)


def _put(values: np.ndarray, window: np.ndarray, starts: list[int]) -> None:
    ends = [(max(start, 0), min(start + len(window), size)) for start, size in zip(starts, values.shape, strict=True)]
    (top, bottom), (left, right) = ends
    values[top:bottom, left:right] = window[top - starts[0] : bottom - starts[0], left - starts[1] : right - starts[1]]
