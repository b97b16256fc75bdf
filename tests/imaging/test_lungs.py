"""Where the lungs are found in films."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lung_samples import LEFT, RIGHT, SIDE, Ellipse, film

from monai_inpaint.imaging.lungs import lung_boxes
from monai_inpaint.synthesis.holes import draw_boxes


def overlap(box: list[list[int]], lung: Ellipse, shape: tuple[int, int] = (SIDE, SIDE)) -> float:
    """Intersection over union of a box and that of a lung."""
    found, there = draw_boxes(shape, boxes=[box]), np.zeros(shape, bool)
    middle, half = np.array(lung[:2]), np.array(lung[2:])
    (top, left), (bottom, right) = ((np.array([middle - half, middle + half])) * shape).astype(int)
    there[top:bottom, left:right] = True
    return float((found & there).sum() / (found | there).sum())


@pytest.mark.parametrize("moved", [(0.0, 0.0), (0.08, 0.04), (-0.08, -0.04)])
@pytest.mark.parametrize("shape", [(256, 256), (400, 300), (1024, 1024)])
def test_each_box_lies_around_its_lung(moved: tuple[float, float], shape: tuple[int, int]) -> None:
    lungs = [(row + moved[0], column + moved[1], tall, wide) for row, column, tall, wide in (RIGHT, LEFT)]
    boxes = lung_boxes(film(*lungs, shape=shape))

    assert [overlap(box, lung, shape) > 0.7 for box, lung in zip(boxes, lungs, strict=True)] == [True, True]


def test_a_lung_that_disease_hides_takes_its_box_from_the_other_one() -> None:
    right, left = lung_boxes(film(RIGHT))

    assert overlap(right, RIGHT) > 0.7
    assert overlap(left, LEFT) > 0.5


def test_units_do_not_matter() -> None:
    pixels = film(RIGHT, LEFT)

    assert lung_boxes(16 * pixels - 1000) == lung_boxes(pixels)


def test_air_beside_the_patient_is_no_lung() -> None:
    """A wide dark strip at one side, as where the film is not collimated to the patient."""
    narrow = film(RIGHT, LEFT)
    wide = np.pad(narrow, ((0, 0), (0, 60)), constant_values=5)
    boxes = lung_boxes(wide)

    assert boxes[1][1][1] < 0.9 * SIDE
    assert overlap(boxes[0], RIGHT) > 0.5


@pytest.mark.parametrize("value", [0, 200])
def test_in_a_film_that_shows_nothing_the_boxes_lie_where_lungs_usually_do(value: int) -> None:
    boxes = lung_boxes(np.full((SIDE, SIDE), value, np.uint8))

    assert [overlap(box, lung) > 0.5 for box, lung in zip(boxes, (RIGHT, LEFT), strict=True)] == [True, True]


@settings(max_examples=30, deadline=None)
@given(rows=st.integers(16, 300), columns=st.integers(16, 300), seed=st.integers(0, 9))
def test_boxes_are_never_empty_and_lie_in_the_film_side_by_side(rows: int, columns: int, seed: int) -> None:
    (top, left), (bottom, right) = (first := lung_boxes(np.random.default_rng(seed).normal(size=(rows, columns))))[0]
    (other_top, other_left), (other_bottom, other_right) = first[1]

    assert (top, bottom) == (other_top, other_bottom)
    assert 0 <= top < bottom <= rows
    assert 0 <= left < right <= columns
    assert 0 <= other_left < other_right <= columns
    assert left < other_left
