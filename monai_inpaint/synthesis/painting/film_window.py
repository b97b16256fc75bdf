"""Generate a part of a film in one window that contains all of it, and match it to the kept part."""

# scipy brings no types
# pyright: basic

from __future__ import annotations

import numpy as np

from monai_inpaint.engines.base import Engine
from monai_inpaint.imaging.resize import enlarged, resized

GREY = 255.0  # to which the network's films go, from 0
_TAILS = (0.5, 99.5)  # percentiles of a film of more than 8 bits that become 0 and `GREY`
_SEAM = 1.5  # pixels of the window over which what is drawn is fitted to what is kept


def draw_film(units: np.ndarray, hole: np.ndarray, seed: int, generator: Engine) -> np.ndarray:
    """Generate the hole.

    The film is averaged down to the network's window, resized to a square as in training; the output is enlarged again.
    Its error at the kept pixels next to the hole is subtracted from it, fading out over a few pixels of the window.

    Args:
        units: float32 (rows, columns), dense bright; 8-bit films as they are.
        hole: bool of that shape; some of it is True, some not.
        seed: of the noise.
        generator: its input is film, hole and noise (B, 3, side, side), 0 to 255.

    Returns:
        float32 of the same shape; meaningful in the hole.
    """
    low, high = grey_range(units)
    side = generator.side or 0
    kept = (~hole).astype(np.float32)
    share = resized(kept, (side, side))
    known = share >= min(0.5, float(share.max()))
    greys = np.nan_to_num((units - low) * (GREY / (high - low))) * kept
    small = resized(greys, (side, side)) / np.maximum(share, 1e-6)
    noise = np.random.default_rng(seed).standard_normal((side, side), np.float32)
    window = np.stack((np.where(known, small, np.float32(0)), ~known, noise)).astype(np.float32)
    drawn = enlarged(generator.run(window[None])[0, 0], units.shape)
    fitted = np.clip(drawn + _seam(greys - drawn * kept, kept, _SEAM * max(units.shape) / side), 0.0, GREY)
    return (fitted * ((high - low) / GREY) + low).astype(np.float32)


def grey_range(units: np.ndarray) -> tuple[float, float]:
    """The values that are black and white: 0 and 255 of 8-bit films (their negatives of inverted ones), else tails."""
    finite = units[np.isfinite(units)]
    whole = finite.size and np.array_equal(finite, np.rint(finite))
    lowest, highest = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if whole and lowest >= 0 and 128 <= highest <= GREY:
        return 0.0, GREY
    if whole and -GREY <= lowest <= -128 and highest <= 0:
        return -GREY, 0.0
    low, high = (float(value) for value in np.percentile(finite, _TAILS)) if finite.size else (0.0, GREY)
    return low, max(high, low + 1e-6)


def _seam(off: np.ndarray, kept: np.ndarray, sigma: float) -> np.ndarray:
    """The mean of `off` over the kept pixels around, fading where these are few."""
    from scipy.ndimage import gaussian_filter

    weight = gaussian_filter(kept, sigma, truncate=3.0)
    return gaussian_filter(off, sigma, truncate=3.0) / np.maximum(weight, 1e-3) * np.minimum(2.0 * weight, 1.0)
