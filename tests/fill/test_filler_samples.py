"""Samples, and the spread and doubt that they give."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from filler_samples import RowMeans, RowMeansAndNoise, engine_is, head, square

from monai_inpaint import Filler, InputError
from monai_inpaint.fill.sampler import SAMPLE_TIME, SAMPLERS
from monai_inpaint.fill.uncertainty import DEPTH
from monai_inpaint.registry import BundleInfo


def drawing_by(sampler: str, bundle: BundleInfo) -> BundleInfo:
    return replace(bundle, capabilities=replace(bundle.capabilities, sampler=sampler))


LAST = SAMPLERS["flow"].times[-1]


@pytest.fixture
def sampler(monkeypatch: pytest.MonkeyPatch) -> RowMeansAndNoise:
    return engine_is(RowMeansAndNoise(), monkeypatch)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> RowMeans:
    return engine_is(RowMeans(), monkeypatch)


def test_the_same_seed_gives_the_same_sample_and_another_seed_another(sampler: RowMeansAndNoise) -> None:
    filler, hole = Filler("mr"), square((160, 160, 3), (60, 60, 0), 3)
    image = np.dstack([head()] * 3)
    first, again, other = (filler(image, hole, sample=True, seed=seed).image for seed in (3, 3, 4))

    assert np.array_equal(first, again)
    assert (first[hole] != other[hole]).all()
    assert np.array_equal(first[~hole], image[~hole])
    assert (first[hole] != filler(image, hole).image[hole]).all()


def test_slices_of_a_sample_have_noise_of_their_own(sampler: RowMeansAndNoise) -> None:
    filled = Filler("mr")(np.dstack([head()] * 3), square((160, 160, 3), (60, 60, 0), 3), sample=True).image

    assert (filled[60:63, 60:63, 0] != filled[60:63, 60:63, 1]).all()


def test_equal_holes_at_two_places_get_unequal_noise_from_one_seed(sampler: RowMeansAndNoise) -> None:
    image = np.full((160, 160), 500, np.float32)
    changes = []
    for place in ((60, 60), (60, 61)):
        hole = square(image.shape, place, 8)
        changes.append((Filler("mr")(image, hole, sample=True).image - image)[hole])

    assert changes[0].std() > 0
    assert not np.isclose(*changes).any()


def test_a_slice_of_a_sample_does_not_depend_on_the_other_slices(sampler: RowMeansAndNoise) -> None:
    image, hole = np.dstack([head()] * 3), np.zeros((160, 160, 3), bool)
    hole[60:70, 60:70, 1] = True
    alone = Filler("mr")(image, hole, sample=True).image
    hole[80:90, 30:40, 0] = True

    assert np.array_equal(Filler("mr")(image, hole, sample=True).image[..., 1], alone[..., 1])


def test_the_spread_is_the_standard_deviation_of_the_samples_times_the_bundles_factor_and_grows_inwards(
    sampler: RowMeansAndNoise,
) -> None:
    filler, image, hole = Filler("mr"), head(), square((160, 160), (60, 60), 20)
    filler.bundle = drawing_by("flow", replace(filler.bundle, spread_factor=1.7))
    fill = filler(image, hole, samples=40, seed=1)
    factor = 1.7

    assert fill.spread.dtype == np.float32
    assert not fill.spread[~hole].any()
    assert fill.spread[60:80, 60].mean() == pytest.approx(factor * (1 + 1 / DEPTH) * 10 * LAST, rel=0.05)
    assert fill.spread[70, 70] == pytest.approx(factor * (1 + 10 / DEPTH) * 10 * LAST, rel=0.05)
    assert np.array_equal(fill.image, filler(image, hole).image)  # still the best estimate
    assert fill.report["drawn"] == {"fill": "best estimate", "samples": 40, "seed": 1}


def test_report_and_spread_tell_the_same_calibrated_error_and_name_its_factors(sampler: RowMeansAndNoise) -> None:
    filler, hole = Filler("mr"), square((160, 160), (60, 60), 20)
    filler.bundle = replace(filler.bundle, spread_factor=3.0, noise_factor=0.5)
    fill = filler(head(), hole, samples=4)

    assert fill.report["spread"] == {"factor": 3.0, "noise_factor": 0.5}
    assert fill.report["doubt"]["expected_rmse"] == pytest.approx(np.sqrt(np.mean(fill.spread[hole] ** 2)), rel=1e-4)
    sampled = filler(head(), hole, sample=True, samples=4)
    assert sampled.report["spread"] == fill.report["spread"]
    assert np.array_equal(sampled.spread, fill.spread)


def test_a_sample_with_a_spread_is_the_first_sample(sampler: RowMeansAndNoise) -> None:
    filler, image, hole = Filler("mr"), head(), square((160, 160), (60, 60), 20)

    fill = filler(image, hole, sample=True, samples=2, seed=1)

    assert np.array_equal(fill.image, filler(image, hole, sample=True, seed=1).image)
    assert fill.spread[hole].all()


def test_a_large_hole_is_sampled_coarse_to_fine(sampler: RowMeansAndNoise) -> None:
    image, hole = head(512), square((512, 512), (100, 100), 300)
    first, other = (Filler("mr")(image, hole, sample=True, seed=seed).image for seed in (0, 1))

    assert (first[hole] != other[hole]).mean() > 0.99
    assert np.array_equal(first[~hole], image[~hole])


def test_progress_of_samples_runs_once_from_start_to_end(sampler: RowMeansAndNoise) -> None:
    steps: list[tuple[int, int]] = []
    hole = square((160, 160, 3), (60, 60, 0), 3)
    Filler("mr")(np.dstack([head()] * 3), hole, samples=2, progress=lambda done, total: steps.append((done, total)))

    assert len({total for _, total in steps}) == 1
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert steps[-1][0] == steps[-1][1]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"samples": 1}, "at least 2"),
        ({"samples": -2}, "at least 2"),
        ({"samples": 10**9}, "at most"),
        ({"seed": -1}, "negative"),
    ],
)
def test_impossible_samples_are_refused(sampler: RowMeansAndNoise, asked: dict[str, int], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Filler("mr")(head(), square((160, 160), (60, 60), 20), **asked)


def test_a_network_without_noise_draws_no_samples(engine: RowMeans) -> None:
    with pytest.raises(InputError, match="draws no samples"):
        Filler("mr")(head(), square((160, 160), (60, 60), 20), sample=True)


def test_there_is_no_spread_without_samples(engine: RowMeans) -> None:
    with pytest.raises(InputError, match="at least 2 samples"):
        _ = Filler("mr")(head(), square((160, 160), (60, 60), 20)).spread


def test_the_report_says_where_a_fill_is_no_better_than_a_biharmonic_one(sampler: RowMeansAndNoise) -> None:
    ramp = np.repeat(np.arange(160, dtype=np.float32)[:, None], 160, axis=1)  # along a row its mean is the truth
    hole = square((160, 160), (60, 60), 20)
    plain = Filler("mr")(ramp, hole, samples=20).report["doubt"]
    better = Filler("mr")(ramp + 500 * (np.arange(160) % 2)[:, None], hole, samples=20).report["doubt"]

    assert plain["gain_over_biharmonic_db"] == pytest.approx(0.0, abs=0.1)
    assert "no better" in plain["verdict"]
    assert better["gain_over_biharmonic_db"] > 10
    assert f"about {better['gain_over_biharmonic_db']:.1f} dB better" in better["verdict"]


def test_a_report_without_samples_estimates_no_doubt(sampler: RowMeansAndNoise) -> None:
    assert not {"doubt", "spread"} & set(Filler("mr")(head(), square((160, 160), (60, 60), 20)).report)


def test_a_bundle_that_draws_in_one_step_is_shown_its_estimate_and_noise_once(sampler: RowMeansAndNoise) -> None:
    filler, hole = Filler("mr"), square((160, 160), (60, 60), 20)
    filler.bundle = drawing_by("flow", filler.bundle)
    several = filler(head(), hole, sample=True, seed=3).image
    filler.bundle = drawing_by("one-step", filler.bundle)
    once, again = (filler(head(), hole, sample=True, seed=3).image for _ in range(2))

    assert np.array_equal(once, again)
    assert (once[hole] != several[hole]).mean() > 0.9
    assert np.array_equal(once[~hole], head()[~hole])
    spread = filler(head(), hole, samples=40).spread
    assert spread[60:80, 60].mean() == pytest.approx(
        filler.bundle.spread_factor * (1 + 1 / DEPTH) * 10 * SAMPLE_TIME, rel=0.25
    )
