"""Spectrum of a CT tube and response of a detector, by energy."""

from __future__ import annotations

import numpy as np

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
