"""A CT slice without a patient: a pelvis of ellipses, as input of `simulate-metal`."""

from __future__ import annotations

import numpy as np

from monai_inpaint.imaging.image import Image

SIDE, SPACING = 256, 1.6  # pixels, mm
_SKIN_FAT, _MUSCLE, _MARROW, _BONE, _FLUID, _AIR = -100.0, 55.0, 180.0, 700.0, 8.0, -1000.0
_NOISE = 12.0  # HU, standard deviation
_BLUR = 0.5  # pixels

# centre (to the patient's left, to the back) and half axes in mm, value in HU; later ones lie upon earlier ones
_BOTH_SIDES = [
    ((94, 8), (48, 46), _MUSCLE + 8),
    ((70, 58), (52, 30), _MUSCLE),
    ((92, 2), (30, 30), _BONE),
    ((92, 2), (24.5, 24.5), _MARROW),
    ((118, 20), (15, 21), _BONE),
    ((118, 20), (11, 16.5), _MARROW),
    ((52, -22), (22, 9), _BONE),
    ((52, -22), (17, 5), _MARROW),
    ((58, 42), (8, 17), _BONE),
    ((58, 42), (4.5, 13), _MARROW),
    ((76, -52), (6, 6), _MUSCLE + 15),
]
_MIDDLE = [((0, -14), (38, 27), _FLUID), ((0, 44), (19, 17), _MUSCLE - 15), ((0, 42), (6, 4), _AIR),
           ((0, 78), (15, 9), _BONE), ((0, 78), (11, 5.5), _MARROW)]  # fmt: skip


def pelvis_slice(seed: int = 0) -> Image:
    """Return one slice through both hips, (SIDE, SIDE, 1) int16 in HU, patient supine.

    Args:
        seed: of the noise, and of the fat between the muscle's fibres.
    """
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(*(2 * [(np.arange(SIDE) - (SIDE - 1) / 2) * SPACING]), indexing="ij")
    values = np.full(x.shape, _AIR)
    values[_in(x, y, (0, 0), (182, 112), 2.4)] = _SKIN_FAT
    values[_in(x, y, (0, 4), (160, 92), 2.4)] = _MUSCLE
    for (across, back), half, hounsfield in _BOTH_SIDES:
        for side in (-1, 1):
            values[_in(x, y, (side * across, back), half)] = hounsfield
    for centre, half, hounsfield in _MIDDLE:
        values[_in(x, y, centre, half)] = hounsfield
    fibres = gaussian_filter(rng.normal(size=values.shape), (4, 1.2))
    muscle = np.abs(values - _MUSCLE) < 20
    values[muscle] -= 55 * np.maximum(fibres / fibres.std() - 1, 0)[muscle]
    values = gaussian_filter(values, _BLUR) + _NOISE * rng.normal(size=values.shape) * (values > _AIR + 100)
    affine = np.diag([-SPACING, -SPACING, SPACING, 1.0])
    return Image(np.rint(values).astype(np.int16)[..., None], affine, "ct")


def _in(
    x: np.ndarray, y: np.ndarray, centre: tuple[float, float], half: tuple[float, float], power: float = 2
) -> np.ndarray:
    return np.abs((x - centre[0]) / half[0]) ** power + np.abs((y - centre[1]) / half[1]) ** power <= 1
