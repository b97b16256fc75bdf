"""A network that takes starts fills volumes across all axes that make sense, weighted by their error nearby."""

from __future__ import annotations

import numpy as np
import pytest
from filler_samples import engine_is, head, square
from scipy.interpolate import PchipInterpolator

from monai_inpaint import Filler
from monai_inpaint.fill import blocks, volume
from monai_inpaint.fill.continuation import continuation, interpolation, nearness
from monai_inpaint.fill.sampler import SAMPLERS
from monai_inpaint.imaging.biharmonic import solve_biharmonic

SHAPE = (40, 44, 48)


class Echo:
    """Takes starts: fills with the start, and late in the flow adds noise."""

    channels = 6
    side = None
    voxels_at_once = 4 * 128 * 128

    def __init__(self) -> None:
        self.batches: list[np.ndarray] = []

    def run(self, windows: np.ndarray) -> np.ndarray:
        self.batches.append(windows)
        return (windows[:, :1] + 10 * windows[:, 2:3] * windows[:, 4:5]).astype(np.float32)

    def describe(self) -> dict[str, str]:
        return {"name": "echo"}


class Means(Echo):
    """Fills with the mean of all that is known in the window."""

    def run(self, windows: np.ndarray) -> np.ndarray:
        self.batches.append(windows)
        image, known = windows[:, :1], 1 - windows[:, 1:2]
        mean = (image * known).sum(axis=(2, 3), keepdims=True) / known.sum(axis=(2, 3), keepdims=True)
        return np.where(known > 0, image, mean).astype(np.float32)


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> Echo:
    """Without probes, so that all methods have the same share."""
    monkeypatch.setattr(volume, "PROBES", 0)
    return engine_is(Echo(), monkeypatch)


@pytest.fixture
def means(monkeypatch: pytest.MonkeyPatch) -> Means:
    return engine_is(Means(), monkeypatch)


def ramp(axis: int, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    return np.broadcast_to(np.indices(shape)[axis], shape).astype(np.float32)


def seen(network: Echo) -> int:
    return sum(len(batch) for batch in network.batches)


def test_a_hole_among_nearly_isotropic_voxels_is_seen_in_slices_across_every_axis(echo: Echo) -> None:
    hole = np.zeros(SHAPE, bool)
    hole[10:14, 20:25, 30:36] = True
    fill = Filler("mr")(ramp(0), hole, spacing=(1.0, 1.0, 1.4))

    assert seen(echo) == 4 + 5 + 6
    assert np.array_equal(fill.image[~hole], ramp(0)[~hole])


def test_a_hole_among_thick_slices_is_seen_in_those_alone_with_a_start_and_without(echo: Echo) -> None:
    hole = square(SHAPE, (10, 20, 30), 4)
    Filler("mr")(ramp(0), hole, spacing=(1.0, 1.0, 4.0))

    assert [len(batch) for batch in echo.batches] == [4, 4]
    assert [bool(batch[:, 5].any()) for batch in echo.batches] == [False, True]


def test_what_the_network_adds_is_the_mean_over_the_axes(means: Means, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volume, "PROBES", 0)
    hole = square(SHAPE, (10, 20, 30), 7)
    fill = Filler("mr")(ramp(0), hole).image[hole].reshape(7, 7, 7)

    # Half is the continuation, which is right. Of the network's half only slices across the first axis tell which value
    # belongs there; the others know their own mean.
    assert np.allclose(np.diff(fill, axis=0), 1 / 2 + 1 / 6, atol=0.02)
    assert np.allclose(np.ptp(fill, axis=(1, 2)), 0, atol=1e-3)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (1.0, 1.0, 5.0)])
def test_a_start_continues_what_is_known_in_every_direction(echo: Echo, spacing: tuple[float, ...]) -> None:
    image, hole = ramp(2) + 3 * ramp(1), square(SHAPE, (10, 20, 30), 9)
    Filler("mr")(image, hole, spacing=spacing)
    started = [window for batch in echo.batches for window in batch if window[5].any()]

    for window in started:
        rows, columns = np.nonzero(window[5])
        row, column = rows[0], columns[0]
        known = window[0, row, [column - 1, column - 2]]
        assert window[0, row, column] == pytest.approx(2 * known[0] - known[1], abs=0.1)
    assert started


def test_a_start_is_as_near_as_the_nearest_slice_that_knows_the_place(echo: Echo) -> None:
    hole = square(SHAPE, (10, 20, 30), 5)
    Filler("mr")(ramp(0), hole, spacing=(2.0, 2.0, 4.0))
    near = echo.batches[-1][:, 5]

    assert near.max(axis=(1, 2)).tolist() == pytest.approx([1 / 2, 1 / 4, 1 / 6, 1 / 4, 1 / 2])
    assert (np.unique(near[2]) == np.float32([0, 1 / 6])).all()


def test_a_hole_that_takes_whole_slices_is_seen_across_the_others(echo: Echo) -> None:
    hole = np.zeros(SHAPE, bool)
    hole[18:22, :, 5:43] = True
    hole[18:22, 3, :] = False
    Filler("mr")(ramp(1), hole)
    one = seen(echo)
    hole[:] = False
    hole[18:22, :, 10:] = True
    Filler("mr")(ramp(1), hole)

    assert one == 4 + 43 + 38
    assert seen(echo) - one == 4 + 44 + 38


def test_few_slices_are_seen_as_they_were_taken(echo: Echo) -> None:
    Filler("mr")(ramp(0, (60, 60, 12)), square((60, 60, 12), (20, 20, 4), 4))

    assert seen(echo) == 4 + 4


def test_a_hole_too_large_for_memory_is_seen_as_slices_were_taken(echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volume, "CROP", 1000)
    Filler("mr")(ramp(2), square(SHAPE, (10, 20, 30), 4))

    assert seen(echo) == 4 + 4


def test_a_hole_too_wide_for_windows_is_filled_at_half_the_resolution_first(echo: Echo) -> None:
    shape = (280, 280, 40)
    hole = np.zeros(shape, bool)
    hole[20:220, 30:220, 12:26] = True
    fill = Filler("mr")(ramp(0, shape), hole)

    assert np.abs(fill.image - ramp(0, shape)).max() < 3


def test_voxels_that_are_no_numbers_stay_so_and_do_not_spread(echo: Echo) -> None:
    image, hole = ramp(0), square(SHAPE, (10, 20, 30), 6)
    image[12:20, 22, 31] = np.nan
    fill = Filler("mr")(image, hole)

    assert np.isfinite(fill.image[hole]).all()
    assert np.array_equal(fill.image[~hole], image[~hole], equal_nan=True)


def test_slices_that_know_best_have_the_largest_share(means: Means) -> None:
    image = np.broadcast_to(np.random.default_rng(0).uniform(0, 100, SHAPE[2]), SHAPE).astype(np.float32)
    hole = square(SHAPE, (14, 16, 20), 8)

    assert np.allclose(Filler("mr")(image, hole, spacing=(1.0, 1.0, 4.0)).image, image, atol=0.01)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (1.0, 1.0, 5.0)])
def test_a_continuation_that_knows_best_has_the_largest_share(means: Means, spacing: tuple[float, ...]) -> None:
    image, hole = ramp(2) + 3 * ramp(1), square(SHAPE, (14, 16, 20), 8)

    assert np.allclose(Filler("mr")(image, hole, spacing=spacing).image, image, atol=0.2)


def test_what_runs_across_thick_slices_is_interpolated_from_both_sides(means: Means) -> None:
    image = np.broadcast_to(np.random.default_rng(0).uniform(0, 100, (*SHAPE[:2], 1)), SHAPE).astype(np.float32)
    hole = square(SHAPE, (14, 16, 20), 8)

    assert np.allclose(Filler("mr")(image, hole, spacing=(1.0, 1.0, 4.0)).image, image, atol=0.01)
    assert not np.allclose(Filler("mr")(image, hole, spacing=(1.0, 1.0, 1.0)).image, image, atol=10)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_interpolation_equals_scipys_monotone_cubic_line_by_line(axis: int) -> None:
    rng = np.random.default_rng(axis)
    image, unknown = rng.normal(size=(9, 10, 11)).astype(np.float32), rng.uniform(size=(9, 10, 11)) < 0.4
    found = np.moveaxis(interpolation(np.where(unknown, 7, image).astype(np.float32), unknown, axis), axis, -1)

    for place in np.ndindex(found.shape[:2]):
        line, gap = (np.moveaxis(part, axis, -1)[place] for part in (image, unknown))
        at = np.flatnonzero(~gap)
        if len(at) > 1:
            expected = PchipInterpolator(at, line[at])(np.clip(np.flatnonzero(gap), at[0], at[-1]))
            assert np.allclose(found[place][gap], expected, atol=1e-5)
        assert np.array_equal(found[place][~gap], line[~gap])


def test_a_line_with_one_known_voxel_is_not_interpolated() -> None:
    start = np.broadcast_to(np.arange(5, dtype=np.float32), (3, 3, 5)).copy()
    unknown = np.zeros(start.shape, bool)
    unknown[1, 1, 1:] = True

    assert np.array_equal(interpolation(start, unknown, 2), start)


def test_probes_look_at_a_few_slices_and_never_into_the_hole(monkeypatch: pytest.MonkeyPatch) -> None:
    network = engine_is(Echo(), monkeypatch)
    image, hole = ramp(0) + 2 * ramp(2), square(SHAPE, (14, 16, 20), 8)
    fill = Filler("mr")(image, hole).image
    windows = seen(network)
    garbage = np.where(hole, np.random.default_rng(0).uniform(-1e4, 1e4, SHAPE), image).astype(np.float32)

    assert np.array_equal(Filler("mr")(garbage, hole).image[hole], fill[hole])
    assert windows <= 3 * 8 + volume.PROBES * 3 * (volume.PROBED + 1)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (1.0, 1.0, 5.0)])
def test_progress_grows_to_the_whole_by_one_measure(means: Means, spacing: tuple[float, ...]) -> None:
    steps: list[tuple[int, int]] = []
    hole = square(SHAPE, (14, 16, 20), 8)
    Filler("mr")(ramp(2), hole, spacing=spacing, progress=lambda done, total: steps.append((done, total)))

    assert steps == sorted(steps)
    assert {total for _, total in steps} == {steps[-1][0]}


def test_where_there_is_no_room_for_the_form_of_the_hole_a_smaller_one_is_tried(means: Means) -> None:
    image = np.broadcast_to(np.random.default_rng(0).uniform(0, 100, 24), (24, 24, 24)).astype(np.float32)
    hole = square(image.shape, (6, 6, 6), 12)

    assert np.allclose(Filler("mr")(image, hole, spacing=(1.0, 1.0, 4.0)).image, image, atol=0.01)


def test_where_there_is_no_room_for_probes_all_methods_have_the_same_share(means: Means) -> None:
    image, hole = ramp(0, (20, 20, 20)), square((20, 20, 20), (2, 2, 2), 16)
    fill = Filler("mr")(image, hole, spacing=(1.0, 1.0, 4.0)).image

    # Half are continuation and interpolation, which are right; the network knows the mean of a slice, or adds nothing.
    assert np.allclose(np.diff(fill[6:14, 8, 8]), 1 / 2, atol=0.05)


def test_a_sample_starts_from_the_estimate_and_goes_on_slice_by_slice_with_noise_alike(echo: Echo) -> None:
    hole = square(SHAPE, (10, 20, 30), 8)
    first, again, other = (Filler("mr")(ramp(0), hole, sample=True, seed=seed).image for seed in (1, 1, 2))

    assert seen(echo) == 3 * (3 * 8 + len(SAMPLERS["one-step"].times) * 8)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    noise = echo.batches[-1][:, 2].reshape(8, -1)
    noise = noise[:, (noise != 0).all(axis=0)]
    assert noise.shape == (8, 8 * 8)
    assert noise.std() == pytest.approx(1, abs=0.3)
    assert np.corrcoef(noise)[0, 1] > 0.7


def test_a_thick_slice_has_the_same_noise_whatever_slices_it_is_filled_with(echo: Echo) -> None:
    hole = square(SHAPE, (10, 20, 30), 4)

    def noise() -> np.ndarray:
        echo.batches.clear()
        Filler("mr")(ramp(0), hole, spacing=(1.0, 1.0, 4.0), sample=True)
        return echo.batches[-1][:, 2]

    together = noise()
    hole[:, :, :33] = False

    assert np.array_equal(noise()[0], together[3])


def test_single_slices_have_no_start(echo: Echo) -> None:
    image, hole = head(), square((160, 160), (60, 60), 20)
    Filler("mr")(image, hole)

    assert echo.batches[0].shape == (1, 6, 128, 128)
    assert not echo.batches[0][:, 5].any()
    assert not echo.batches[0][:, 0][echo.batches[0][:, 1] > 0].any()


def wavy(side: int) -> np.ndarray:
    i, j, k = np.indices((side, side, side))
    return (np.sin(i / 8) + np.cos(j / 9) * np.sin(k / 7)).astype(np.float32)


@pytest.mark.parametrize("shape", [(34, 34, 34), (33, 34, 35), (45, 31, 8), (33, 40, 2)])
def test_the_continuation_of_a_flipped_volume_is_flipped(shape: tuple[int, int, int]) -> None:
    image = wavy(max(shape))[: shape[0], : shape[1], : shape[2]]
    hole = np.zeros(shape, bool)
    hole[8:25, 9:25, : max(shape[2] - 7, 1)] = True
    expected = continuation(np.where(hole, np.nan, image), hole)
    for axes in ((0,), (1,), (2,), (0, 1, 2)):
        flipped = np.ascontiguousarray(np.flip(image, axes)), np.ascontiguousarray(np.flip(hole, axes))
        found = continuation(np.where(flipped[1], np.nan, flipped[0]), flipped[1])
        np.testing.assert_allclose(np.flip(found, axes), expected, atol=1e-3 * np.ptp(image))


@pytest.mark.parametrize("side", [4, 17])
def test_the_continuation_comes_close_to_the_biharmonic_fill(side: int) -> None:
    image, hole = wavy(34), square((34, 34, 34), (8, 9, 6), side)
    continued = continuation(np.where(hole, np.nan, image), hole)
    exact = solve_biharmonic(np.where(hole, 0.0, image), hole)

    assert np.array_equal(continued[~hole], image[~hole])
    assert continued.dtype == np.float32
    assert np.abs(continued[hole] - exact).mean() < 0.03 * image[hole].std()


def test_a_continuation_stays_within_the_known_values() -> None:
    rng = np.random.default_rng(0)
    image, hole = rng.uniform(5, 6, (20, 20, 20)).astype(np.float32), square((20, 20, 20), (3, 3, 3), 14)
    continued = continuation(image, hole)

    assert continued.min() == image[~hole].min()
    assert continued.max() == image[~hole].max()


def test_nearness_is_one_over_the_steps_to_the_nearer_end() -> None:
    unknown = np.zeros((7, 1, 1), bool)
    unknown[1:6] = True

    assert nearness(unknown, 0, 1.0).ravel().tolist() == pytest.approx([0, 1, 1 / 2, 1 / 3, 1 / 2, 1, 0])
    assert nearness(unknown, 0, 0.5).max() == 1.0
    unknown[5:] = True
    assert nearness(unknown, 0, 1.0).ravel().tolist() == pytest.approx([0, 1, 1 / 2, 1 / 3, 1 / 4, 1 / 5, 1 / 6])
    assert not nearness(np.ones((3, 2, 2), bool), 0, 1.0).any()


def test_a_hole_larger_than_any_window_is_tested_nearby_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "STARTED", (16, 32))
    monkeypatch.setattr(blocks, "BAND", 4)
    engine_is(Echo(), monkeypatch)
    image = np.concatenate((wavy(34), wavy(34)[::-1]))
    hole = square(image.shape, (3, 5, 4), 26)
    fill = Filler("mr")(np.where(hole, -1000, image), hole)

    assert np.abs(fill.image - image)[~hole].max() == 0
    assert np.abs(fill.image - image).max() < 0.1 * np.ptp(image)
