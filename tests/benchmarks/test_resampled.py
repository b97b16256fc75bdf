"""A figure with its interval, as tables of benchmarks show it."""

from __future__ import annotations

import numpy as np

from benchmarks.resampled import resampled


def _difference(first, second):
    return float(np.mean(first) - np.mean(second))


def test_a_figure_is_shown_with_the_interval_of_its_seed() -> None:
    rng = np.random.default_rng(3)
    first = rng.normal(0.4, 1, 11)
    rng.normal(size=300)
    second = rng.normal(size=7)

    text = resampled(_difference, [list(first), list(second)], np.random.default_rng(4), ".6f")

    assert text == "0.422041 (-0.687173 to 1.473118)"


def test_an_empty_group_has_no_figure() -> None:
    assert resampled(_difference, [[1.0], []], np.random.default_rng(0), ".2f") == "-"
