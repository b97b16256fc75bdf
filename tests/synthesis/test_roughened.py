"""Outlines get rougher or smoother, and stay the outline that they were."""

from __future__ import annotations

import numpy as np

from monai_inpaint.imaging.shape_measures import equivalent_diameter, solidity
from monai_inpaint.synthesis.nodules.outline import field_of, outline_of, roughened


def wavy() -> np.ndarray:
    rows, columns = np.mgrid[:128, :128] - 63.5
    rim = 25 + 1.5 * np.cos(11 * np.arctan2(rows, columns))
    return np.hypot(rows, columns) < rim


def test_solidity_falls_with_roughness_and_the_size_stays() -> None:
    field = field_of(wavy())

    drawn = [outline_of(roughened(field, amount)) for amount in (-0.5, 0.0, 1.0, 3.0)]

    solid = [solidity(mask) for mask in drawn]
    assert solid == sorted(solid, reverse=True)
    assert solid[0] - solid[-1] > 0.05
    sizes = [equivalent_diameter(mask) for mask in drawn]
    assert max(sizes) < 1.2 * min(sizes)
