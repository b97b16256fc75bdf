"""What is missed decides what is drawn, and nothing else does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from boxed_samples import NODULE, SIDE, found, truth

from monai_inpaint.datasets.finding_boxes import BoxedImage
from monai_inpaint.detection.mining import borne, density_of, draw_missed, histogram
from monai_inpaint.detection.missed import nodules_of
from monai_inpaint.detection.score import score
from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.io import write_image

SIZES = {"large": 30.0, "small": 10.0, "flat": 16.0}


def nodules(missed: set[str]) -> list:
    """A large, a small and a flat nodule, of which some are missed."""
    shapes = {"large": (30.0, 30.0), "small": (10.0, 10.0), "flat": (24.0, 8.0)}
    boxes = {name: (40.0, 40.0, *size) for name, size in shapes.items()}
    made = [[] if name in missed else [(box, 0.9)] for name, box in boxes.items()]
    return nodules_of(score(truth(*([box] for box in boxes.values())), found(*made), resampled=0))


def test_diameters_are_drawn_from_those_of_missed_nodules() -> None:
    draws = draw_missed(nodules({"small", "flat"}), 200)

    drawn = np.array([draw.diameter for draw in draws])
    assert set(drawn) == {SIZES["small"], SIZES["flat"]}
    assert 70 < (drawn == SIZES["small"]).sum() < 130
    assert len({draw.seed for draw in draws}) == 200
    assert {(draw.density, draw.aspect) for draw in draws} == {(None, None)}


def test_shapes_are_drawn_from_missed_nodules_and_diameters_from_all() -> None:
    draws = draw_missed(nodules({"flat"}), 100, by="shape")

    assert {draw.aspect for draw in draws} == {3.0}
    assert {draw.diameter for draw in draws} == set(SIZES.values())


def test_densities_are_those_of_the_truth_or_of_its_hounsfield_units(tmp_path: Path) -> None:
    (nodule,) = nodules_of(score(truth([NODULE]), found([]), resampled=0))
    rated = replace(nodule, image=replace(nodule.image, densities=(0.4,)))
    pixels = np.full((SIDE, SIDE), -850, np.int16)
    pixels[40:60, 40:60] = -255  # between ground-glass and solid
    pixels[:8] = 40
    write_image(Image(pixels, np.diag([1.0, 1, 1, 1]), "ct"), tmp_path / "a.mha")
    measured = replace(nodule, image=replace(nodule.image, path=tmp_path / "a.mha"))

    assert density_of(rated) == 0.4
    assert density_of(measured) == pytest.approx(0.5, abs=0.01)
    with pytest.raises(InputError, match="states no density"):
        density_of(nodule)


def test_the_first_draws_do_not_depend_on_how_many_follow() -> None:
    missed = nodules({"small", "large"})

    assert draw_missed(missed, 5, seed=3) == draw_missed(missed, 50, seed=3)[:5]
    assert draw_missed(missed, 5, seed=3) != draw_missed(missed, 5, seed=4)


def test_a_nodule_that_is_found_only_below_the_threshold_is_missed() -> None:
    # four false positives in four images, all surer than the hit of the first: its rate is 1, not 0.25
    true = truth([NODULE], [], [], [])
    made = found([(NODULE, 0.1)], *[[((5.0, 5.0, 9.0, 9.0), 0.9)]] * 3)

    (nodule,) = nodules_of(score(true, made, resampled=0))

    assert nodule.score == 0.1
    assert not nodule.found


def test_no_more_images_are_made_than_real_ones_bear() -> None:
    real = [BoxedImage("a.png", SIDE, SIDE, (NODULE,))] * 2420 + [BoxedImage("b.png", SIDE, SIDE)] * 9000

    assert borne(real, 1500) == (1500, "")
    count, reason = borne(real, 2000)
    assert count == 1500
    assert "2420 real images with a nodule bear 1500 synthetic ones of the 2000 asked for" in reason
    with pytest.raises(InputError, match="give more real images"):
        borne(real[:1], 10)


def test_the_histogram_counts_every_nodule_once() -> None:
    bins = histogram(nodules({"small"}))

    assert sum(every for *_, every in bins) == 3
    assert [(low, high) for low, high, missed, _ in bins if missed] == [(9.0, 12.0)]


def test_without_nodules_or_misses_there_is_nothing_to_mine() -> None:
    with pytest.raises(InputError, match="All 3 nodules are found"):
        draw_missed(nodules(set()), 3)
    with pytest.raises(InputError, match="contains no nodule"):
        draw_missed([], 3)
