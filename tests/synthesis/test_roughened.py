"""Outlines get rougher, smoother or longer, and stay the outline that they were."""

from __future__ import annotations

import numpy as np
import pytest

from monai_inpaint.imaging.shape_measures import elongation, equivalent_axes, equivalent_diameter, solidity
from monai_inpaint.synthesis.nodules.outline import elongated, field_of, outline_of, roughened


def wavy() -> np.ndarray:
    rows, columns = np.mgrid[:128, :128] - 63.5
    rim = 25 + 1.5 * np.cos(11 * np.arctan2(rows, columns))
    return np.hypot(rows, columns) < rim


def ellipse(major: float, minor: float, turn: float) -> np.ndarray:
    rows, columns = np.mgrid[:128, :128] - 63.5
    along, across = (
        columns * np.cos(turn) + rows * np.sin(turn),
        rows * np.cos(turn) - columns * np.sin(turn),
    )
    return (along / major) ** 2 + (across / minor) ** 2 < 1


def test_solidity_falls_with_roughness_and_the_size_stays() -> None:
    field = field_of(wavy())

    drawn = [outline_of(roughened(field, amount)) for amount in (-0.5, 0.0, 1.0, 3.0)]

    solid = [solidity(mask) for mask in drawn]
    assert solid == sorted(solid, reverse=True)
    assert solid[0] - solid[-1] > 0.05
    sizes = [equivalent_diameter(mask) for mask in drawn]
    assert max(sizes) < 1.2 * min(sizes)


@pytest.mark.parametrize("turn", [0.0, 0.6, 2.0])
def test_a_long_outline_gets_longer_in_its_own_direction_and_keeps_its_area(turn: float) -> None:
    before = ellipse(32, 20, turn)

    after = outline_of(elongated(field_of(before), 0.5))

    log = np.log(elongation(before))
    assert np.log(elongation(after)) == pytest.approx(log + 0.5 * log**2, abs=0.02)
    assert after.sum() == pytest.approx(before.sum(), rel=0.03)
    major, minor = equivalent_axes(before & after)
    assert major > equivalent_axes(before)[0] * 0.97  # what both have reaches as far: the direction is the same
    assert minor < equivalent_axes(before)[1]


def test_a_round_outline_stays_and_nothing_is_made_of_nothing() -> None:
    circle = ellipse(25, 25, 0.0)

    assert (outline_of(elongated(field_of(circle), 0.5)) != circle).mean() < 0.002
    assert not outline_of(elongated(np.full((128, 128), -1.0), 0.5)).any()
