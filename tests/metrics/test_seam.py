"""The seam of a fill: 1 in an image without a border, more with a step along it."""

from __future__ import annotations

import numpy as np
import pytest

from monai_inpaint.errors import InputError
from monai_inpaint.metrics.seam import seam

HOLE = np.zeros((64, 48), bool)
HOLE[20:40, 10:30] = True


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(100, 10, HOLE.shape)


def test_an_image_that_knows_nothing_of_the_hole_has_no_seam() -> None:
    assert np.mean([seam(noise(seed), HOLE) for seed in range(20)]) == pytest.approx(1, abs=0.05)
    rows = np.tile(np.arange(64.0)[:, None], (1, 48))
    columns = np.tile(np.arange(48.0), (64, 1))
    assert seam(rows + columns, HOLE) == pytest.approx(1)


def test_a_step_along_the_border_is_a_seam_as_large_as_it_is_against_the_noise() -> None:
    shifted = noise() + 50 * HOLE
    # the mean absolute difference of two normal values is 2 / sqrt(pi) times their deviation
    assert seam(shifted, HOLE) == pytest.approx(50 / (20 / np.sqrt(np.pi)), rel=0.05)
    assert seam(noise() + 5 * HOLE, HOLE) < seam(shifted, HOLE)


def test_it_is_the_same_of_the_complement_and_in_any_unit() -> None:
    shifted = noise() + 50 * HOLE

    assert seam(shifted, ~HOLE) == seam(shifted, HOLE)
    assert seam(7 * shifted - 3, HOLE) == pytest.approx(seam(shifted, HOLE))


def test_pairs_beside_the_border_are_on_its_line_within_reach() -> None:
    line, hole = np.array([0.0, 0, 1, 3, 13, 14, 16, 99]), np.array([0, 0, 0, 0, 1, 1, 1, 1], bool)

    assert seam(line, hole, reach=1) == pytest.approx(10 / np.mean([2, 1]))
    assert seam(line, hole, reach=2) == pytest.approx(10 / np.mean([1, 2, 1, 2]))


def test_flat_images_have_none_or_an_infinite_one() -> None:
    assert seam(np.ones(HOLE.shape), HOLE) == 1
    assert seam(HOLE.astype(float), HOLE) == float("inf")


@pytest.mark.parametrize("hole", [np.ones((64, 48), bool), np.zeros((64, 48), bool), np.ones((2, 2), bool)])
def test_what_has_no_border_is_refused(hole: np.ndarray) -> None:
    with pytest.raises(InputError, match="border|shape"):
        seam(noise(), hole)
