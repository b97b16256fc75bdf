"""Lungs of films and of CT, as far as placing nodules needs them."""

from __future__ import annotations

import numpy as np
import pytest
from lung_samples import LEFT, RIGHT, SIDE, ellipse
from lung_samples import film as film_with

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.lung_mask import ct_lungs, film_regions

SHAPE = (SIDE, SIDE)


def test_the_lungs_of_a_film_are_found_without_hila_and_heart() -> None:
    lungs = ellipse(SHAPE, RIGHT) | ellipse(SHAPE, LEFT)

    found = film_regions(film_with(RIGHT, LEFT))

    assert (found.lungs & lungs).sum() > 0.95 * found.lungs.sum()
    assert (found.lungs & lungs).sum() > 0.6 * lungs.sum()
    assert not (found.ribs & ~found.lungs).any()
    assert not (found.heart & lungs).sum() > 0.05 * found.heart.sum()
    hilum = found.lungs[int(0.42 * SIDE) : int(0.48 * SIDE), int(0.37 * SIDE) : int(0.63 * SIDE)]
    assert not hilum.any()


def test_units_do_not_matter() -> None:
    film = film_with(RIGHT, LEFT)

    np.testing.assert_array_equal(film_regions(film).lungs, film_regions(16 * film - 500).lungs)


def test_a_film_of_one_grey_is_refused() -> None:
    with pytest.raises(InputError, match="No lung was found"):
        film_regions(np.full(SHAPE, 3.0))


@pytest.mark.parametrize(
    ("hu", "noise", "is_lung"),
    [
        (-850.0, 0, True),
        (-920.0, 0, True),
        (-1000.0, 0, False),
        (-940.0, 15, False),  # gas of the bowel on a scanner whose air is not -1000 HU
        (-940.0, 50, True),  # emphysema, with its vessels
    ],
)
def test_air_in_the_body_of_a_ct_is_lung_and_gas_is_not(hu: float, noise: float, is_lung: bool) -> None:
    units = np.where(ellipse(SHAPE, (0.5, 0.5, 0.4, 0.45)), 40.0, -1000.0)
    units[ellipse(SHAPE, LEFT)] = np.random.default_rng(0).normal(hu, noise, ellipse(SHAPE, LEFT).sum())
    units[100:104, 170:174] = 30  # a vessel

    found = ct_lungs(units, (1.2, 1.2))

    assert found.any() == is_lung
    if is_lung:
        np.testing.assert_array_equal(found, ellipse(SHAPE, LEFT))
