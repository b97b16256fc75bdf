"""A hole lands on the voxels that were drawn, by whichever valid form of the image a program drew it."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from io_samples import oblique_affine

from monai_inpaint import Image, InputError, read_image
from monai_inpaint.imaging.grid import align_hole

SHAPE = (9, 8, 7)
DISAGREE = "The image states two positions: its sform and qform, as programs read them, disagree."

angles = st.tuples(*[st.floats(-3, 3)] * 3)
shifts = st.tuples(*[st.floats(-40, 40)] * 3)
spacings = st.tuples(*[st.floats(0.4, 4)] * 3)
flips = st.tuples(*[st.booleans()] * 3)
orders = st.permutations(range(3))


def affine_of(angle, shift, spacing) -> np.ndarray:
    affine = np.eye(4)
    for axis, value in enumerate(angle):
        a, b = [other for other in range(3) if other != axis]
        turn = np.eye(4)
        turn[a, a] = turn[b, b] = np.cos(value)
        turn[a, b], turn[b, a] = -np.sin(value), np.sin(value)
        affine = affine @ turn
    affine = affine @ np.diag([*spacing, 1.0])
    affine[:3, 3] = shift
    return affine


affines = st.builds(affine_of, angles, shifts, spacings)


def drawn(seed: int = 0, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    """A few blobs, nothing symmetric."""
    hole = np.zeros(shape, bool)
    hole[2:5, 1:4, 2:4] = hole[6, 5:7, 5] = True
    return hole & (np.random.default_rng(seed).random(shape) < 0.9)


def turned(voxels: np.ndarray, affine: np.ndarray, order, flip) -> Image:
    """The same voxels at the same places, stored in another order."""
    stored, place = voxels.transpose(order), affine[:, [*order, 3]].copy()
    for axis, flipped in enumerate(flip):
        if flipped:
            stored = np.flip(stored, axis)
            place[:, 3] += place[:, axis] * (stored.shape[axis] - 1)
            place[:, axis] *= -1
    return Image(stored, place)


def image(affine: np.ndarray, other: np.ndarray | None = None) -> Image:
    return Image(np.zeros(SHAPE, np.int16), affine, other_affine=other)


def apart(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether the grids lie at least half a voxel apart somewhere."""
    corner = np.array([*SHAPE, 1]) - [1, 1, 1, 0]
    return max(np.abs((first - second) @ corner).max(), np.abs((first - second)[:, 3]).max()) > 2


@settings(max_examples=60, deadline=None)
@given(affines, affines, st.booleans(), st.integers(0, 9))
def test_a_hole_drawn_by_either_form_is_taken_voxel_for_voxel(sform, qform, by_qform: bool, seed: int) -> None:
    assume(apart(sform, qform))
    hole = drawn(seed)

    aligned = align_hole(Image(hole, qform if by_qform else sform), image(sform, qform))

    np.testing.assert_array_equal(aligned.voxels, hole)
    assert aligned.grid == ("same grid by its qform" if by_qform else "same grid")
    assert aligned.notes == (DISAGREE,)


@settings(max_examples=40, deadline=None)
@given(affines, affines, st.integers(0, 9))
def test_a_hole_of_two_forms_meets_an_image_of_one(sform, qform, seed: int) -> None:
    assume(apart(sform, qform))
    hole = drawn(seed)
    aligned = align_hole(Image(hole, sform, other_affine=qform), image(qform))
    np.testing.assert_array_equal(aligned.voxels, hole)
    assert aligned.grid == "same grid by the hole's qform"
    assert aligned.notes == ("The hole states two positions: its sform and qform, as programs read them, disagree.",)


@settings(max_examples=60, deadline=None)
@given(affines, affines, orders, flips, st.booleans(), st.integers(0, 9))
def test_any_order_and_direction_of_either_form_is_undone(sform, qform, order, flip, by_qform: bool, seed: int) -> None:
    assume(apart(sform, qform))
    hole = drawn(seed)
    aligned = align_hole(turned(hole, qform if by_qform else sform, order, flip), image(sform, qform))
    np.testing.assert_array_equal(aligned.voxels, hole)
    assert aligned.kept == 1


@settings(max_examples=60, deadline=None)
@given(
    affines, affines, st.tuples(*[st.integers(0, 2)] * 3), st.tuples(*[st.integers(0, 2)] * 3), orders, flips,
    st.booleans(), st.integers(0, 9),
)  # fmt: skip
def test_a_part_or_a_larger_grid_of_either_form_lands_on_the_voxels_that_were_drawn(
    sform, qform, cut, more, order, flip, by_qform: bool, seed: int
) -> None:
    assume(apart(sform, qform))
    hole = drawn(seed)
    part = np.pad(hole, [(0, n) for n in more])[tuple(slice(n, None) for n in cut)]
    place = (qform if by_qform else sform).copy()
    place[:, 3] = place @ [*cut, 1]
    expected = np.zeros(SHAPE, bool)
    expected[tuple(slice(n, None) for n in cut)] = hole[tuple(slice(n, None) for n in cut)]

    aligned = align_hole(turned(part, place, order, flip), image(sform, qform))

    np.testing.assert_array_equal(aligned.voxels, expected)
    assert aligned.kept == 1


def test_forms_that_are_mirrored_do_not_turn_a_hole_around() -> None:
    sform = oblique_affine()
    qform = turned(np.zeros(SHAPE), sform, (0, 1, 2), (True, False, False)).affine
    hole = drawn()
    for form in (sform, qform):
        np.testing.assert_array_equal(align_hole(Image(hole, form), image(sform, qform)).voxels, hole)


def test_a_hole_of_another_grid_that_two_forms_put_at_two_places_is_refused_with_both() -> None:
    sform = oblique_affine()
    qform = sform.copy()
    qform[:, 3] = sform @ [2, 1, 0, 1]  # by whole voxels: a part of either grid lies on the other one, too
    part = Image(drawn()[1:, 1:], sform @ np.array([[1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 1.0]]))
    with pytest.raises(InputError, match=r"lies at two places of .* sform and qform disagree: .* or by its qform axes"):
        align_hole(part, image(sform, qform))


def test_a_hole_of_another_grid_goes_by_the_form_that_puts_it_into_the_image() -> None:
    sform, qform = oblique_affine(), oblique_affine()
    sform[:3, 3] += 500
    fine = qform @ np.diag([0.7, 0.7, 0.7, 1])
    aligned = align_hole(Image(np.ones((4, 4, 4), bool), fine), image(sform, qform))
    assert aligned.grid == "resampled (nearest) by its qform"
    assert aligned.voxels.any()


@pytest.mark.parametrize(("outside", "refused"), [(0, False), (1, False), (3, True), (9, True)])
def test_a_hole_that_loses_more_than_a_tenth_is_refused_with_the_share(outside: int, refused: bool) -> None:
    hole = np.zeros((20, 8, 7), bool)
    hole[0:10, 3, 3] = True
    affine = oblique_affine()
    affine[:, 3] = affine @ [-outside, 0, 0, 1]
    onto = Image(np.zeros((30, 8, 7), np.int16), oblique_affine())
    if refused:
        with pytest.raises(InputError, match=f"loses {outside}0% of its volume"):
            align_hole(Image(hole, affine), onto)
        return
    aligned = align_hole(Image(hole, affine), onto)
    assert aligned.kept == pytest.approx(1 - outside / 10)
    assert aligned.facts()["kept"] == round(1 - outside / 10, 4)
    assert aligned.voxels.sum() == 10 - outside


@settings(max_examples=40, deadline=None)
@given(st.tuples(*[st.floats(0.4, 2.5)] * 3), st.tuples(*[st.floats(-0.5, 0.5)] * 3), angles)
def test_a_hole_well_inside_of_the_image_is_kept_whole_at_any_scale(scale, shift, angle) -> None:
    move = affine_of(angle, shift, (1, 1, 1)) @ np.diag([*scale, 1.0])
    ball = np.linalg.norm(np.indices((9, 9, 9)) - 4, axis=0) <= 3.4
    move[:3, 3] += np.array([20, 20, 20]) - move[:3, :3] @ [4, 4, 4]
    onto = Image(np.zeros((40, 40, 40), np.int16), oblique_affine())
    aligned = align_hole(Image(ball, oblique_affine() @ move), onto)
    assert aligned.kept == 1


def test_pieces_that_fall_between_the_voxels_of_the_image_are_lost_and_reported() -> None:
    hole = np.zeros((40, 40, 40), bool)
    hole[10:20, 10:20, 10:20] = True
    hole[30:34, 24:28, 38] = True  # 16 of 1016 voxels, in a slice that no coarse one falls on
    coarse = Image(np.zeros((10, 10, 10), np.int16), np.diag([4.0, 4, 4, 1]))
    assert 0.98 < align_hole(Image(hole, np.eye(4)), coarse).kept < 0.99
    hole[10:20, 10:20, 10:20] = False
    hole[12, 12, 8] = True
    with pytest.raises(InputError, match="loses 94% of its volume"):
        align_hole(Image(hole, np.eye(4)), coarse)


def test_a_slice_asks_only_for_what_was_drawn_on_it() -> None:
    hole = drawn()
    affine = oblique_affine()
    affine[:, 3] = affine @ [0, 0, 3, 1]
    aligned = align_hole(Image(hole, oblique_affine()), Image(np.zeros((9, 8), np.int16), affine))
    np.testing.assert_array_equal(aligned.voxels, hole[..., 3])
    assert aligned.kept == 1


# --- files


def save(path: Path, voxels: np.ndarray, sform: np.ndarray | None = None, qform: np.ndarray | None = None) -> Path:
    file = nib.Nifti1Image(voxels, None)
    file.header["sform_code"] = file.header["qform_code"] = 0
    file.header["pixdim"][1:4] = [0.9, 0.9, 3]
    if sform is not None:
        file.set_sform(sform, 2)
    if qform is not None:
        file.set_qform(qform, 1)
    nib.save(file, path)
    return path


def drawn_in_itk(image_path: Path, hole: np.ndarray, path: Path) -> Path:
    """As Slicer and ITK-SNAP save it: in the geometry that ITK reads from the image."""
    label = sitk.GetImageFromArray(np.ascontiguousarray(hole.T.astype(np.uint8)))
    label.CopyInformation(sitk.ReadImage(str(image_path)))
    sitk.WriteImage(label, str(path))
    return path


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
@pytest.mark.parametrize("forms", [(True, True), (True, False), (False, True), (False, False)])
def test_a_hole_drawn_in_an_itk_program_lands_where_it_was_drawn(tmp_path: Path, forms, suffix: str) -> None:
    qform = np.diag([0.9, 0.9, 3.0, 1.0])
    qform[:3, 3] = [-20, -30, 10]
    sform = qform.copy()
    sform[:3, 3] += [2, -5, 6]
    voxels = np.zeros(SHAPE, np.int16)
    path = save(tmp_path / "image.nii.gz", voxels, sform if forms[0] else None, qform if forms[1] else None)
    hole = read_image(drawn_in_itk(path, drawn(), tmp_path / f"hole{suffix}"))

    aligned = align_hole(hole, read_image(path))

    np.testing.assert_array_equal(aligned.voxels, drawn())
    assert aligned.grid == {
        (True, True): "same grid by its qform",
        (False, False): "by pixel position",
    }.get(forms, "same grid")


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("hole.nrrd", "NRRD0004\ntype: uint8\ndimension: 3\nsizes: 9 8 7\nencoding: raw\n\n"),
        (
            "hole.mha",
            "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nDimSize = 9 8 7\n"
            "ElementType = MET_UCHAR\nElementDataFile = LOCAL\n",
        ),
    ],
)
def test_a_hole_in_no_space_fits_by_its_shape_alone(tmp_path: Path, name: str, header: str) -> None:
    (tmp_path / name).write_bytes(header.encode() + drawn().astype(np.uint8).tobytes(order="F"))
    aligned = align_hole(read_image(tmp_path / name), image(oblique_affine()))
    np.testing.assert_array_equal(aligned.voxels, drawn())
    assert aligned.grid == "by pixel position"


def test_layers_of_segments_that_overlap_are_refused_with_what_to_do(tmp_path: Path) -> None:
    layers = np.stack([drawn(), ~drawn()], axis=-1).astype(np.uint8)
    text = "NRRD0004\ntype: uint8\ndimension: 4\nsizes: 2 9 8 7\nkinds: list domain domain domain\nencoding: raw\n\n"
    path = tmp_path / "two.seg.nrrd"
    path.write_bytes(text.encode() + np.moveaxis(layers, -1, 0).tobytes(order="F"))
    with pytest.raises(InputError, match="contains 2 layers of overlapping segments; export one segment"):
        read_image(path)


def test_a_file_without_a_form_fits_by_its_shape_alone(tmp_path: Path) -> None:
    image_path = save(tmp_path / "image.nii", np.zeros(SHAPE, np.int16), oblique_affine())
    hole = read_image(save(tmp_path / "hole.nii", drawn().astype(np.uint8)))
    aligned = align_hole(hole, read_image(image_path))
    np.testing.assert_array_equal(aligned.voxels, drawn())
    assert aligned.grid == "by pixel position"
    assert aligned.notes == ("The hole does not say where it lies, so that the hole was taken voxel for voxel.",)
    small = read_image(save(tmp_path / "small.nii", drawn()[1:].astype(np.uint8)))
    with pytest.raises(InputError, match=r"small.nii does not fit .*states no position, so their shapes must agree"):
        align_hole(small, read_image(image_path))
