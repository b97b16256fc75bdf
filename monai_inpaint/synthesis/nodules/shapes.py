"""Outlines of nodules: drawn by the shape generator, or taken from a mask."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from monai_inpaint.engines import load_engine
from monai_inpaint.errors import InputError
from monai_inpaint.imaging.shape_measures import main_part
from monai_inpaint.registry import find_bundle
from monai_inpaint.synthesis.nodules.outline import elongated, outline_of, roughened

BUNDLE = "nodule_shape"
# Of an outline's roughness and length, fitted to the areas, elongations and solidities of LIDC's train patients, all
# outlines on the pixels of their scans.
_SMOOTHEST, _ROUGHNESS, _TAIL, _ROUGHEST = -0.5, 2.5, 2.0, 8.0
_LONGER = 0.13
_TRIES = 16  # of a latent vector whose field is nowhere positive


def draw_shape(seed: int, engine: str = "auto", bundle: str | Path = BUNDLE) -> np.ndarray:
    """Draw an outline with the shape generator, and how rough it is (`roughened`); long ones get longer (`elongated`).

    Args:
        seed: of the latent vector, standard normal, and of the roughness: the same seed produces the same outline on
            every engine, up to rounding in single pixels.
        engine: see `load_engine`.
        bundle: of kind "synthesis"; its graph maps a latent vector (B, C, 1, 1) to a field, positive inside.

    Returns:
        bool (rows, columns), one part without holes.

    Raises:
        InputError: no such engine or bundle, or one that draws no outlines.
    """
    info = find_bundle(bundle)
    generator = load_engine(engine, info)
    if info.kind != "synthesis" or generator.side != 1:
        raise InputError(f"{bundle} draws no outlines of nodules; use {BUNDLE}.")
    rng = np.random.default_rng(seed)
    for _ in range(_TRIES):
        latent = rng.standard_normal((1, generator.channels, 1, 1), dtype=np.float32)
        rough = min(_SMOOTHEST + _ROUGHNESS * rng.exponential() ** _TAIL, _ROUGHEST)
        mask = outline_of(elongated(roughened(generator.run(latent)[0, 0], rough), _LONGER))
        if mask.any():
            return mask
    raise InputError(f"{bundle} drew {_TRIES} empty outlines; install the bundle again.")


def shape_of(mask: np.ndarray) -> np.ndarray:
    """The largest part of a mask of 2 axes (a third one of a single slice is dropped), its holes filled; bool.

    Raises:
        InputError: several slices, or nothing marked.
    """
    plane = np.squeeze(np.asarray(mask)) > 0
    if plane.ndim != 2:
        raise InputError(f"The nodule's shape has the axes {mask.shape}; give a mask of rows and columns.")
    if not plane.any():
        raise InputError("The nodule's shape is empty; give a mask that is nonzero somewhere.")
    return main_part(plane)
