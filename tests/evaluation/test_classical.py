"""Classical fills: what they keep, what they see, and that they are what they are called."""

from __future__ import annotations

import numpy as np
import pytest
from evaluation_samples import smooth, square_hole
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("skimage")
pytest.importorskip("cv2")

from monai_inpaint.evaluation.classical import METHODS, fill_biharmonic, fill_ring_mean
from monai_inpaint.imaging.biharmonic import solve_biharmonic

CLASSICAL = list(METHODS)


@pytest.mark.parametrize("name", CLASSICAL)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), top=st.integers(0, 30), left=st.integers(0, 30), side=st.integers(1, 18))
def test_classical_fills_leave_known_pixels_untouched_and_ignore_hidden_ones(name, seed, top, left, side):
    image = (smooth((48, 50), seed) * 8 - 1000).astype(np.float32)
    hole = square_hole(image.shape, top, left, side)
    hidden = np.where(hole, np.nan, image).astype(np.float32)
    filled = METHODS[name](hidden, hole)
    assert filled.dtype == np.float32
    assert filled.shape == image.shape
    np.testing.assert_array_equal(filled[~hole], image[~hole])
    assert np.isfinite(filled).all()
    np.testing.assert_array_equal(filled, METHODS[name](np.where(hole, 1e6, image).astype(np.float32), hole))
    np.testing.assert_array_equal(image[~hole], hidden[~hole])


@pytest.mark.parametrize("name", CLASSICAL)
def test_scaling_and_shifting_the_image_scales_and_shifts_its_classical_fill(name):
    image, hole = smooth((48, 50)).astype(np.float32), square_hole((48, 50), 10, 12, 20)
    moved = METHODS[name](8 * image - 1000, hole)
    np.testing.assert_allclose(moved, 8 * METHODS[name](image, hole) - 1000, atol=0.5)


@pytest.mark.parametrize("name", CLASSICAL)
def test_a_flat_image_is_filled_flat(name):
    hole = square_hole((40, 40), 10, 10, 15)
    np.testing.assert_allclose(METHODS[name](np.full((40, 40), -37.5, np.float32), hole), -37.5, atol=1e-3)


def test_ring_mean_is_the_mean_of_the_four_pixels_around():
    image = np.arange(400, dtype=np.float32).reshape(20, 20) ** 1.5
    hole = square_hole((20, 20), 8, 6, 3)
    wide = square_hole((20, 20), 4, 2, 11)
    assert fill_ring_mean(image, hole)[9, 7] == pytest.approx(image[wide & ~hole].mean(), rel=1e-6)


@pytest.mark.parametrize(("top", "left"), [(0, 0), (40, 30), (76, 84), (0, 84), (50, 0)])
def test_biharmonic_on_a_crop_is_that_of_the_whole_image(top, left):
    from skimage.restoration import inpaint_biharmonic

    image = smooth((100, 108)).astype(np.float32)
    hole = square_hole(image.shape, top, left, 24)
    expected = inpaint_biharmonic(np.where(hole, 0, image).astype(np.float64), hole)
    np.testing.assert_allclose(fill_biharmonic(image, hole), expected, atol=1e-2)


def test_biharmonic_is_limited_by_the_range_of_the_whole_image_not_of_its_crop():
    from skimage.restoration import inpaint_biharmonic

    rows, columns = np.ogrid[:80, :80]
    image = ((rows - 40.0) ** 2 + (columns - 40.0) ** 2).astype(np.float32)
    image[0, 0] = -10000
    hole = square_hole(image.shape, 30, 30, 20)
    expected = inpaint_biharmonic(image.astype(np.float64), hole)
    assert expected[40, 40] < image[26:54, 26:54][~hole[26:54, 26:54]].min()
    np.testing.assert_allclose(fill_biharmonic(image, hole), expected, atol=0.1)


@pytest.fixture
def volume() -> tuple[np.ndarray, np.ndarray]:
    """A smooth volume and a ball of 9 voxels that lies at one of its borders."""
    places = np.ogrid[:30, :28, :24]
    hole = sum((place - at) ** 2 for place, at in zip(places, (15, 14, 3), strict=True)) <= 20
    return (smooth((30, 28, 24)) * 8 - 1000).astype(np.float32), hole


@pytest.mark.parametrize("name", CLASSICAL)
def test_classical_fills_of_volumes_leave_known_voxels_untouched_and_ignore_hidden_ones(name, volume):
    image, hole = volume
    filled = METHODS[name](np.where(hole, np.float32(-100), image), hole)
    assert filled.dtype == np.float32
    np.testing.assert_array_equal(filled[~hole], image[~hole])
    assert np.isfinite(filled).all()
    np.testing.assert_array_equal(filled, METHODS[name](np.where(hole, np.float32(-100), image), hole))
    np.testing.assert_allclose(filled, METHODS[name](np.where(hole, np.float32(900), image), hole), atol=0.01)


@pytest.mark.parametrize("name", ["telea", "navier-stokes"])
def test_opencv_fills_volumes_slice_by_slice(name, volume):
    image, hole = volume
    filled = METHODS[name](image, hole)
    for k in (0, 3, 6):
        np.testing.assert_array_equal(filled[..., k], METHODS[name](image[..., k], hole[..., k]))


@pytest.mark.parametrize("shape", [(40, 36), (30, 28, 24)], ids=["2d", "3d"])
@pytest.mark.parametrize("at_border", [False, True], ids=["inside", "at the border"])
def test_the_biharmonic_equation_solved_by_conjugate_gradients_is_that_of_scikit_image(shape, at_border):
    from skimage.restoration import inpaint_biharmonic

    image = smooth(shape) * 8 - 1000
    middle = [size // 2 for size in shape[:-1]] + [2 if at_border else shape[-1] // 2]
    distance = sum((place - at) ** 2 for place, at in zip(np.ogrid[tuple(map(slice, shape))], middle, strict=True))
    hole = np.asarray(distance <= 30)
    expected = inpaint_biharmonic(np.where(hole, 0, image), hole)[hole]
    np.testing.assert_allclose(solve_biharmonic(image, hole), expected, atol=1e-3 * np.ptp(image))
