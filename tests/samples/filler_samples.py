"""Stand-ins for the network, a head and a hole: for the tests of the filler."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import pytest

from monai_inpaint.fill import filler as filler_module

Network = TypeVar("Network")


class RowMeans:
    """A stand-in network whose fill is easy to foretell: the mean of the known voxels of the same window row.

    A row without any takes the window's mean. Like the real ones it composites and keeps units.
    """

    channels = 2
    side: int | None = None
    voxels_at_once = 4 * 128 * 128

    def __init__(self) -> None:
        self.batches: list[tuple[int, ...]] = []

    def run(self, windows: np.ndarray) -> np.ndarray:
        self.batches.append(windows.shape)
        image, hole = windows[:, :1].astype(np.float64), windows[:, 1:2]
        count = (1 - hole).sum(axis=3, keepdims=True)
        rows = image.sum(axis=3, keepdims=True) / np.maximum(count, 1)
        whole = image.sum(axis=(2, 3), keepdims=True) / np.maximum(count.sum(axis=2, keepdims=True), 1)
        return np.where(hole > 0, np.where(count > 0, rows, whole), image).astype(np.float32)

    def describe(self) -> dict[str, str]:
        return {"name": "row means"}


class RowMeansAndNoise(RowMeans):
    """Takes noise, state and time too: late in the flow its estimate is the row's mean plus ten times the noise."""

    channels = 5

    def run(self, windows: np.ndarray) -> np.ndarray:
        filled = super().run(windows)
        assert (windows[:, 1:2] + (windows[:, 2:3] == 0) >= 1).all(), "noise outside the hole"
        return filled + 10 * windows[:, 2:3] * windows[:, 4:5]


def engine_is(stand_in: Network, monkeypatch: pytest.MonkeyPatch) -> Network:
    """Every filler made from now on runs the stand-in."""
    monkeypatch.setattr(filler_module, "load_engine", lambda *_: stand_in)
    return stand_in


def head(side: int = 160) -> np.ndarray:
    """A smooth bright ellipse with structure on dark ground."""
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    inside = (x / 0.7) ** 2 + (y / 0.85) ** 2 < 1
    return (inside * (600 + 200 * np.sin(6 * x) * np.cos(5 * y))).astype(np.float32)


def square(shape: tuple[int, ...], start: tuple[int, ...], side: int) -> np.ndarray:
    hole = np.zeros(shape, bool)
    hole[tuple(slice(s, s + side) for s in start)] = True
    return hole
