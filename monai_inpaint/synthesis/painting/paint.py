"""Generate the hole of a chest film, by a bundle for it or by samples of one that fills.

Lesion in-and-out painting for medical image augmentation (LINOP, 2023): the hole is what surrounds a finding, or the
place of one to be.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from monai_inpaint.engines import load_engine
from monai_inpaint.engines.base import Engine
from monai_inpaint.errors import InputError
from monai_inpaint.fill.compose import Patch, compose
from monai_inpaint.fill.filler import Filler
from monai_inpaint.fill.report import fill_report
from monai_inpaint.imaging.image import Image
from monai_inpaint.registry import BundleInfo, find_bundle
from monai_inpaint.synthesis.nodules.displayed_slice import FILM, kind_of, planes_of
from monai_inpaint.synthesis.painting.film_window import draw_film

BUNDLE = "cxr_lesion_painting"
_CHANNELS = 3  # image, hole, noise


@dataclass(frozen=True, eq=False)
class Painting:
    """The result of `paint_film`.

    Attributes:
        image: the film, like the source in geometry and dtype; outside the hole voxel for voxel the source.
        hole: bool of the image's shape, the generated part.
        report: JSON-able; "drawn" contains the seed that reproduces it.
    """

    image: Image
    hole: np.ndarray
    report: dict[str, Any]


def paint_film(
    image: Image, hole: np.ndarray, *, seed: int = 0, bundle: str | Path = BUNDLE, engine: str = "auto"
) -> Painting:
    """Generate the hole of a chest film.

    Args:
        image: a frontal film.
        hole: bool of the image's shape: all but the kept part, or the place of a finding.
        seed: of the noise; the same seed produces the same voxels on the same engine.
        bundle: one that paints, or one that fills and draws samples.
        engine: see `load_engine`.

    Raises:
        InputError: not a film, a hole that is empty or leaves nothing, or a bundle that does something else.
    """
    name = image.path or "The image"
    if kind_of(image) != FILM:
        raise InputError(f"{name} is not a chest film; findings are painted into and around in films only.")
    if hole.shape != image.voxels.shape:
        raise InputError(f"{name} has the shape {image.voxels.shape}, the region {hole.shape}; they must be the same.")
    if not hole.any() or hole.all():
        raise InputError(f"{name}: {'all' if hole.any() else 'nothing'} is to be drawn; give a region inside the film.")
    info = find_bundle(bundle)
    if info.kind == "inpainting":
        filled = Filler(info.path, engine)(image, image.map_of(hole.astype(np.uint8)), sample=True, seed=seed)
        return Painting(filled.image, filled.hole, {**filled.report, "synthetic": True})
    return _drawn(image, hole, seed, info, engine)


def painter_of(info: BundleInfo, engine: str = "auto") -> Engine:
    """The network of a bundle that paints films, for `draw_film`.

    Raises:
        InputError: no such engine, or a bundle that does something else.
    """
    generator: Engine = load_engine(engine, info)
    if info.kind != "synthesis" or generator.channels != _CHANNELS or not generator.side:
        raise InputError(f"{info.name} paints no films; use {BUNDLE}, or a bundle that fills and draws samples.")
    return generator


def _drawn(image: Image, hole: np.ndarray, seed: int, info: BundleInfo, engine: str) -> Painting:
    started = time.perf_counter()
    generator = painter_of(info, engine)
    plane = planes_of(image, FILM)[0]
    values = draw_film(plane.units, np.ascontiguousarray(plane.view(hole)), seed, generator)
    units = np.zeros(hole.shape, np.float32)
    plane.view(units)[:] = -values if image.inverted else values
    result = compose(image, [Patch((slice(None),) * hole.ndim, hole, units)])
    facts = {
        "bundle": info,
        "engine": generator.describe(),
        "hole": {},
        "hole_voxels": int(np.count_nonzero(hole)),
        "drawn": {"fill": "painting", "seed": int(seed)},
        "window_sides": [generator.side],
        "seconds": {"synthesize": time.perf_counter() - started},
    }
    return Painting(result, hole, {**fill_report(image, result, hole, facts), "synthetic": True})
