"""Find the lungs in a frontal chest film, as two boxes."""

# scipy brings no types
# pyright: basic

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

_GRID = 64  # the film is looked at on a grid of so many cells a side; what follows is in fractions of the film
_HEIGHT, _WIDTH = (0.30, 0.75), (0.16, 0.26)  # of a box, before it is grown
_GAP = (0.08, 0.26)  # between the boxes: spine and heart
_MIDDLE = (0.35, 0.65)  # where the middle of that gap lies
_GROWN = (0.08, 0.12)  # of a box's height and width, at either end


def lung_boxes(film: np.ndarray) -> list[list[list[int]]]:
    """Find the boxes of the lung on the film's left side (the patient's right) and of the other one.

    Belli et al. 2018 approximate the lungs by two boxes and do not say how. Here, of all pairs of boxes with the same
    rows and the same width on either side of the middle, the pair with the greatest darkness relative to its
    surroundings is used. A lung hidden by disease thus gets its box from the other one, and in a film that shows
    nothing the boxes are where lungs usually are.

    Args:
        film: (rows, columns), any units, air dark, upright.

    Returns:
        [[[top, left], [bottom, right]], ...] in pixels, the ends excluded, as `draw_boxes` expects them.
    """
    darkness = _darkness(_shrunk(film))
    sums = np.pad(darkness, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    low, high = _cells(_HEIGHT)
    tops, bottoms = np.array([(a, b) for a in range(_GRID) for b in range(a + low, min(a + high, _GRID) + 1)]).T
    across = sums[bottoms] - sums[tops]
    found: Any = max(
        (_best(across, width, gap) for width, gap in product(_range(_WIDTH), _range(_GAP))), key=lambda best: best[0]
    )
    _, rows, left, width, gap = found
    top, bottom = tops[rows], bottoms[rows]
    # A box of most darkness leaves out the tips of the lungs, which taper.
    more_rows, more_columns = _GROWN[0] * (bottom - top), _GROWN[1] * width
    starts = [(top - more_rows, start - more_columns) for start in (left, left + width + gap)]
    size = (bottom - top + 2 * more_rows, width + 2 * more_columns)
    return [[_pixels(start, film), _pixels(np.add(start, size), film)] for start in starts]


def _best(across: np.ndarray, width: int, gap: int) -> tuple[float, int, int, int, int]:
    """The most darkness in two boxes of a width with a gap between: its sum, index of the rows, start of the left."""
    box = across[:, width:] - across[:, :-width]
    first, last = (cell - width - gap // 2 for cell in _cells(_MIDDLE))
    first, last = max(first, 0), min(last, _GRID - 2 * width - gap)
    pair = box[:, first : last + 1] + box[:, first + width + gap : last + width + gap + 1]
    rows, column = np.unravel_index(pair.argmax(), pair.shape)
    return float(pair[rows, column]), int(rows), int(column) + first, width, gap


def _darkness(grid: np.ndarray) -> np.ndarray:
    """Darkness of each cell relative to the body around it, plus the prior of a lung there, about -2 to 1."""
    from scipy.ndimage import binary_dilation, gaussian_filter, label

    low, high = np.percentile(grid, (2, 98))
    grey = ((grid - low) / max(high - low, 1e-6)).clip(0, 1)
    labelled: Any = label(grey < 0.12)
    parts = labelled[0]
    edge = np.concatenate((parts[0], parts[-1], parts[:, 0], parts[:, -1]))
    air = np.isin(parts, edge[edge > 0])
    body = 1.0 - air
    # The mean of the body alone: air beside the patient shall not make the flanks look bright.
    around = gaussian_filter(grey * body, 10) / (gaussian_filter(body, 10) + 1e-3)
    darker = around - grey
    # Skin fades into the air, which looks as dark as a lung.
    inside = ~np.asarray(binary_dilation(air, iterations=2), bool)
    if not inside.any():  # a film that shows nothing
        inside[:] = True
    spread = 1.5 * np.abs(darker[inside]).mean()
    rows, columns = (np.mgrid[:_GRID, :_GRID] + 0.5) / _GRID
    aside = np.minimum(np.abs(columns - 0.3), np.abs(columns - 0.7))
    likely = np.exp(-(((rows - 0.45) / 0.25) ** 2 + (aside / 0.14) ** 2) / 2)
    score = (darker / (spread + 1e-6)).clip(-1, 1) + 1.2 * likely - 0.75
    return np.where(inside, score, -1.5)


def _shrunk(film: np.ndarray) -> np.ndarray:
    """The film's means over the cells of the grid (in films of fewer pixels the nearest pixel), smoothed a little."""
    from scipy.ndimage import gaussian_filter

    means = film.astype(np.float32)
    for axis, size in enumerate(film.shape):
        starts = np.arange(_GRID) * size // _GRID
        counts = np.diff(starts, append=size).clip(min=1).astype(np.float32)
        means = np.add.reduceat(means, starts, axis) / (counts[:, None] if axis == 0 else counts)
    return gaussian_filter(means, 1.1)


def _cells(fractions: tuple[float, float]) -> list[int]:
    return [int(fraction * _GRID) for fraction in fractions]


def _range(fractions: tuple[float, float]) -> range:
    low, high = _cells(fractions)
    return range(low, high + 1)


def _pixels(place: Any, film: np.ndarray) -> list[int]:
    """A place on the grid in pixels of the film, inside of it."""
    return [round(min(max(float(cell), 0), _GRID) * size / _GRID) for cell, size in zip(place, film.shape, strict=True)]
