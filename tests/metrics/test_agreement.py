"""Statistics of readers, beside those of scipy and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from monai_inpaint.metrics.agreement import cohen_kappa, resampled_share, wilson_interval


@pytest.mark.parametrize(("right", "total"), [(0, 7), (7, 7), (13, 20), (357, 600), (1, 1)])
def test_the_interval_is_that_of_scipy(right: int, total: int) -> None:
    theirs = binomtest(right, total).proportion_ci(0.95, method="wilson")

    assert wilson_interval(right, total) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_nothing_has_no_interval() -> None:
    assert np.isnan(wilson_interval(0, 0)).all()


def test_kappa_is_that_of_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    first = rng.choice(["left", "right"], 80)
    second = np.where(rng.random(80) < 0.7, first, rng.choice(["left", "right"], 80))

    assert cohen_kappa(list(first), list(second)) == pytest.approx(metrics.cohen_kappa_score(first, second))


def test_readers_who_always_say_one_thing_have_no_kappa() -> None:
    assert np.isnan(cohen_kappa(["left"] * 5, ["left"] * 5))
    assert cohen_kappa(["left", "right"] * 3, ["right", "left"] * 3) == pytest.approx(-1)


def test_resampling_one_reader_with_one_answer_a_patient_gives_the_binomial_interval() -> None:
    right = (np.arange(200) < 130).astype(int)[None]

    low, high = resampled_share(right, np.ones_like(right), np.random.default_rng(0))

    theirs = binomtest(130, 200).proportion_ci(0.95, method="wilson")
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=0.012)


def test_answers_that_go_together_widen_the_interval() -> None:
    rng = np.random.default_rng(0)
    apart = resampled_share((np.arange(60) % 2)[None], np.ones((1, 60), int), rng)
    by_patient = resampled_share((np.arange(6) % 2 * 10)[None], np.full((1, 6), 10), rng)
    by_reader = resampled_share(np.array([[5, 5], [10, 10], [0, 0]]), np.full((3, 2), 10), rng)

    assert by_patient[1] - by_patient[0] > 1.5 * (apart[1] - apart[0])
    assert by_reader[1] - by_reader[0] > 1.5 * (apart[1] - apart[0])
