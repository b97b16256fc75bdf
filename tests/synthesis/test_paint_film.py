"""A film is drawn where it is to be, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from nodule_samples import ct, film
from painting_samples import GRAIN, LEVEL

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.synthesis.painting.film_window import grey_range
from monai_inpaint.synthesis.painting.paint import paint_film

pytestmark = pytest.mark.usefixtures("painting_home")


def kept(shape: tuple[int, ...] = (512, 512)) -> np.ndarray:
    inside = np.zeros(shape, bool)
    inside[200:300, 120:220] = True
    return inside


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16])
def test_what_is_kept_comes_back_bit_for_bit(dtype: type) -> None:
    source = Image(film().astype(dtype) * dtype(1 if dtype is np.uint8 else 100))

    made = paint_film(source, ~kept(), seed=3)

    assert made.image.voxels.dtype == dtype
    np.testing.assert_array_equal(made.image.voxels[kept()], source.voxels[kept()])
    assert (made.image.voxels != source.voxels)[~kept()].mean() > 0.5
    assert made.report["untouched"]["before"] == made.report["untouched"]["after"]
    assert made.report["synthetic"] is True


def test_far_from_what_is_kept_the_network_answers_in_the_films_own_range() -> None:
    scaled = film().astype(np.uint16) * 16 + 1000

    made = paint_film(Image(scaled), ~kept(), seed=3).image.voxels

    low, high = grey_range(scaled.astype(np.float32))
    greys = (made[400:, 300:] - low) * 255 / (high - low)
    assert greys.mean() == pytest.approx(LEVEL, abs=2)
    assert 0.3 * GRAIN < greys.std() < GRAIN


def test_the_seam_fits_what_is_kept() -> None:
    source = film()
    source[kept()] = 220

    made = paint_film(Image(source), ~kept(), seed=3).image.voxels

    assert made[250, 119] > LEVEL + 2 * GRAIN  # on the way from the one to the other
    assert made[250, 60:70].mean() == pytest.approx(LEVEL, abs=3 * GRAIN)


def test_a_seed_draws_the_same_again_and_another_one_another() -> None:
    made = [paint_film(Image(film()), kept(), seed=seed).image.voxels for seed in (1, 1, 2)]

    np.testing.assert_array_equal(made[0], made[1])
    assert (made[0] != made[2])[kept()].mean() > 0.5


def test_8_bit_films_keep_their_greys_and_inverted_ones_are_their_negatives() -> None:
    assert grey_range(film().astype(np.float32)) == (0, 255)
    assert grey_range(-film().astype(np.float32)) == (-255, 0)
    low, high = grey_range(np.linspace(-3000, 3000, 1000, dtype=np.float32))
    assert (low, high) == pytest.approx((-2970, 2970), abs=1)


@pytest.mark.parametrize(
    ("image", "hole", "why"),
    [
        (ct(), np.ones((192, 192), bool), "not a chest film"),
        (Image(film()), np.zeros((512, 512), bool), "nothing is to be drawn"),
        (Image(film()), np.ones((512, 512), bool), "all is to be drawn"),
        (Image(film()), np.ones((5, 5), bool), "must be the same"),
    ],
)
def test_what_cannot_be_painted_is_refused_in_one_sentence(image: Image, hole: np.ndarray, why: str) -> None:
    with pytest.raises(InputError, match=why):
        paint_film(image, hole)
