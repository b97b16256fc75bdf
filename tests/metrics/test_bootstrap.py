"""Bootstrap intervals: what every table of the repository takes them from, for the same draws as ever."""

from __future__ import annotations

import numpy as np
import pytest

from monai_inpaint.metrics.agreement import resampled_share
from monai_inpaint.metrics.bootstrap import bootstrap_interval, draw, percentile_interval
from monai_inpaint.metrics.paired_difference import paired_difference


def _mean(values):
    return float(np.mean(values))


def test_the_interval_of_a_mean_is_that_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    values = np.random.default_rng(0).normal(1, 2, 40)

    low, high = bootstrap_interval(_mean, [values], np.random.default_rng(1), 4000)

    theirs = stats.bootstrap((values,), np.mean, n_resamples=4000, method="percentile", rng=2).confidence_interval
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=0.06)


def test_each_group_is_resampled_by_itself_one_after_another() -> None:
    groups, rng = [list("abcd"), list("xyz")], np.random.default_rng(3)
    drawn = []

    bootstrap_interval(lambda *taken: drawn.append(taken) or 0.0, groups, np.random.default_rng(3), 5)

    expected = [tuple([group[n] for n in draw(len(group), rng)] for group in groups) for _ in range(5)]
    assert drawn == expected


def test_resamplings_where_the_measure_is_not_defined_are_left_out() -> None:
    assert percentile_interval([float("nan"), 1.0, float("inf"), 1.0]) == (1.0, 1.0)
    assert np.isnan(percentile_interval([float("nan")])).all()
    assert np.isnan(percentile_interval([])).all()


def test_the_intervals_of_a_seed_are_those_that_were_published() -> None:
    """As computed by the code that each table had of its own."""
    values = np.random.default_rng(3).normal(0.4, 1, 11)
    shares = resampled_share(np.array([[1, 0, 1, 1, 0, 1]]), np.ones((1, 6)), np.random.default_rng(2))

    assert paired_difference(list(values), 5)[1:3] == pytest.approx((-0.507181914384278, 1.2721861430201433), abs=1e-12)
    assert shares == pytest.approx((1 / 3, 1.0), abs=1e-12)


def test_a_matrix_of_draws_at_once_is_the_same_as_one_after_another() -> None:
    """What `paired_difference` drew before, whose figures are in the docs."""
    values = np.random.default_rng(0).normal(size=7)
    at_once = np.random.default_rng(9).choice(values, (50, 7)).mean(axis=1)

    rng = np.random.default_rng(9)

    assert [_mean(values[draw(7, rng)]) for _ in range(50)] == pytest.approx(at_once, abs=1e-15)
