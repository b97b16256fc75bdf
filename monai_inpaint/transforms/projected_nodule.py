"""Training films of the texture network, with the shadow of a real nodule."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from monai.transforms import Transform

from monai_inpaint.datasets.lidc_outlines import NoduleReading, read_lidc_outlines
from monai_inpaint.errors import InputError
from monai_inpaint.imaging.bounding_box import extent
from monai_inpaint.synthesis.nodules.projection import film_contrast, hounsfield_of, project_nodule
from monai_inpaint.transforms.window import cut_window

_TRIES = 50
_MARGIN = 4  # pixels between a shadow and the edge of its window


class Projected(NamedTuple):
    """A nodule on a film: the window without it and its shadow, float32 of one shape; its silhouette and density.

    With mm between the window's pixels and grey levels for each mm of water.
    """

    healthy: np.ndarray
    shadow: np.ndarray
    mask: np.ndarray
    density: float
    pixel: float
    contrast: float


class ProjectNoduled(Transform):
    """{"image": pyramid, "lungs": boxes, "seed": s} -> a window of a lung with the shadow of a nodule of LIDC.

    Nodule, its size, the direction of projection, and its place in the darker half of the lungs' boxes are drawn with
    the seed, so that an entry always produces the same window and may be cached on disk. The shadow is added to the
    film in the film's own contrast: `project_nodule`.

    Args:
        index, split: of the nodules' patients; see `read_lidc_outlines`.
        side: rows and columns of the window.
        width: mm across a film, by its source; films do not state it.
        enlarge: largest factor by which a nodule is larger than it was: nodules that are seen on films are.

    Returns (of a call):
        {"image": float32 (side, side), "masks": bool (1, side, side), "density", "name"}.
    """

    def __init__(
        self, index: str | Path, split: str, side: int = 128, width: Mapping[str, float] | None = None,
        enlarge: float = 3.0,
    ) -> None:  # fmt: skip
        self.index, self.split, self.side = index, split, side
        self.width, self.enlarge = {"nih": 360.0, "kermany": 220.0} if width is None else dict(width), enlarge
        self._readings: list[NoduleReading] = []

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        made = self.project(data)
        image = made.healthy + made.shadow
        return {"image": image, "masks": made.mask[None], "density": made.density, "name": data["name"]}

    def project(self, data: Mapping[Hashable, Any]) -> Projected:
        """The window's parts."""
        rng = np.random.default_rng(int(data["seed"]))
        pyramid: Sequence[np.ndarray] = data["image"]
        film = pyramid[0]
        if min(film.shape) < self.side:
            raise InputError(f"{data.get('name', 'A film')} is smaller than the window of {self.side} pixels.")
        step = math.exp(rng.uniform(0.0, math.log(max(min(film.shape) / (4 * self.side), 1.0))))
        pixel = step * self.width[data["source"]] / film.shape[1]
        path, mask, density = self._shadow(rng, pixel)
        window, place = self._window(rng, pyramid, np.asarray(data["lungs"]), step, mask.shape)
        inside, shadow = np.zeros(window.shape, bool), np.zeros(window.shape, np.float32)
        contrast = film_contrast(_halved(film))
        inside[place], shadow[place] = mask, path * contrast
        return Projected(window, shadow, inside, density, pixel, contrast)

    def _shadow(self, rng: np.random.Generator, pixel: float) -> tuple[np.ndarray, np.ndarray, float]:
        """Of a nodule that fits into the window: mm of water, mask, density."""
        if not self._readings:
            self._readings = read_lidc_outlines(self.split, self.index)
        for _ in range(_TRIES):
            reading = self._readings[rng.integers(len(self._readings))]
            if reading.texture == 5 and rng.uniform() < 0.4:
                continue  # three of four are rated solid
            factor = math.exp(rng.uniform(0.0, math.log(self.enlarge)))
            spacing = tuple(factor * mm for mm in (reading.slice_spacing, reading.spacing, reading.spacing))
            if max(n * mm for n, mm in zip(reading.stack.shape, spacing, strict=True)) > (self.side - 16) * pixel:
                continue
            path, mask = project_nodule(
                reading.stack,
                spacing,
                hounsfield=hounsfield_of(reading.density),
                pixel=pixel,
                axis=int(rng.integers(3)),
            )
            if mask.sum() >= 12:
                box = extent(mask)
                return path[box], mask[box], reading.density
        raise InputError(f"No nodule of {_TRIES} fits into a window of {self.side} pixels of {pixel:.2f} mm.")

    def _window(
        self, rng: np.random.Generator, pyramid: Sequence[np.ndarray], lungs: np.ndarray, step: float,
        size: tuple[int, ...],
    ) -> tuple[np.ndarray, tuple[slice, slice]]:  # fmt: skip
        """A window inside the film that shows a point of the lungs, and where in it the nodule goes: at that point."""
        point = _in_a_lung(rng, pyramid[-1], lungs * pyramid[-1].shape[0] / pyramid[0].shape[0])
        point = point * pyramid[0].shape[0] / pyramid[-1].shape[0]
        corner = [int(rng.integers(_MARGIN, self.side - n - _MARGIN + 1)) for n in size]
        # The window's centre lies where the nodule's, drawn within the window, comes to lie on the point.
        moved = [step * (self.side / 2 - c - n / 2) for c, n in zip(corner, size, strict=True)]
        half = step * self.side / 2
        centre = [
            float(np.clip(p + m, half, n - 1 - half)) if n > 2 * half + 1 else (n - 1) / 2
            for p, m, n in zip(point, moved, pyramid[0].shape, strict=True)
        ]
        window = cut_window(pyramid, self.side, (centre[0], centre[1]), step * self.side, 0.0, mirror=False)
        filled = np.where(np.isnan(window), np.nanmean(window), window).astype(np.float32)
        return filled, (slice(corner[0], corner[0] + size[0]), slice(corner[1], corner[1] + size[1]))


def _in_a_lung(rng: np.random.Generator, film: np.ndarray, lungs: np.ndarray) -> np.ndarray:
    """A random point of the darker half of the lungs' boxes, which also contain chest wall and heart."""
    sizes = (lungs[:, 1] - lungs[:, 0]).prod(1)
    start, stop = lungs[rng.choice(len(lungs), p=sizes / sizes.sum())].astype(int)
    box = film[start[0] : stop[0], start[1] : stop[1]]
    places = np.argwhere((box <= np.median(box)) & (box > np.percentile(box, 2)))
    return start + (places[rng.integers(len(places))] if len(places) else (stop - start) // 2)


def _halved(film: np.ndarray) -> np.ndarray:
    return cv2.resize(film.astype(np.float32), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
