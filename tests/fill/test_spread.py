"""The spread: samples' distance as the error to expect, calibrated by two numbers of the bundle."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from monai_inpaint import Image, InputError
from monai_inpaint.fill.compose import Patch
from monai_inpaint.fill.uncertainty import DEPTH, noise_near, spread_of
from monai_inpaint.imaging.bounding_box import around
from monai_inpaint.imaging.modality import MODALITIES
from monai_inpaint.registry import find_bundle

SHAPE = (96, 96)


def hole_at(row: int, column: int, side: int = 32) -> np.ndarray:
    hole = np.zeros(SHAPE, bool)
    hole[row : row + side, column : column + side] = True
    return hole


def samples(hole: np.ndarray, count: int, width: float) -> list[list[Patch]]:
    """Samples that lie apart by that standard deviation, and are alike with 0."""
    box = around(hole, 0)
    rng = np.random.default_rng(0)
    return [[Patch(box, hole[box], width * rng.standard_normal(hole[box].shape, np.float32))] for _ in range(count)]


def spread_in(hole: np.ndarray, count: int = 200, width: float = 5.0, image: np.ndarray | None = None, **factors):
    """The spread in its place, 0 outside of the hole."""
    (patch,) = spread_of(
        Image(np.zeros(SHAPE) if image is None else image), hole, samples(hole, count, width), **factors
    )
    placed = np.zeros(SHAPE)
    placed[patch.index] = np.where(patch.hole, patch.units, 0)
    return placed


def test_without_factors_the_spread_at_the_rim_is_about_the_standard_deviation_of_the_samples() -> None:
    spread = spread_in(hole_at(32, 32))

    assert spread[32:64, 32] == pytest.approx(5 * (1 + 1 / DEPTH), rel=0.05)


def test_the_spread_is_as_many_times_as_large_as_the_factor_says() -> None:
    hole = hole_at(32, 32)

    np.testing.assert_allclose(spread_in(hole, factor=2.5), 2.5 * spread_in(hole))


def test_samples_are_trusted_less_the_further_a_voxel_lies_from_all_that_is_known() -> None:
    spread = spread_in(hole_at(32, 32))

    assert spread[47, 47] / spread[47, 32] == pytest.approx((1 + 16 / DEPTH) / (1 + 1 / DEPTH), rel=0.1)


def test_beyond_the_border_of_the_image_nothing_is_known() -> None:
    spread = spread_in(hole_at(0, 32))

    assert spread[0, 47] / spread[31, 47] == pytest.approx((1 + 16 / DEPTH) / (1 + 1 / DEPTH), rel=0.1)


def test_two_samples_that_happen_to_meet_in_a_voxel_are_not_trusted_there() -> None:
    hole = hole_at(32, 32)

    few, many = spread_in(hole, count=2)[hole], spread_in(hole)[hole]

    assert (few / many).min() > 0.5
    assert (few / many).max() < 1.6


def test_the_noise_of_the_known_voxels_is_expected_in_the_hole_even_where_samples_agree() -> None:
    hole = hole_at(32, 32)
    image = np.random.default_rng(1).normal(100, 7, SHAPE)

    alike, apart = (spread_in(hole, width=width, image=image, noise_factor=2.0)[hole] for width in (0, 5))

    assert alike == pytest.approx(14, rel=0.1)
    np.testing.assert_allclose(apart, np.hypot(spread_in(hole)[hole], alike))
    assert not spread_in(hole, width=0, image=image).any()


def test_slices_of_a_volume_have_spread_and_noise_of_their_own() -> None:
    hole = hole_at(32, 32)
    box = around(hole, 0)
    noise = np.random.default_rng(1).standard_normal(SHAPE)
    volume = Image(np.stack([noise, 10 * noise], axis=-1))
    drawn = [
        [Patch((*box, k), hole[box], (k + 1) * patch.units) for k in range(2)] for (patch,) in samples(hole, 8, 5.0)
    ]

    plain = spread_of(volume, np.stack([hole, hole], axis=-1), drawn)
    noisy = spread_of(volume, np.stack([hole, hole], axis=-1), drawn, noise_factor=100.0)

    np.testing.assert_allclose(plain[1].units, 2 * plain[0].units)
    assert noisy[1].units.mean() / noisy[0].units.mean() == pytest.approx(10, rel=0.05)


@pytest.mark.parametrize("width", [0.0, 5.0])
def test_noise_is_found_next_to_slopes_and_edges_and_only_there(width: float) -> None:
    hole = hole_at(32, 32)
    i, j = np.mgrid[: SHAPE[0], : SHAPE[1]]
    image = 3.0 * i + 2.0 * j + 500.0 * (i > j) + np.random.default_rng(0).normal(0, width, SHAPE)
    image[hole] = 1e6
    image[26] = np.nan
    image[80:] = np.random.default_rng(1).normal(0, 1000, image[80:].shape)  # out of reach

    assert noise_near(Image(image), hole, around(hole, 0)) == pytest.approx(width, abs=0.15 * width + 1e-9)


def test_where_nothing_nearby_is_known_no_noise_is_found() -> None:
    hole = np.ones((4, 4), bool)
    hole[0, 0] = False

    assert noise_near(Image(np.arange(16.0).reshape(4, 4)), hole, around(hole, 0)) == 0


def test_noise_is_reported_in_units() -> None:
    hole = hole_at(32, 32)
    stored = np.random.default_rng(0).normal(1000, 50, SHAPE).astype(np.int16)

    assert noise_near(Image(stored, slope=0.1), hole, around(hole, 0)) == pytest.approx(5, rel=0.1)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle's metadata without the factors, and nothing else."""
    metadata = json.loads((find_bundle("mr").path / "configs" / "metadata.json").read_text(encoding="utf-8"))
    for key in ("spread_factor", "noise_factor"):
        metadata.pop(key, None)
    path = tmp_path / "mine" / "configs" / "metadata.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(metadata), encoding="utf-8")
    return tmp_path / "mine"


def tell(bundle: Path, key: str, value: str) -> None:
    """Add a key with a value as JSON text."""
    path = bundle / "configs" / "metadata.json"
    path.write_text(f'{path.read_text(encoding="utf-8")[:-1]}, "{key}": {value}}}', encoding="utf-8")


@pytest.mark.parametrize("modality", MODALITIES)
def test_the_bundles_that_draw_samples_are_calibrated(modality: str) -> None:
    assert find_bundle(modality).spread_factor != 1


def test_a_bundle_that_tells_no_factors_is_taken_as_it_is(bundle: Path) -> None:
    info = find_bundle(bundle)

    assert (info.spread_factor, info.noise_factor) == (1.0, 0.0)


def test_a_bundles_factors_are_read_from_its_metadata(bundle: Path) -> None:
    tell(bundle, "spread_factor", "2")
    tell(bundle, "noise_factor", "0.5")

    assert (find_bundle(bundle).spread_factor, find_bundle(bundle).noise_factor) == (2.0, 0.5)


@pytest.mark.parametrize("key", ["spread_factor", "noise_factor"])
@pytest.mark.parametrize("value", ["0", "-1.5", "NaN", "Infinity", "true", "null", '"2"', "[2]", "1" + 400 * "0"])
def test_a_factor_that_is_no_positive_number_makes_a_damaged_bundle(bundle: Path, key: str, value: str) -> None:
    tell(bundle, key, value)

    with pytest.raises(InputError, match=f"metadata.json: the bundle is damaged .*{key}.*must be a positive number"):
        find_bundle(bundle)
