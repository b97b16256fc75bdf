"""Polychromatic forward model of a CT scanner: spectrum, beam hardening, noise and water correction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from monai_inpaint.ct.attenuation import attenuation
from monai_inpaint.errors import InputError

# Photons per 10,000 in bins of 5 keV from 20 keV on, of a tungsten anode at 7 degrees behind 3 mm of aluminium and 0.9
# mm of titanium, by peak voltage. Computed with SpekPy 2.5.4 (Poludniowski, Omar, Bujila, Andreo 2021, Medical Physics
# 48, 3630-3637): Spek(kvp=kvp, th=7, dk=0.5, physics="casim").filter("Al", 3.0).filter("Ti", 0.9). Half-value layers
# 5.8, 7.1, 8.1 and 9.0 mm of aluminium. Kept as a table because the package takes 215 MB and seconds to start.
_FIRST, _WIDTH = 20.0, 5.0
_PHOTONS = {
    80: (15, 171, 572, 1032, 1344, 1457, 1412, 1454, 1047, 849, 469, 178),
    100: (8, 99, 353, 675, 927, 1061, 1091, 1610, 964, 1027, 623, 533, 432, 321, 203, 73),
    120: (5, 66, 249, 499, 712, 845, 898, 1674, 852, 1031, 563, 521, 471, 415, 357, 296, 234, 171, 105, 37),
    140: (3, 48, 190, 395, 584, 711, 775, 1680, 770, 1007, 496, 476, 448, 414, 377, 339, 299, 260, 220, 181, 141, 102,
          62, 21),
}  # fmt: skip
_TYPICAL = 200.0  # mm of water, behind which the effective energy is taken
_THICKEST = 6000.0  # mm of water whose signal is resolved


def spectrum(kvp: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the share of a detector's signal by energy: photons times their energy, as detectors of CT integrate it.

    Args:
        kvp: 80, 100, 120 or 140 kV.

    Returns:
        energies in keV and shares with the sum 1, each (bins,) float64.

    Raises:
        InputError: another voltage.
    """
    if kvp not in _PHOTONS:
        raise InputError(f"There is no spectrum for {kvp} kV; known are {', '.join(map(str, _PHOTONS))}.")
    photons = np.asarray(_PHOTONS[kvp], float)
    energies = _FIRST + _WIDTH * (np.arange(len(photons)) + 0.5)
    signal = photons * energies
    return energies, signal / signal.sum()


@dataclass(frozen=True)
class Scanner:
    """Settings of a scan.

    Attributes:
        kvp: of the tube, one of 80, 100, 120, 140 kV.
        photons: that reach a channel in one view with nothing in between.
        scatter: signal added equally to every channel, as a share of the mean signal behind the patient.
        water_corrected: signals are converted to thicknesses of water, as in scanners; else by the attenuation at the
            effective energy, which causes cupping in water.
    """

    kvp: int = 120
    photons: float = 1e6
    scatter: float = 0.03
    water_corrected: bool = True


def effective_energy(kvp: int) -> float:
    """Find the keV at which water attenuates as it does for the beam behind 200 mm of water."""
    energies, shares = spectrum(kvp)
    water = attenuation("water", energies)
    behind = shares * np.exp(-_TYPICAL * water)
    return float(np.interp(-(water @ behind) / behind.sum(), -water, energies))


def relative_to_water(material: str, kvp: int) -> float:
    """Compute attenuation relative to water at the effective energy; 1000 * (it - 1) is the material's HU."""
    energy = [effective_energy(kvp)]
    return float(attenuation(material, energy)[0] / attenuation("water", energy)[0])


def transmitted(paths: Mapping[str, np.ndarray], kvp: int) -> np.ndarray:
    """Compute the detected signal relative to that without an object (Beer-Lambert, summed over the spectrum).

    Args:
        paths: mm through each material, arrays that broadcast.
        kvp: of the tube.

    Returns:
        float32, 0 to 1.
    """
    energies, shares = spectrum(kvp)
    curves = {material: attenuation(material, energies).astype(np.float32) for material in paths}
    signal = np.zeros(np.broadcast_shapes(*(path.shape for path in paths.values())), np.float32)
    for number, share in enumerate(shares):
        exponent = sum(curves[material][number] * path for material, path in paths.items())
        signal += np.float32(share) * np.exp(-np.asarray(exponent, np.float32))
    return signal


def counted(signal: np.ndarray, photons: float, rng: np.random.Generator) -> np.ndarray:
    """Add Poisson noise to the signal; at least one photon counts, so that its logarithm exists."""
    return np.maximum(rng.poisson(photons * signal.astype(np.float64)), 1) / photons


def water_thickness(signal: np.ndarray, scanner: Scanner) -> np.ndarray:
    """Convert a signal to the equivalent mm of water, float32.

    Args:
        signal: share of that with nothing in between, above 0.
        scanner: with its water correction, or without: then with the attenuation at the effective energy.
    """
    depth = -np.log(signal)
    if not scanner.water_corrected:
        return (depth / attenuation("water", [effective_energy(scanner.kvp)])[0]).astype(np.float32)
    thickness, known = _behind_water(scanner.kvp)
    return np.interp(depth, known, thickness).astype(np.float32)


@lru_cache(maxsize=4)
def _behind_water(kvp: int) -> tuple[np.ndarray, np.ndarray]:
    """mm of water and the negative logarithm of the signal behind it; below 0 mm so that noise in air has a place."""
    thickness = np.concatenate([np.arange(-20.0, 600.0, 0.5), np.arange(600.0, _THICKEST, 20.0)])
    energies, shares = spectrum(kvp)
    exponents = -thickness[:, None] * attenuation("water", energies)
    return thickness, -np.log(np.exp(exponents) @ shares)
