"""The noise of many scales that samples are drawn from."""

from __future__ import annotations

import numpy as np
import pytest

from monai_inpaint.fill.sampler import SAMPLERS, cut_noise, drawn_noise, multiscale_noise

SIDE = 64


def fields(rows: int = SIDE, columns: int = SIDE, count: int = 200) -> np.ndarray:
    return np.stack([multiscale_noise((rows, columns), np.random.default_rng(seed)) for seed in range(count)])


@pytest.mark.parametrize("extents", [(64, 64), (50, 71)])
def test_noise_has_zero_mean_and_about_unit_variance_everywhere(extents: tuple[int, int]) -> None:
    noise = fields(*extents)

    assert noise.shape == (200, *extents)
    assert noise.mean() == pytest.approx(0, abs=0.05)
    assert noise.std() == pytest.approx(1, abs=0.08)
    assert 0.6 < noise.std(axis=0).min() < noise.std(axis=0).max() < 1.6


@pytest.mark.parametrize("distance", [1, 4, 12])
def test_noise_is_correlated_over_every_distance(distance: int) -> None:
    noise = fields()

    assert float(np.mean(noise[..., distance:] * noise[..., :-distance]) / noise.var()) > 0.05


@pytest.mark.parametrize("extents", [(1, 1), (3, 40), (5, 5)])
def test_the_smallest_holes_have_noise_too(extents: tuple[int, int]) -> None:
    assert multiscale_noise(extents, np.random.default_rng(0)).std() > 0 or extents == (1, 1)
    assert multiscale_noise(extents, np.random.default_rng(0)).shape == extents


def test_noise_lies_in_the_bounding_box_of_each_hole_and_belongs_to_its_seed() -> None:
    hole = np.zeros((2, 30, 40), bool)
    hole[:, 5:15, 8:30] = True
    hole[0, 5, 8] = False
    first, again, other = (drawn_noise(hole, [(seed, 0), (seed, 1)], SAMPLERS["one-step"]) for seed in (1, 1, 2))

    assert (first[:, 5:15, 8:30] != 0).all()
    assert not first[:, :5].any()
    assert not first[:, :, :8].any()
    assert np.array_equal(first, again)
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first, other)


def roughness(noise: np.ndarray) -> float:
    return float(np.var(np.diff(noise, axis=-1)))


@pytest.mark.parametrize("shape", [(64, 64), (128, 128), (40, 200)])
def test_noise_of_a_small_training_window_is_no_finer_than_of_the_largest(shape: tuple[int, int]) -> None:
    noise = np.stack([cut_noise(shape, SAMPLERS["one-step"], np.random.default_rng(seed)) for seed in range(30)])

    assert noise.shape == (30, *shape)
    assert roughness(noise) == pytest.approx(roughness(fields(128, 128, 10)), rel=0.15)


@pytest.mark.parametrize("side", [4, 12, 40])
def test_noise_in_a_small_hole_is_no_finer_than_in_a_training_window(side: int) -> None:
    hole = np.zeros((1, 128, 128), bool)
    hole[0, 20 : 20 + side, 30 : 30 + side] = True
    small = [
        drawn_noise(hole, [(seed,)], SAMPLERS["one-step"])[hole].reshape(side, side) for seed in range(12800 // side**2)
    ]

    assert roughness(np.stack(small)) == pytest.approx(roughness(fields(128, 128, 10)), rel=0.15)
