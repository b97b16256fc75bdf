"""Synthetic heads: the ICBM152 tissue maps of nilearn, deformed, in any contrast.

The idea of SynthSeg and SynthSR (Billot et al. 2023; Iglesias et al. 2021): a network trained on every contrast, even
those that no scanner produces, also works on those of scanners.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform
from scipy import ndimage

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.transforms.intensity import smooth_field

_AIR, _FLUID, _GREY, _WHITE, _BONE, _FAT, _MUSCLE, _MARROW = range(8)
_SHADES = 32  # of each tissue; a voxel's code is tissue * _SHADES + shade
_AROUND = 8  # voxels of air
# Typical intensities of the tissues above, 0..255, in T1, T2, FLAIR, proton density and gradient echo.
_CONTRASTS = np.array(
    [
        [0, 35, 115, 170, 20, 235, 95, 180],
        [0, 245, 140, 100, 10, 160, 50, 130],
        [0, 20, 160, 120, 10, 170, 70, 130],
        [0, 190, 200, 160, 20, 220, 120, 150],
        [0, 210, 160, 130, 30, 60, 110, 60],
    ]
)


class SynthAnatomyd(MapTransform):
    """Seed (int) -> a head as an Image of tissue codes (uint8, 1 mm), for `SynthContrastd`; the same for the same seed.

    Half of the heads end at the brain, as data sets are published.

    Raises:
        InputError: nilearn, which carries the tissue maps, is not installed.
    """

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        out = dict(data)
        for key in self.keys:
            out[key] = make_anatomy(int(out[key]))
        return out


def make_anatomy(seed: int) -> Image:
    """Make one head of `SynthAnatomyd`."""
    maps, affine = _template()
    rng = np.random.default_rng(seed)
    t1, grey, white, distance, shadow = _deformed(maps, rng)
    tissue = _brain(grey, white, shrunk=rng.uniform(1.0, 3.0))
    outside = distance > 0
    tissue[outside] = _AIR if rng.random() < 0.5 else _wrapped(distance, shadow, rng)[outside]
    codes = tissue * np.uint8(_SHADES) + _shades(t1, tissue, rng)
    return _cropped(codes, tissue != _AIR, affine)


class SynthContrastd(RandomizableTransform, MapTransform):
    """Image of tissue codes -> the Image in a random contrast and resolution, uint8.

    The tissues' intensities are those of a common MR sequence, changed a little or beyond recognition; how far the
    shades of a tissue differ, and which of them are bright, is drawn as well.
    """

    def __init__(self, keys: KeysCollection) -> None:
        MapTransform.__init__(self, keys)
        RandomizableTransform.__init__(self, 1.0)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        out = dict(data)
        means = _CONTRASTS[self.R.randint(len(_CONTRASTS))].astype(np.float64)
        means[_FLUID:] += self.R.uniform(5.0, 60.0) * self.R.normal(size=len(means) - 1)
        slopes = self.R.normal(size=len(means)) * self.R.uniform(8.0, 40.0)
        slopes[_AIR] = 0.0
        shades = np.linspace(-1.0, 1.0, _SHADES)
        palette = (means[:, None] + slopes[:, None] * shades).clip(0, 255).astype(np.uint8)
        blur = self.R.uniform(0.4, 0.9)
        for key in self.keys:
            codes = out[key].voxels
            painted = cv2.LUT(codes.reshape(len(codes), -1), palette.ravel())
            out[key] = Image(_blurred(painted, codes.shape, blur), out[key].affine)
        return out


@lru_cache(maxsize=1)
def _template() -> tuple[np.ndarray, np.ndarray]:
    """T1, grey matter, white matter (0..1), mm from the brain, and the least such mm at or above a voxel; affine."""
    try:
        from nilearn import datasets
    except ImportError as error:
        raise InputError(
            "The synthetic heads need the package nilearn; install it with: pip install nilearn"
        ) from error
    loaders = (datasets.load_mni152_template, datasets.load_mni152_gm_template, datasets.load_mni152_wm_template)
    images = [load(resolution=1) for load in loaders]
    t1, grey, white = (image.get_fdata(dtype=np.float32) for image in images)
    distance = ndimage.distance_transform_edt(t1 == 0).astype(np.float32)
    shadow = np.minimum.accumulate(distance[:, :, ::-1], axis=2)[:, :, ::-1]
    return np.stack((t1, grey, white, distance, shadow)), np.array(images[0].affine)


def _deformed(maps: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Turned, scaled and sheared a little, then bent over centimetres and over millimetres."""
    shape = maps.shape[1:]
    middle = (np.array(shape).reshape(3, 1, 1, 1) - 1) / 2
    matrix = np.eye(3) + 0.04 * rng.normal(size=(3, 3))
    places = np.tensordot(matrix, np.indices(shape, np.float32) - middle, 1) + middle
    for knots, size in ((6, 4.0), (16, 0.8)):  # mm
        places += [size * _field(knots, shape, rng) for _ in range(3)]
    return [ndimage.map_coordinates(part, places, order=1, mode="nearest") for part in maps]


def _brain(grey: np.ndarray, white: np.ndarray, shrunk: float) -> np.ndarray:
    """The most probable tissue: sharp, as in a single head, where the average of many is not.

    The more it has `shrunk`, the wider are ventricles and furrows.
    """
    fluid = shrunk * (1 - grey - white)
    return np.array([_FLUID, _GREY, _WHITE], np.uint8)[np.argmax((fluid, grey, white), axis=0)]


def _wrapped(distance: np.ndarray, shadow: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Fluid, skull and scalp in layers of varying thickness around the brain, a synthetic face and neck below."""
    shape = distance.shape
    thicknesses = rng.uniform((0.5, 3.0, 3.0), (3.0, 7.0, 9.0))
    layers = [thickness * np.exp(0.2 * _field(5, shape, rng)) for thickness in thicknesses]
    fluid, skull, skin = np.cumsum(layers, axis=0)
    tissue = np.full(shape, _AIR, np.uint8)
    below = np.digitize(_field(20, shape, rng), (-0.8, -0.4, 0.4))
    head = shadow < skin
    tissue[head] = np.array([_AIR, _BONE, _MUSCLE, _FAT], np.uint8)[below][head]
    tissue[head & (shadow > skull)] = _FAT
    tissue[head & (shadow > skin - 1.5)] = _MUSCLE
    tissue[distance < skull] = _BONE
    inner = (distance - fluid) / layers[1]
    tissue[(inner > 0.35) & (inner < 0.7) & (layers[1] > 4)] = _MARROW
    tissue[distance < fluid] = _FLUID
    return tissue


def _shades(t1: np.ndarray, tissue: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """0.._SHADES - 1: deviation of the T1 from the mean of its tissue, plus a random texture."""
    shades = 0.2 * _field(16, tissue.shape, rng) + 0.15 * _field(48, tissue.shape, rng)
    for brain in (_FLUID, _GREY, _WHITE):
        inside = (tissue == brain) & (t1 > 0)
        values = t1[inside]
        shades[inside] += 0.4 * (values - values.mean()) / max(float(values.std()), 1e-6)
    return ((shades.clip(-1, 1) + 1) / 2 * (_SHADES - 1)).round().astype(np.uint8)


def _cropped(codes: np.ndarray, shown: np.ndarray, affine: np.ndarray) -> Image:
    """The visible part, with a little air around it as in a scan."""
    box = ndimage.find_objects(shown.astype(np.int32))[0]
    box = tuple(slice(max(part.start - _AROUND, 0), part.stop + _AROUND) for part in box)
    moved = affine.copy()
    moved[:3, 3] += affine[:3, :3] @ [part.start for part in box]
    return Image(np.ascontiguousarray(codes[box]), moved)


def _field(knots: int, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    return smooth_field(rng.standard_normal((knots,) * 3, np.float32), shape)


def _blurred(values: np.ndarray, shape: tuple[int, ...], sigma: float) -> np.ndarray:
    """Voxels that mix the tissues at their edges: a Gaussian of `sigma` voxels, along each axis."""
    i, j, k = shape
    # OpenCV blurs pictures: with axis 0 down; then with axes 0 and 1 down, whose ends meet in air.
    values = cv2.GaussianBlur(values.reshape(i, j * k), (1, 3), 0, sigmaY=sigma)
    return cv2.GaussianBlur(values.reshape(i * j, k), (3, 3), sigma).reshape(shape)
