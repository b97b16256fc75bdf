"""A chest film without a patient: the computed projection of an analytic thorax."""

from __future__ import annotations

import numpy as np

from monai_inpaint.demo.thorax import thorax

SIDE = 512  # pixels
FIELD = 346.0  # mm
GREY_LEVELS = 4096
# Linear attenuation per mm at the mean energy of a chest film (about 60 keV): water, a quarter of it, compact bone.
_SOFT, _LUNG, _BONE = 0.0205, 0.0053, 0.056
_SCATTER = 0.35  # scattered over primary light behind a grid
_SCATTER_REACH = 18.0  # mm
_FOCUS = 0.45  # mm, sigma of focal spot and detector
_QUANTA = 4.0e4  # a pixel of the open field
_EQUALISED = 0.6  # share of the coarse brightness that digital systems take out
_COARSE = 32.0  # mm


def chest_film(seed: int = 0) -> np.ndarray:
    """Return the film of a phantom, erect from back to front, bright where little light came through.

    Beer and Lambert's law along parallel rays, scattered light, blur and quantum noise; then the logarithm and the
    harmonisation of coarse brightness that digital systems apply before a film is read.

    Args:
        seed: of vessels, lung texture and noise; one seed produces one film.

    Returns:
        (SIDE, SIDE) uint16 in 0..GREY_LEVELS - 1.
    """
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)
    spacing = FIELD / SIDE
    body = thorax(SIDE, spacing, rng)
    texture = _texture(rng, spacing)
    exponent = (
        _SOFT * body.soft
        + _LUNG * body.lung * (1 + texture)
        + (_SOFT - _LUNG) * body.vessels
        + (_BONE - _SOFT) * body.bone
    )
    primary = gaussian_filter(np.exp(-exponent), _FOCUS / spacing)
    light = primary + _SCATTER * gaussian_filter(primary, _SCATTER_REACH / spacing)
    counted = rng.poisson(_QUANTA * light) / _QUANTA
    film = -np.log(np.maximum(counted, 1 / _QUANTA))
    film -= _EQUALISED * gaussian_filter(film, _COARSE / spacing)
    low, high = np.percentile(film, (5, 99.8))
    grey = np.clip((film - low) / (high - low), 0, 1)
    return np.rint(grey * (GREY_LEVELS - 1)).astype(np.uint16)


def _texture(rng: np.random.Generator, spacing: float) -> np.ndarray:
    """Relative density of lung tissue about its mean, between the drawn vessels."""
    from scipy.ndimage import gaussian_filter

    result = np.zeros((SIDE, SIDE))
    for size, share in ((0.9, 0.035), (2.2, 0.045), (6.0, 0.04)):
        grain = gaussian_filter(rng.normal(size=(SIDE, SIDE)), size / spacing)
        result += share * grain / grain.std()
    return result
