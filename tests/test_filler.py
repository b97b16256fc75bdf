"""The heart: an image and a hole in, the filled image out, and nothing else changed."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from monai_inpaint import Filler, Image, InputError
from monai_inpaint.fill import filler as filler_module
from monai_inpaint.fill.flow import TIMES
from monai_inpaint.fill.patches import fill_patches
from monai_inpaint.fill.slabs import Slab, fill_slabs
from monai_inpaint.fill.spread import DEPTH
from monai_inpaint.fill.windows import LARGEST, SIDES, SMALLEST, plan_windows


class RowMeans:
    """A stand-in network whose fill is easy to foretell: the mean of the known voxels of the same window row.

    A row without any takes the window's mean. Like the real ones it composites and keeps units.
    """

    channels = 2
    side: int | None = None

    def __init__(self) -> None:
        self.batches: list[tuple[int, ...]] = []

    def run(self, windows: np.ndarray) -> np.ndarray:
        self.batches.append(windows.shape)
        image, hole = windows[:, :1].astype(np.float64), windows[:, 1:2]
        count = (1 - hole).sum(axis=3, keepdims=True)
        rows = image.sum(axis=3, keepdims=True) / np.maximum(count, 1)
        whole = image.sum(axis=(2, 3), keepdims=True) / np.maximum(count.sum(axis=2, keepdims=True), 1)
        return np.where(hole > 0, np.where(count > 0, rows, whole), image).astype(np.float32)

    def describe(self) -> dict[str, str]:
        return {"name": "row means"}


class RowMeansAndNoise(RowMeans):
    """Takes noise, state and time too: late in the flow its estimate is the row's mean plus ten times the noise."""

    channels = 5

    def run(self, windows: np.ndarray) -> np.ndarray:
        filled = super().run(windows)
        assert (windows[:, 1:2] + (windows[:, 2:3] == 0) >= 1).all(), "noise outside the hole"
        return filled + 10 * windows[:, 2:3] * windows[:, 4:5]


@pytest.fixture
def sampler(monkeypatch: pytest.MonkeyPatch) -> RowMeansAndNoise:
    stand_in = RowMeansAndNoise()
    monkeypatch.setattr(filler_module, "load_engine", lambda *_: stand_in)
    return stand_in


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> RowMeans:
    stand_in = RowMeans()
    monkeypatch.setattr(filler_module, "load_engine", lambda *_: stand_in)
    return stand_in


@pytest.fixture(scope="module")
def mr() -> Filler:
    return Filler("mr")


def head(side: int = 160) -> np.ndarray:
    """A smooth bright ellipse with structure on dark ground."""
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    inside = (x / 0.7) ** 2 + (y / 0.85) ** 2 < 1
    return (inside * (600 + 200 * np.sin(6 * x) * np.cos(5 * y))).astype(np.float32)


def square(shape: tuple[int, ...], start: tuple[int, ...], side: int) -> np.ndarray:
    hole = np.zeros(shape, bool)
    hole[tuple(slice(s, s + side) for s in start)] = True
    return hole


dtypes = st.sampled_from([np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64])
shapes = st.one_of(
    st.tuples(st.integers(2, 70), st.integers(2, 70)),
    st.tuples(st.integers(2, 30), st.integers(2, 30), st.integers(1, 6)),
)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), dtype=dtypes, shape=shapes, fortran=st.booleans(), seed=st.integers(0, 2**32 - 1))
def test_outside_the_hole_every_bit_stays(
    data: st.DataObject, dtype: type, shape: tuple[int, ...], fortran: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    image = (rng.normal(size=shape) * 100 + 120).astype(dtype)
    image = np.asfortranarray(image) if fortran else image
    hole = data.draw(arrays(bool, shape, elements=st.booleans(), fill=st.just(False)))
    hole[(0, 0)] = False
    hole.reshape(-1)[rng.integers(shape[-1], hole.size)] = True
    before = image.copy()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(filler_module, "load_engine", lambda *_: RowMeans())
        fill = Filler("mr")(image, hole)
    assert fill.image.dtype == dtype
    assert fill.image.shape == shape
    assert fill.image[~hole].tobytes() == before[~hole].tobytes()
    assert np.array_equal(image, before)
    assert not fill.difference[~hole].any()
    assert fill.difference.dtype == np.float32
    assert fill.report["untouched"]["before"] == fill.report["untouched"]["after"]
    assert fill.report["hole"]["voxels"] == hole.sum()


@settings(max_examples=100, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 420), st.integers(1, 420)),
    boxes=st.lists(st.tuples(*[st.floats(0, 1)] * 4), min_size=1, max_size=6),
    sides=st.sampled_from([SIDES, (128, 128), (256, 256)]),
)
def test_windows_answer_for_every_hole_voxel_and_for_no_other(
    shape: tuple[int, int], boxes: list[tuple[float, float, float, float]], sides: tuple[int, int]
) -> None:
    hole = np.zeros(shape, bool)
    for row, column, height, width in boxes:
        top, left = int(row * (shape[0] - 1)), int(column * (shape[1] - 1))
        hole[top : top + 1 + int(height * shape[0] / 2), left : left + 1 + int(width * shape[1] / 2)] = True
    weights = np.zeros(shape)
    for window in plan_windows(hole, sides):
        assert window.side % 32 == 0
        assert sides == SIDES or window.side == sides[0]
        for row, column in np.argwhere(window.weight > 0):
            weights[window.row + row, window.column + column] += window.weight[row, column]
    assert (weights[hole] > 0).all()
    assert not weights[~hole].any()


@pytest.mark.parametrize("shape", [(60, 70), (200, 150), (400, 300)])
@pytest.mark.parametrize("extent", [20, 190])
def test_a_network_of_one_window_size_is_shown_no_other(engine: RowMeans, shape: tuple[int, int], extent: int) -> None:
    engine.side = 128
    hole = np.zeros(shape, bool)
    hole[10 : 10 + min(extent, shape[0] - 20), 10 : 10 + min(extent, shape[1] - 20)] = True
    Filler("mr")(np.ones(shape, np.float32), hole)
    assert {batch[2:] for batch in engine.batches} == {(128, 128)}


def test_many_small_holes_share_windows(engine: RowMeans) -> None:
    hole = np.zeros((256, 256), bool)
    hole[8::16, 8::16] = True
    fill = Filler("ct")(np.zeros((256, 256), np.int16), hole)
    assert fill.report["windows"]["count"] <= 16
    assert hole.sum() == 256


@pytest.mark.parametrize("share", [0.2, 0.4, 0.6])
def test_a_hole_up_to_sixty_percent_of_a_window_takes_one_window(engine: RowMeans, share: float) -> None:
    side = int(share * LARGEST)
    Filler("ct")(np.zeros((512, 512), np.int16), square((512, 512), (100, 100), side))
    assert len(engine.batches) == 1
    assert engine.batches[0][2] * 0.6 >= side


def test_windows_of_one_size_go_in_batches(engine: RowMeans) -> None:
    hole = np.zeros((64, 64, 12), bool)
    hole[20:30, 20:30, :] = True
    Filler("ct")(np.zeros((64, 64, 12), np.int16), hole)
    assert max(shape[0] for shape in engine.batches) > 1
    assert sum(shape[0] for shape in engine.batches) == 12


def test_cost_follows_the_hole_and_not_the_volume(engine: RowMeans) -> None:
    counts = []
    for depth in (10, 100):
        hole = np.zeros((96, 96, depth), bool)
        hole[40:50, 40:50, 2:6] = True
        report = Filler("ct")(np.zeros((96, 96, depth), np.int16), hole).report
        counts.append(report["windows"]["count"])
    assert counts == [4, 4]


def test_a_hole_larger_than_any_window_is_filled_everywhere(engine: RowMeans) -> None:
    ramp = np.repeat(np.arange(600, dtype=np.float32)[:, None], 520, axis=1)
    hole = np.zeros(ramp.shape, bool)
    hole[60:540, 60:470] = True
    fill = Filler("ct")(np.where(hole, -5000, ramp), hole)
    error = np.abs(fill.image - ramp)
    assert error[~hole].max() == 0
    # Grey would be 240 off at the ends. The stand-in knows the mean of a window at worst, half a window off.
    assert error.max() < SMALLEST / 2
    assert fill.report["windows"]["count"] > 1


def test_a_long_thin_hole_is_tiled_without_steps(engine: RowMeans) -> None:
    image = np.full((400, 400), 70.0, np.float32)
    hole = np.zeros(image.shape, bool)
    hole[200:206, 20:380] = True
    fill = Filler("ct")(image, hole)
    np.testing.assert_allclose(fill.image, 70.0, rtol=1e-5)
    assert set(fill.report["windows"]["by_side"]) <= {"128", "160", "192", "224", "256"}


def test_units_go_in_and_stored_values_come_out(engine: RowMeans) -> None:
    stored = np.full((40, 50), 2000, np.uint16)
    image = Image(stored, slope=0.5, intercept=-1000.0, stored_range=(0, 4095))
    hole = square(stored.shape, (10, 10), 8)
    marred = image.with_voxels(np.where(hole, 3000, stored).astype(np.uint16))
    fill = Filler("ct")(marred, hole)
    assert isinstance(fill.image, Image)
    assert (fill.image.voxels == 2000).all()
    assert (fill.difference[hole] == -500).all()


def test_stored_values_stay_in_their_range(monkeypatch: pytest.MonkeyPatch) -> None:
    class TooBright(RowMeans):
        def run(self, windows: np.ndarray) -> np.ndarray:
            return np.where(windows[:, 1:] > 0, 1e6, windows[:, :1])

    monkeypatch.setattr(filler_module, "load_engine", lambda *_: TooBright())
    hole = square((40, 40), (5, 5), 6)
    for dtype, most in ((np.uint8, 255), (np.int16, 32767), (np.uint16, 65535)):
        assert (Filler("mr")(np.zeros((40, 40), dtype), hole).image[hole] == most).all()
    twelve_bit = Image(np.zeros((40, 40), np.uint16), stored_range=(0, 4095))
    assert (Filler("ct")(twelve_bit, hole).image.voxels[hole] == 4095).all()


def test_slices_with_a_rescale_each_are_filled_in_units(engine: RowMeans) -> None:
    slope = np.array([1.0, 2.0, 4.0]).reshape(1, 1, 3)
    stored = (400 / slope * np.ones((30, 30, 3))).astype(np.int16)
    image = Image(stored, np.eye(4), slope=slope, intercept=np.zeros((1, 1, 3)))
    hole = np.zeros(stored.shape, bool)
    hole[10:15, 10:15] = True
    fill = Filler("mr")(image, hole)
    assert np.array_equal(fill.image.voxels, stored)


def test_a_film_shown_inverted_is_filled_as_its_positive() -> None:
    filler = Filler("cxr")
    film = head(128).astype(np.int16)
    hole = square(film.shape, (50, 50), 30)
    positive = filler(Image(film), hole).image.voxels
    negative = filler(Image(1000 - film, inverted=True), hole).image.voxels
    assert np.abs((1000 - negative) - positive).max() <= 1


def test_numbers_that_are_none_do_not_spread_and_come_back(engine: RowMeans) -> None:
    image = np.full((40, 40), 5.0, np.float32)
    hole = square(image.shape, (10, 10), 6)
    image[0, 0], image[30, 3], image[12, 12] = np.nan, np.inf, np.nan
    fill = Filler("mr")(image, hole)
    assert np.isnan(fill.image[0, 0])
    assert np.isinf(fill.image[30, 3])
    assert (fill.image[hole] == 5).all()
    assert np.isnan(fill.difference[12, 12])


@pytest.mark.parametrize("bundle", ["mr", "cxr"])
@pytest.mark.parametrize(("a", "b"), [(0.01, 0.0), (30.0, -2000.0), (1.0, 40000.0)])
def test_scaling_and_shifting_an_image_scales_and_shifts_its_fill(bundle: str, a: float, b: float) -> None:
    filler, image, hole = Filler(bundle), head(), square((160, 160), (60, 50), 40)
    plain, changed = filler(image, hole).image, filler((a * image + b).astype(np.float32), hole).image
    spread = a * image.std()
    assert np.abs(changed - (a * plain + b)).max() < 0.02 * spread


def test_every_orientation_of_a_volume_gives_the_same_fill(mr: Filler) -> None:
    volume = np.stack([head(96) * factor for factor in (1.0, 0.9)], axis=2)
    hole = np.zeros(volume.shape, bool)
    hole[30:50, 40:55, :] = True
    affine = np.diag([1.0, 1.2, 3.0, 1.0])
    expected = mr(Image(volume, affine), hole).image.voxels
    for swap, flip_i, flip_j in itertools.product((False, True), repeat=3):
        turn = np.eye(4)[:, [1, 0, 2, 3]] if swap else np.eye(4)
        flips = tuple(slice(None, None, -1 if flip else 1) for flip in (flip_i, flip_j))

        def turned(values: np.ndarray, swap: bool = swap, flips: tuple = flips) -> np.ndarray:
            return (values.swapaxes(0, 1) if swap else values)[flips]

        placed = affine @ turn
        for axis, flip in enumerate((flip_i, flip_j)):
            if flip:
                placed[:, 3] += placed[:, axis] * (volume.shape[1 - axis if swap else axis] - 1)
                placed[:, axis] *= -1
        filled = mr(Image(turned(volume), placed), turned(hole)).image.voxels
        np.testing.assert_allclose(filled, turned(expected), atol=1e-3 * volume.max())


def test_a_hole_at_the_corner_and_a_tiny_image_are_filled(mr: Filler) -> None:
    image = head(40)
    for hole in (square(image.shape, (0, 0), 12), square(image.shape, (28, 28), 12), square(image.shape, (1, 1), 36)):
        filled = mr(image, hole).image
        assert np.isfinite(filled).all()
        assert np.abs(filled[hole]).max() < 3 * image.max()


def test_progress_grows_to_the_whole(engine: RowMeans) -> None:
    seen: list[tuple[int, int]] = []
    hole = np.zeros((40, 40, 40), bool)
    hole[10:14, 10:14, 3:37] = True
    Filler("mr")(np.zeros(hole.shape, np.float32), hole, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (3400, 3400)
    assert seen == sorted(seen)


def test_the_same_input_gives_the_same_output(mr: Filler) -> None:
    image, hole = head(), square((160, 160), (30, 90), 33)
    assert np.array_equal(mr(image, hole).image, mr(image, hole).image)


@pytest.mark.parametrize(
    ("image", "hole", "sentence"),
    [
        (np.zeros((8, 8)), np.zeros((8, 8)), "empty"),
        (np.zeros((8, 8)), np.ones((8, 8)), "whole image"),
        (np.zeros((8, 8)), np.ones((8, 9)), "must agree"),
        (np.zeros((8, 8, 2)), np.stack((np.ones((8, 8)), np.zeros((8, 8))), axis=2), "slice 0"),
        (np.full((8, 8), np.nan), np.eye(8), "nothing known"),
        (np.zeros((4, 4, 4, 4)), np.zeros((4, 4, 4, 4)), "one 2D slice or one 3D volume"),
        (np.zeros((8, 8), complex), np.eye(8), "real numbers"),
        (np.zeros((8, 8)), np.full((8, 8), np.nan), "NaN"),
        (np.ma.zeros((8, 8)), np.eye(8), "masked array"),
    ],
)
def test_what_cannot_be_filled_is_said(engine: RowMeans, image: np.ndarray, hole: np.ndarray, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        Filler("mr")(image, hole)


@pytest.mark.parametrize("spacing", [(np.nan, 1, 1), (1, 0, 1), (1e-300, 1, 1), (1, 1), 5, "ab"])
def test_a_spacing_that_is_none_is_said(engine: RowMeans, spacing: object) -> None:
    with pytest.raises(InputError, match="spacing"):
        Filler("mr")(np.zeros((8, 8, 8)), square((8, 8, 8), (1, 1, 1), 2), spacing=spacing)


def test_grey_values_are_not_taken_for_hounsfield_units(engine: RowMeans) -> None:
    with pytest.raises(InputError, match="Hounsfield"):
        Filler("ct")(np.zeros((40, 40), np.uint8), square((40, 40), (5, 5), 6))


def test_a_network_that_gives_no_numbers_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(RowMeans):
        def run(self, windows: np.ndarray) -> np.ndarray:
            return np.full_like(windows[:, :1], np.nan)

    monkeypatch.setattr(filler_module, "load_engine", lambda *_: Broken())
    with pytest.raises(InputError, match="no numbers"):
        Filler("ct")(np.zeros((40, 40), np.int16), square((40, 40), (5, 5), 6))


def test_results_do_not_follow_arrays_that_change_later(engine: RowMeans) -> None:
    image, hole = np.full((40, 40), 7, np.int16), square((40, 40), (5, 5), 6)
    fill = Filler("ct")(image, hole)
    image[:], hole[:] = 0, True
    assert (fill.image == 7).all()
    assert fill.report["hole"]["voxels"] == 36


def test_an_unknown_bundle_or_engine_is_said() -> None:
    with pytest.raises(InputError, match="no such bundle"):
        Filler("liver")
    with pytest.raises(InputError, match="no engine"):
        Filler("mr", engine="abacus")


def test_spacing_gives_the_hole_its_size(engine: RowMeans) -> None:
    hole = square((20, 20, 20), (5, 5, 5), 4)
    report = Filler("mr")(np.zeros(hole.shape), hole, spacing=(1.0, 2.0, 3.0)).report
    assert report["hole"]["mm3"] == pytest.approx(64 * 6)
    assert report["geometry"]["spacing_mm"] == [1.0, 2.0, 3.0]


def test_small_windows_are_enough_for_small_slices() -> None:
    run = RowMeans()
    hole = square((20, 24), (4, 4), 3)
    fill_slabs([Slab(np.ones((1, 20, 24), np.float32), hole[None], hole[None])], run)
    assert run.batches[0][2:] == (32, 32)
    assert SMALLEST > 32


def test_patches_hold_no_more_than_the_hole() -> None:
    hole = np.zeros((50, 60, 9), bool)
    hole[10:13, 20:25, 4] = True
    patches, _ = fill_patches(Image(np.zeros(hole.shape, np.int16), np.eye(4)), hole, RowMeans())
    assert [patch.units.shape for patch in patches] == [(3, 5)]


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
    fill = filler(image, hole, samples=40, seed=1)
    factor = filler.bundle.spread_factor

    assert factor > 1
    assert fill.spread.dtype == np.float32
    assert not fill.spread[~hole].any()
    assert fill.spread[60:80, 60].mean() == pytest.approx(factor * (1 + 1 / DEPTH) * 10 * TIMES[-1], rel=0.05)
    assert fill.spread[70, 70] == pytest.approx(factor * (1 + 10 / DEPTH) * 10 * TIMES[-1], rel=0.05)
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
    told: list[tuple[int, int]] = []
    hole = square((160, 160, 3), (60, 60, 0), 3)
    Filler("mr")(np.dstack([head()] * 3), hole, samples=2, progress=lambda done, total: told.append((done, total)))

    assert len({total for _, total in told}) == 1
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1][0] == told[-1][1]


@pytest.mark.parametrize(
    ("asked", "said"), [({"samples": 1}, "at least two"), ({"samples": -2}, "at least two"), ({"seed": -1}, "negative")]
)
def test_impossible_samples_are_refused(sampler: RowMeansAndNoise, asked: dict[str, int], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Filler("mr")(head(), square((160, 160), (60, 60), 20), **asked)


def test_a_network_without_noise_draws_no_samples(engine: RowMeans) -> None:
    with pytest.raises(InputError, match="draws no samples"):
        Filler("mr")(head(), square((160, 160), (60, 60), 20), sample=True)


def test_there_is_no_spread_without_samples(engine: RowMeans) -> None:
    with pytest.raises(InputError, match="no spread without samples"):
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


class SlabMeans:
    """Takes slabs: fills with the mean of all that is known in the window, slices weighted alike."""

    channels = 6
    side = None

    def __init__(self) -> None:
        self.batches: list[np.ndarray] = []

    def run(self, windows: np.ndarray) -> np.ndarray:
        self.batches.append(windows)
        image, hole = windows[:, :1], windows[:, 1:2]
        axes = tuple(range(2, windows.ndim))
        known = (image * (1 - hole)).sum(axis=axes, keepdims=True) / (1 - hole).sum(axis=axes, keepdims=True)
        return np.where(hole > 0, known + windows[:, 2:3], image).astype(np.float32)

    def describe(self) -> dict[str, str]:
        return {"name": "slab means"}


@pytest.fixture
def slabs(monkeypatch: pytest.MonkeyPatch) -> SlabMeans:
    stand_in = SlabMeans()
    monkeypatch.setattr(filler_module, "load_engine", lambda *_: stand_in)
    return stand_in


def test_a_network_of_volumes_sees_the_slices_beside_the_hole(slabs: SlabMeans) -> None:
    image, hole = np.zeros((40, 40, 30), np.float32), square((40, 40, 30), (10, 10, 12), 4)
    image[:, :, 16:] = 100.0
    fill = Filler("mr")(image, hole, spacing=(1.0, 1.0, 4.0))

    assert slabs.batches[0].shape == (1, 6, 4 + 2 * 8, 64, 64)
    assert (slabs.batches[0][:, 5] == 4.0).all()
    assert fill.image[hole].mean() == pytest.approx(100 * 8 / 20, abs=1.0)
    assert np.array_equal(fill.image[~hole], image[~hole])


def test_a_long_hole_is_filled_slab_by_slab_and_each_is_known_to_the_next(slabs: SlabMeans) -> None:
    hole = np.zeros((40, 40, 120), bool)
    hole[10:14, 10:14, 2:118] = True
    Filler("mr")(np.ones(hole.shape, np.float32), hole)

    depths = [batch.shape[2] for batch in slabs.batches]
    assert depths == [58, 58, 64, 64, 30, 30]  # each is seen as it is and mirrored
    second = slabs.batches[2][0]  # slices 42 to 105: those up to 49 are filled, 50 to 97 are to fill, the rest wait
    inside = (slice(None), slice(12, 52), slice(12, 52))  # the slice in its window
    assert second[1][inside].sum(axis=(1, 2)).tolist() == [0] * 8 + [16] * 56
    assert np.allclose(second[0][inside][:8], 1.0)


def test_the_best_estimate_of_slabs_prefers_no_side(slabs: SlabMeans, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = slabs.run
    monkeypatch.setattr(
        slabs, "run", lambda windows: plain(windows) + np.arange(64, dtype=np.float32) * windows[:, 1:2]
    )
    hole = square((40, 40, 30), (10, 10, 12), 4)
    filler = Filler("mr")

    best, sample = (filler(np.zeros(hole.shape, np.float32), hole, sample=sample).image for sample in (False, True))

    assert np.allclose(best[hole], 63 / 2)  # the network's own fill rises from side to side
    assert np.ptp(sample[hole]) > 2
    assert len(slabs.batches) == 2 + (2 + len(TIMES))


def test_wide_holes_are_filled_fewer_slices_at_a_time(slabs: SlabMeans) -> None:
    hole = np.zeros((300, 300, 60), bool)
    hole[20:200, 20:200, 10:50] = True  # too wide for a window: at half the resolution first
    Filler("mr")(np.ones(hole.shape, np.float32), hole)

    assert max(batch.shape[2] for batch in slabs.batches) == 16 + 2 * 8


def test_single_slices_fit_a_network_of_volumes(slabs: SlabMeans) -> None:
    image, hole = head(), square((160, 160), (60, 60), 20)
    fill = Filler("mr")(image, hole)

    assert slabs.batches[0].shape == (1, 5, 128, 128)
    assert np.array_equal(fill.image[~hole], image[~hole])


def test_a_sampled_slice_has_the_same_noise_in_a_slab_as_alone(slabs: SlabMeans) -> None:
    hole = square((40, 40, 30), (10, 10, 12), 4)
    Filler("mr")(np.zeros(hole.shape, np.float32), hole, sample=True)
    slab = slabs.batches[-1][0, 2]
    hole[:, :, :14] = False
    Filler("mr")(np.zeros(hole.shape, np.float32), hole, sample=True)

    assert np.array_equal(slabs.batches[-1][0, 2, 8], slab[10])
