from __future__ import annotations

import itertools
import re
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from io_samples import oblique_affine

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.grid import align_hole, check_hole
from monai_inpaint.imaging.image import Image
from monai_inpaint.io import read_image, write_image

SHAPE = (9, 8, 7)


def image(shape=SHAPE, affine=None):
    return Image(np.zeros(shape, np.int16), oblique_affine() if affine is None else affine)


def on_grid(hole, onto):
    aligned = align_hole(hole, onto)
    return aligned.voxels, aligned.grid


def some_hole(shape=SHAPE, seed=0):
    return (np.random.default_rng(seed).random(shape) < 0.2).astype(np.uint8)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64", "bool"])
def test_nonzero_is_to_fill_in_any_dtype(dtype):
    hole = some_hole()
    aligned, how = on_grid(Image(hole.astype(dtype), oblique_affine()), image())
    assert how == "same grid"
    assert aligned.dtype == bool
    np.testing.assert_array_equal(aligned, hole != 0)


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("flips", list(itertools.product([False, True], repeat=3)))
def test_any_orientation_of_the_same_grid_is_undone_exactly(axes, flips):
    hole, affine = some_hole(), oblique_affine()
    stored, turned = hole.transpose(axes), affine[:, [*axes, 3]].copy()
    for axis, flip in enumerate(flips):
        if flip:
            stored = np.flip(stored, axis)
            turned[:, 3] += turned[:, axis] * (stored.shape[axis] - 1)
            turned[:, axis] *= -1
    aligned, how = on_grid(Image(stored, turned), image())
    np.testing.assert_array_equal(aligned, hole != 0)
    assert how == ("same grid" if axes == (0, 1, 2) and not any(flips) else "reoriented")


def test_a_part_of_the_grid_lands_on_the_same_voxels():
    hole = some_hole()
    affine = oblique_affine()
    affine[:, 3] = affine @ [2, 1, 3, 1]
    aligned, how = on_grid(Image(hole[2:7, 1:6, 3:6], affine), image())
    expected = np.zeros(SHAPE, bool)
    expected[2:7, 1:6, 3:6] = hole[2:7, 1:6, 3:6]
    assert how == "resampled (nearest)"
    np.testing.assert_array_equal(aligned, expected)


@settings(max_examples=40, deadline=None)
@given(
    scale=st.tuples(*[st.floats(0.4, 2.5)] * 3),
    shift=st.tuples(*[st.floats(-3, 3)] * 3),
    angle=st.floats(-1, 1),
    seed=st.integers(0, 9),
)
def test_resampling_takes_the_nearest_hole_voxel(scale, shift, angle, seed):
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    move = turn @ np.diag([*scale, 1.0])
    move[:3, 3] = shift
    hole, affine = some_hole((8, 9, 10), seed), oblique_affine() @ move
    try:
        aligned, how = on_grid(Image(hole, affine), image())
    except InputError:
        return
    grid = np.stack([*np.indices(SHAPE), np.ones(SHAPE)], axis=-1)
    exact = (grid @ (np.linalg.inv(affine) @ oblique_affine()).T)[..., :3]
    nearest = np.rint(exact).astype(int)
    inside = ((nearest >= 0) & (nearest < hole.shape)).all(axis=-1)
    expected = (
        hole[tuple(np.clip(nearest, 0, np.array(hole.shape) - 1)[..., a] for a in range(3))].astype(bool) & inside
    )
    sure = (np.abs(exact - np.floor(exact) - 0.5) > 1e-4).all(axis=-1)
    np.testing.assert_array_equal(aligned[sure], expected[sure])


def test_grids_that_do_not_overlap_are_refused_with_both_geometries():
    far = oblique_affine()
    far[:3, 3] += 1000
    with pytest.raises(InputError, match=r"does not overlap.*shape 9 x 8 x 7.*origin.*shape 9 x 8 x 7.*origin"):
        align_hole(Image(some_hole(), far), image())


def test_other_shapes_without_geometry_are_refused():
    hole = Image(np.ones((4, 5), np.uint8))
    with pytest.raises(InputError, match=re.escape("shape 4 x 5 without geometry")):
        align_hole(hole, Image(np.zeros((5, 4), np.uint8)))
    with pytest.raises(InputError, match="without geometry"):
        align_hole(hole, image())


def test_a_picture_fits_a_slice_of_its_shape():
    slice_in_space = Image(np.zeros((9, 8), np.int16), oblique_affine())
    aligned, how = on_grid(Image(some_hole((9, 8))), slice_in_space)
    assert (aligned.shape, how) == ((9, 8), "same grid")


def test_a_slice_in_space_and_a_volume_of_one_slice_find_each_other():
    affine = oblique_affine()
    hole = some_hole((9, 8))
    as_volume = Image(hole.T[..., None], affine[:, [1, 0, 2, 3]])
    aligned, how = on_grid(as_volume, Image(np.zeros((9, 8), np.int16), affine))
    assert how == "reoriented"
    np.testing.assert_array_equal(aligned, hole != 0)
    aligned, how = on_grid(Image(hole, affine), image((9, 8, 1)))
    assert aligned.shape == (9, 8, 1)
    np.testing.assert_array_equal(aligned[..., 0], hole != 0)


def test_a_volume_hole_is_cut_at_the_slice():
    hole = some_hole()
    affine = oblique_affine()
    affine[:, 3] = affine @ [0, 0, 4, 1]
    aligned, _ = on_grid(Image(hole, oblique_affine()), Image(np.zeros((9, 8), np.int16), affine))
    np.testing.assert_array_equal(aligned, hole[..., 4] != 0)


def test_nan_in_a_hole_is_refused():
    hole = some_hole().astype(np.float32)
    hole[0, 0, 0] = np.nan
    with pytest.raises(InputError, match="NaN"):
        align_hole(Image(hole, oblique_affine()), image())


def test_scaled_holes_count_in_units():
    hole = some_hole()
    stored = Image(hole + np.uint8(3), oblique_affine(), slope=1.0, intercept=-3.0)
    np.testing.assert_array_equal(on_grid(stored, image())[0], hole != 0)


def test_an_empty_hole_and_a_full_one_are_refused():
    with pytest.raises(InputError, match="hole.png is an empty hole"):
        check_hole(np.zeros((3, 3), bool), "hole.png")
    with pytest.raises(InputError, match="hole.png covers the whole image"):
        check_hole(np.ones((3, 3), bool), "hole.png")
    check_hole(np.eye(3, dtype=bool), "hole.png")


def test_an_empty_hole_on_another_grid_is_left_to_check_hole():
    affine = oblique_affine() @ np.diag([1.3, 1, 1, 1])
    aligned, _ = on_grid(Image(np.zeros(SHAPE, np.uint8), affine), image())
    assert not aligned.any()


@pytest.mark.slow
def test_a_large_hole_on_the_same_grid_is_taken_at_once():
    voxels = np.zeros((512, 512, 600), np.uint8, order="F")
    voxels[10:20, 10:20, 10:20] = 1
    large = Image(voxels, oblique_affine())
    start = time.perf_counter()
    align_hole(large, large)
    assert time.perf_counter() - start < 2


def test_a_hole_drawn_elsewhere_on_a_film_without_orientation_is_taken_pixel_by_pixel():
    # Films are taken as coronal here; ITK and its viewers place them axially, as (columns, rows, 1).
    coronal = np.array([[0, -1, 0, 0], [0, 0, -1, 0], [-1, 0, 0, 0], [0, 0, 0, 1.0]])
    film = Image(np.zeros((9, 8), np.uint16), coronal, placed=False)
    drawn = some_hole((8, 9, 1))
    axial = np.diag([-1.0, -1.0, 1.0, 1.0])
    aligned, how = on_grid(Image(drawn, axial), film)
    assert how == "by pixel position"
    np.testing.assert_array_equal(aligned, drawn[..., 0].T != 0)
    with pytest.raises(InputError, match="plane across"):
        align_hole(Image(some_hole((7, 9, 1)), axial), film)
    with pytest.raises(InputError, match="plane across"):
        align_hole(Image(drawn, axial), Image(film.voxels, coronal))


def test_a_flat_hole_on_a_square_film_is_not_turned():
    coronal = np.array([[0, -1, 0, 0], [0, 0, -1, 0], [-1, 0, 0, 0], [0, 0, 0, 1.0]])
    film = Image(np.zeros((9, 9), np.uint16), coronal, placed=False)
    flat = some_hole((9, 9))
    axial = np.array([[0, -1, 0, 0], [-1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    aligned, how = on_grid(Image(flat, axial), film)
    assert how == "by pixel position"
    np.testing.assert_array_equal(aligned, flat != 0)


def test_a_picture_marks_a_volume_of_one_slice_pixel_by_pixel():
    shown = some_hole((9, 8))
    aligned, how = on_grid(Image(shown), image((8, 9, 1)))
    assert (aligned.shape, how) == ((8, 9, 1), "by pixel position")
    np.testing.assert_array_equal(aligned[..., 0].T, shown != 0)


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_a_hole_with_the_noise_of_compression_is_refused(tmp_path, suffix):
    from PIL import Image as Pillow

    Pillow.fromarray(255 * some_hole((20, 30))).save(tmp_path / f"hole{suffix}")
    with pytest.raises(InputError, match=rf"hole\{suffix} is of a lossy format"):
        align_hole(read_image(tmp_path / f"hole{suffix}"), Image(np.zeros((20, 30), np.uint8)))


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
@pytest.mark.parametrize("depth", [0, 1])
def test_a_hole_that_another_program_drew_on_a_picture_lies_where_it_was_drawn(tmp_path, suffix, depth):
    import SimpleITK as sitk

    shown = np.zeros((20, 30), np.uint8)
    shown[2:5, 20:28] = 1
    sitk.WriteImage(sitk.GetImageFromArray(shown[None] if depth else shown), str(tmp_path / f"hole{suffix}"))
    aligned, _ = on_grid(read_image(tmp_path / f"hole{suffix}"), Image(np.zeros((20, 30), np.uint8)))
    assert np.array_equal(aligned, shown > 0)


def test_a_picture_written_as_nifti_is_shown_upright_by_other_programs(tmp_path):
    import SimpleITK as sitk

    picture = np.arange(20 * 30, dtype=np.int16).reshape(20, 30)
    write_image(Image(picture), tmp_path / "picture.nii.gz")
    assert np.array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "picture.nii.gz"))).squeeze(), picture)
    assert np.array_equal(read_image(tmp_path / "picture.nii.gz").voxels.squeeze(), picture)
