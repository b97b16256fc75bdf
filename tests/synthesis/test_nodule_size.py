"""Size modulation: what is asked for is what comes, from five pixels on, and the shape stays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.shape_measures import elongation, equivalent_axes, equivalent_diameter, main_part, solidity
from monai_inpaint.synthesis.nodules.size import modulate_size, scaled_shape

SIDE = 128


def lobed(stretch: float, angle: float, lobes: list[float], side: int = SIDE) -> np.ndarray:
    """A star-shaped outline: an ellipse with waves along its rim."""
    rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
    across = rows * np.cos(angle) + columns * np.sin(angle)
    along = (columns * np.cos(angle) - rows * np.sin(angle)) / stretch
    turn = np.arctan2(across, along)
    rim = 1 + sum(lobe * np.cos((n + 2) * turn) for n, lobe in enumerate(lobes))
    return np.hypot(across, along) < 0.2 * side * rim


shapes = st.builds(
    lobed,
    st.floats(1.0, 2.0),
    st.floats(0.0, np.pi),
    st.lists(st.floats(-0.12, 0.12), min_size=0, max_size=4),
)


@settings(max_examples=40, deadline=None)
@given(shapes, st.floats(5.0, 120.0))
def test_a_diameter_is_met_within_two_percent(shape: np.ndarray, diameter: float) -> None:
    assert equivalent_diameter(modulate_size(shape, diameter)) == pytest.approx(diameter, rel=0.02)


@settings(max_examples=25, deadline=None)
@given(shapes, st.floats(5.0, 40.0), st.floats(0.2, 1.0), st.floats(0.7, 1.4))
def test_a_diameter_in_mm_is_met_on_any_pixels(
    shape: np.ndarray, pixels: float, spacing: float, stretch: float
) -> None:
    pixel = (spacing, spacing * stretch)
    diameter = pixels * max(pixel)

    assert equivalent_diameter(scaled_shape(shape, diameter, pixel), pixel) == pytest.approx(diameter, rel=0.02)


@pytest.mark.parametrize("diameter", [40, 70, 100])
def test_the_shape_stays(diameter: float) -> None:
    shape = lobed(1.5, 0.7, [0.1, 0.05])

    scaled = modulate_size(shape, diameter)

    assert scaled.shape == (256, 256)
    assert elongation(scaled) == pytest.approx(elongation(shape), rel=0.03)
    assert solidity(scaled) == pytest.approx(solidity(shape), abs=0.03)
    rows, columns = (np.flatnonzero(scaled.any(axis=axis)) for axis in (1, 0))
    assert abs(rows[0] + rows[-1] - 255) <= 1
    assert abs(columns[0] + columns[-1] - 255) <= 1


def test_the_diameter_of_a_disc_is_its_own() -> None:
    disc = lobed(1.0, 0.0, [])

    assert equivalent_axes(disc) == pytest.approx((0.4 * SIDE, 0.4 * SIDE), rel=0.01)
    assert equivalent_diameter(disc, (0.5, 0.5)) == pytest.approx(0.2 * SIDE, rel=0.01)


def test_solidity_is_one_of_a_square_and_less_of_an_l() -> None:
    square = np.zeros((9, 9), bool)
    square[2:7, 2:7] = True
    corner = square.copy()
    corner[2:5, 4:7] = False

    assert solidity(square) == pytest.approx(1.0)
    assert solidity(corner) == pytest.approx(16 / 20.5)


def test_the_main_part_is_the_largest_without_holes() -> None:
    mask = np.zeros((12, 12), bool)
    mask[1:7, 1:7] = True
    mask[3, 3] = False
    mask[10, 10] = True

    assert main_part(mask).sum() == 36
    assert not main_part(np.zeros((4, 4), bool)).any()


def test_a_diameter_below_a_pixel_is_one_pixel() -> None:
    assert scaled_shape(lobed(1.0, 0.0, []), 0.3).tolist() == [[True]]


@pytest.mark.parametrize(("mask", "diameter", "said"), [(0, 10.0, "empty"), (1, 0.0, "positive"), (1, 300.0, "fit")])
def test_bad_input_is_one_sentence(mask: int, diameter: float, said: str) -> None:
    with pytest.raises(InputError, match=said):
        modulate_size(np.full((8, 8), bool(mask)), diameter)
