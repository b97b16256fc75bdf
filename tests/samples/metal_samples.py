"""Slices of water, bone and air whose metal and projections are known."""

from __future__ import annotations

import numpy as np

from monai_inpaint.synthesis.metal.scan import FINER, Cover

SIDE, MM = 160, 2.0


def centres(side: int = SIDE, mm: float = MM) -> tuple[np.ndarray, np.ndarray]:
    """mm down and right of the middle of a square slice, to broadcast."""
    line = (np.arange(side) - (side - 1) / 2) * mm
    return line[:, None], line[None, :]


def disc(
    radius: float, down: float = 0.0, right: float = 0.0, *, stretch: float = 1.0, side: int = SIDE, mm: float = MM
) -> np.ndarray:
    """The share of each pixel that lies in a disc, or in an ellipse that is broader by `stretch`."""
    y, x = centres(5 * side, mm / 5)
    inside = np.hypot(y - down, (x - right) / stretch) <= radius
    return inside.reshape(side, 5, side, 5).mean(axis=(1, 3), dtype=np.float32)


def pelvis() -> np.ndarray:
    """HU: a body of water with a rim of fat, and the heads and sockets of both hips as rings of bone."""
    hu = -1000.0 + 900.0 * disc(105, stretch=1.4) + 100.0 * disc(95, stretch=1.4)
    for right in (-85.0, 85.0):
        for outer, inner, level in ((38.0, 30.0, 700.0), (24.0, 20.0, 500.0)):
            hu += level * (disc(outer, 10.0, right) - disc(inner, 10.0, right))
    return hu.astype(np.float32)


def rod(radius: float, down: float, right: float) -> tuple[Cover, np.ndarray]:
    """A rod of metal across the slice, and the pixels that hold a part of it."""
    y, x = centres(FINER * SIDE, MM / FINER)
    fine = np.hypot(y - down, x - right) <= radius
    cover = Cover((slice(0, SIDE), slice(0, SIDE)), fine)
    return cover, cover.share() > 0


def rmse(values: np.ndarray, truth: np.ndarray, where: np.ndarray) -> float:
    return float(np.sqrt(np.mean((values[where] - truth[where]) ** 2)))
