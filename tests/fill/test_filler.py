"""The heart: an image and a hole in, the filled image out, and nothing else changed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from filler_samples import RowMeans, engine_is, head, square
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from monai_inpaint import Filler, Image, InputError
from monai_inpaint.fill.blocks import Block, fill_blocks
from monai_inpaint.fill.slices import fill_slices
from monai_inpaint.fill.windows import LARGEST, SIDES, SMALLEST, plan_windows


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> RowMeans:
    return engine_is(RowMeans(), monkeypatch)


@pytest.fixture(scope="module")
def mr() -> Filler:
    return Filler("mr")


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
        engine_is(RowMeans(), patch)
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

    engine_is(TooBright(), monkeypatch)
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


@pytest.mark.parametrize("shape", [(603, 520), (600, 521)])
def test_a_flipped_image_with_a_large_hole_gives_the_same_fill(engine: RowMeans, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(3)
    image = rng.normal(size=(*shape, 1)).astype(np.float32).cumsum(0).cumsum(1)
    hole = np.zeros(image.shape, bool)
    hole[60:540, 60:470] = True
    filler, affine = Filler("ct"), np.eye(4)
    expected = filler(Image(image, affine), hole).image.voxels
    flipped = affine.copy()
    flipped[0, 0], flipped[0, 3] = -1, shape[0] - 1
    filled = filler(Image(image[::-1], flipped), hole[::-1]).image.voxels
    np.testing.assert_allclose(filled[::-1], expected, atol=1e-4 * np.ptp(image))


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
    assert seen[-1] == (34, 34)
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

    engine_is(Broken(), monkeypatch)
    with pytest.raises(InputError, match="NaN or infinite"):
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
    hole = square((20, 24, 1), (4, 4, 0), 3)
    fill_blocks([Block(np.ones(hole.shape, np.float32), hole, hole.copy())], run)
    assert run.batches[0][2:] == (32, 32)
    assert SMALLEST > 32


def test_patches_hold_no_more_than_the_hole() -> None:
    hole = np.zeros((50, 60, 9), bool)
    hole[10:13, 20:25, 4] = True
    patches, _ = fill_slices(Image(np.zeros(hole.shape, np.int16), np.eye(4)), hole, RowMeans())
    assert [patch.units.shape for patch in patches] == [(3, 5)]
