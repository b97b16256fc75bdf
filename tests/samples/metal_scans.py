"""Made-up scans with metal, for the tests of finding and reducing it."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from monai_inpaint.imaging.image import Image

SHAPE = (112, 96, 6)
SPACING = (2.0, 2.0, 3.0)  # mm
FULL = 3071.0  # HU, where 12 bits end
IMPLANT = 12000.0  # HU of steel on an extended scale
HIP = (76.0, 52.0)  # the implant's centre, in voxels
BLUR = 0.6  # voxels


def disc(shape: tuple[int, ...], centre: tuple[float, float], radius: float, stretch: float = 1.0) -> np.ndarray:
    """A disc in (axis, axis), bool; radius in voxels along the first axis."""
    first, second = np.ogrid[: shape[0], : shape[1]]
    return (first - centre[0]) ** 2 + ((second - centre[1]) / stretch) ** 2 <= radius**2


def pelvis(*, seed: int = 0, **extras: float) -> np.ndarray:
    """HU of a slice through a body of fat and muscle with two dense femora, on a table; no metal.

    Args:
        seed: of the noise.
        extras: "vessel" and "dense" give HU of a vessel and of a part of the bone.
    """
    shape = SHAPE[:2]
    slice_hu = np.full(shape, -1000.0)
    slice_hu[disc(shape, (56, 46), 46, 0.8)] = -100
    slice_hu[disc(shape, (56, 46), 40, 0.78)] = 50
    for first in (36.0, 76.0):
        slice_hu[disc(shape, (first, 52), 9)] = extras.get("dense", 1300.0)
        slice_hu[disc(shape, (first, 52), 5)] = 250
    slice_hu[disc(shape, (56, 36), 5)] = extras.get("vessel", 50.0)
    slice_hu[6:106, 90:92] = 300  # the table
    rng = np.random.default_rng(seed)
    return gaussian_filter(slice_hu, BLUR) + rng.normal(0, 8, shape)


def with_metal(
    slice_hu: np.ndarray, implants: list[tuple[tuple[float, float], float]], level: float, seed: int = 0
) -> np.ndarray:
    """Discs of metal in the slice, with a blurred rim, and a dark and a bright streak that run away from the first."""
    shape = slice_hu.shape
    result = slice_hu.copy()
    (centre, radius), *_ = implants
    first, second = np.ogrid[: shape[0], : shape[1]]
    body = slice_hu > -300
    away = np.abs(first - centre[0])
    result -= np.where(body & (np.abs(second - centre[1]) < 2.5) & (away < 40), 150.0, 0.0)
    result += np.where(body & (np.abs(first - centre[0]) < 2.5) & (np.abs(second - centre[1]) < 30), 150.0, 0.0)
    for place, size in implants:
        share = gaussian_filter(disc(shape, place, size).astype(float), BLUR)
        result = result * (1 - share) + level * share
    return result + np.random.default_rng(seed).normal(0, 8, shape)


def scan(slices: list[np.ndarray], *, limit: float | None = FULL) -> Image:
    """A CT volume in HU, int16, cut at `limit`; None leaves the extended scale."""
    volume = np.stack(slices, axis=-1)
    volume = np.clip(volume, -1024, 32000 if limit is None else limit)
    return Image(np.rint(volume).astype(np.int16), np.diag([*SPACING, 1.0]), "ct")


def hip_scan(*, limit: float | None = FULL, slices: range = range(1, 5), **extras: float) -> Image:
    """A pelvis with an implant in the left femur, in some of its six slices."""
    clean = pelvis(**extras)
    metal = [with_metal(clean, [(HIP, 4.0)], IMPLANT, seed=k) for k in range(SHAPE[2])]
    return scan([metal[k] if k in slices else clean for k in range(SHAPE[2])], limit=limit)


def hip_truth(slices: range = range(1, 5), radius: float = 4.0) -> np.ndarray:
    """Where the implant of `hip_scan` is, or a disc of another radius (voxels) in its place."""
    truth = np.zeros(SHAPE, bool)
    truth[..., slices.start : slices.stop] = disc(SHAPE[:2], HIP, radius)[..., None]
    return truth


def head_mr(*, void: bool = True, piled: bool = True) -> Image:
    """An MR of a head with a sinus, and a void in the brain whose signal piles up on one side."""
    shape = (96, 96)
    values = np.full(shape, 4.0)
    values[disc(shape, (48, 48), 40, 0.9)] = 160
    values[disc(shape, (48, 48), 34, 0.9)] = 100
    values[disc(shape, (48, 22), 6)] = 3  # air
    if void:
        if piled:
            values[disc(shape, (60, 60), 10)] = 400
        values[disc(shape, (62, 61), 8)] = 2
    rng = np.random.default_rng(1)
    volume = np.stack([np.abs(gaussian_filter(values, 0.5) + rng.normal(0, 3, shape)) for _ in range(4)], axis=-1)
    return Image(np.rint(volume).astype(np.int16), np.diag([1.5, 1.5, 4.0, 1.0]), "mr")


def dice(first: np.ndarray, second: np.ndarray) -> float:
    return 2 * np.count_nonzero(first & second) / (np.count_nonzero(first) + np.count_nonzero(second))
