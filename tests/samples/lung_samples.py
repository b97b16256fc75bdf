"""Films of made-up lungs whose places are known."""

from __future__ import annotations

import numpy as np

SIDE = 256
Ellipse = tuple[float, float, float, float]  # middle and half axes, rows before columns, in fractions of the film
RIGHT: Ellipse = (0.45, 0.30, 0.25, 0.11)  # the patient's right lung, on the film's left
LEFT: Ellipse = (0.45, 0.70, 0.25, 0.11)


def ellipse(shape: tuple[int, int], place: Ellipse) -> np.ndarray:
    """The pixels inside: bool."""
    rows, columns = ((np.mgrid[: shape[0], : shape[1]].T + 0.5) / shape).T
    return ((rows - place[0]) / place[2]) ** 2 + ((columns - place[1]) / place[3]) ** 2 < 1


def film(*lungs: Ellipse, shape: tuple[int, int] = (SIDE, SIDE)) -> np.ndarray:
    """A bright body in air with a brighter spine, and these lungs, 0 to 255."""
    pixels = np.where(ellipse(shape, (0.6, 0.5, 0.7, 0.46)), 170.0, 5.0)
    for lung in lungs:
        pixels[ellipse(shape, lung)] = 80
    pixels[:, int(0.47 * shape[1]) : int(0.53 * shape[1])] += 40
    return pixels + np.random.default_rng(0).normal(0, 4, shape)
