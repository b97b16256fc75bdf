"""The value that the voxels of an implant get in a corrected CT, as treatment planning systems expect it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image

# HU of metals as a 16-bit scanner gives them at 120 kV. Titanium and steel: the largest values in rods in a
# phantom, from "Effect of 16-bit computed tomography imaging of metallic implants on dose distribution in
# radiotherapy". Cobalt chromium: that of steel, by the ratio of their attenuation at 73 keV (`ct.attenuation`).
IMPLANT_HU = {"titanium": 7140.0, "steel": 13127.0, "cobalt-chromium": 14776.0}


@dataclass(frozen=True)
class ImplantValue:
    """A value in HU, and its material; None for one given as a number."""

    hu: float
    material: str | None = None

    def facts(self) -> dict[str, Any]:
        """For the report."""
        return {"hu": self.hu, "material": self.material}


def implant_value(given: str | float, image: Image) -> ImplantValue:
    """Return the value that an implant in a CT gets, in HU as the image stores it (rounded by its rescale).

    Args:
        given: a number in HU, or a material in `IMPLANT_HU`.
        image: the CT that has to store it.

    Raises:
        InputError: neither a number nor a known material, or a value that the image cannot store.
    """
    wanted, name = value_of(given), image.path or "The image"
    hu, material = wanted.hu, wanted.material
    probe = replace(image, voxels=image.voxels[:1, :1])  # of each slice one voxel, since each may have its own rescale

    def held(value: float) -> np.ndarray:
        return replace(probe, voxels=probe.stored(np.full(probe.voxels.shape, value))).units()

    ends = np.sort([held(-1e9), held(1e9)], axis=0)
    low, high = float(ends[0].max()), float(ends[1].min())
    wanted = f"{hu:g} HU ({material})" if material else f"{hu:g} HU"
    if image.voxels.dtype.kind != "f" and not low <= hu <= high:
        raise InputError(
            f"{name} stores values from {low:g} to {high:g} HU, so its metal cannot get {wanted}; give a value within, "
            "or the scan on an extended scale (16 bits)."
        )
    value = held(hu)
    if np.abs(value - hu).max() > 0.5 * np.abs(image.slope).max() + 0.01:
        raise InputError(f"{name} marks what was not measured by {wanted} (padding); give another value for its metal.")
    return ImplantValue(float(value.flat[0]), material)


def value_of(given: str | float) -> ImplantValue:
    """Return the value of a number or the name of a material.

    Raises:
        InputError: it is neither.
    """
    if isinstance(given, str) and given in IMPLANT_HU:
        return ImplantValue(IMPLANT_HU[given], given)
    try:
        hu = float(given)
    except ValueError:
        hu = math.nan
    if not math.isfinite(hu):
        raise InputError(f"The value of the metal, {given!r}, must be a number in HU or {', '.join(IMPLANT_HU)}.")
    return ImplantValue(hu)
