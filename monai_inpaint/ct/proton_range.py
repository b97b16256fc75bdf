"""Error of the proton range, if a corrected CT were used for planning."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from monai_inpaint.ct.attenuation import MATERIALS
from monai_inpaint.ct.scanner import relative_to_water

_TISSUES = ("lung", "fat", "muscle", "bone")
_KVP = 120
_BESIDE = 30.0  # mm beside and behind the metal that beams reach
_SQUARED_SPEED = 0.183  # of protons of 100 MeV, in units of light's
_ELECTRON = 511.0e3  # eV

# Atomic number over mass number, and mean excitation energy in eV of the element in a compound (ICRU report 49, 1993).
_ELEMENTS = {
    "H": (0.9922, 19.2),
    "C": (0.4995, 81.0),
    "N": (0.4998, 82.0),
    "O": (0.5000, 106.0),
    "Na": (0.4785, 168.0),
    "Mg": (0.4937, 176.0),
    "P": (0.4843, 195.5),
    "S": (0.4990, 203.4),
    "Cl": (0.4795, 196.6),
    "K": (0.4860, 214.7),
    "Ca": (0.4990, 215.8),
}


def stopping_power(hu: np.ndarray) -> np.ndarray:
    """Compute the stopping power for 100 MeV protons relative to water, float64: linear between tissues.

    Tissues are those of ICRU report 44; their HU are the simulated scanner's at 120 kV (Schneider et al. 1996, Physics
    in Medicine and Biology 41, 111-124, section 2). A clinic's own curve differs by its scanner and protocol.
    """
    return np.interp(hu, *_curve())


def range_shift(truth: np.ndarray, made: np.ndarray, metal: np.ndarray, spacing: Sequence[float]) -> float:
    """Compute the root mean square error of the proton range behind the metal, in mm of water.

    Parallel beams enter along both axes of the array from both sides. Their rays pass the metal at most 30 mm beside it
    and end 30 mm behind it; the range is the sum of stopping powers along a ray. Metal counts as water in both images.

    Args:
        truth, made: (rows, columns) HU.
        metal: bool.
        spacing: mm between rows and between columns.
    """
    if not metal.any():
        return math.nan
    off = np.where(metal, 0.0, stopping_power(made) - stopping_power(truth))
    errors = []
    for turns in range(4):
        along, across = spacing[turns % 2], spacing[1 - turns % 2]
        beam, marked = np.rot90(off, turns), np.rot90(metal, turns)
        rows, columns = np.flatnonzero(marked.any(axis=1)), np.flatnonzero(marked.any(axis=0))
        end, margin = int(rows[-1] + _BESIDE / along) + 1, int(_BESIDE / across)
        passing = slice(max(int(columns[0]) - margin, 0), int(columns[-1]) + margin + 1)
        errors.append(beam[:end, passing].sum(axis=0) * along)
    return float(np.sqrt(np.mean(np.concatenate(errors) ** 2)))


@lru_cache(maxsize=1)
def _curve() -> tuple[list[float], list[float]]:
    """HU and stopping power relative to water, rising."""
    tissues = [(1000.0 * (relative_to_water(name, _KVP) - 1.0), _relative(name)) for name in _TISSUES]
    points = sorted([(-1000.0, 0.0), (0.0, 1.0), *tissues])
    # Beyond cortical bone as from muscle to it: enamel and what a scanner's scale holds at most.
    (low, less), (high, more) = points[-2:]
    points.append((3071.0, more + (3071.0 - high) * (more - less) / (high - low)))
    return [hu for hu, _ in points], [power for _, power in points]


def _relative(name: str) -> float:
    """Stopping power of a tissue over that of water (Bethe; Schneider et al. 1996, equation 6)."""
    (electrons, excitation), (in_water, of_water) = _electrons(name), _electrons("water")
    most = 2.0 * _ELECTRON * _SQUARED_SPEED / (1.0 - _SQUARED_SPEED)
    numbers = [math.log(most / energy) - _SQUARED_SPEED for energy in (excitation, of_water)]
    return electrons / in_water * numbers[0] / numbers[1]


def _electrons(name: str) -> tuple[float, float]:
    """Electrons per volume (in mol/cm3), and the mean excitation energy in eV (Bragg's rule)."""
    mixture = MATERIALS[name]
    shares = {element: mass * _ELEMENTS[element][0] for element, mass in mixture.parts.items()}
    total = sum(shares.values())
    mean = sum(share * math.log(_ELEMENTS[element][1]) for element, share in shares.items()) / total
    return mixture.density * total / sum(mixture.parts.values()), math.exp(mean)
