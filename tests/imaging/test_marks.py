"""Which voxels a hole marks, by its values: the same rule for files, arrays and label maps."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from io_samples import oblique_affine
from PIL import Image as Pillow

from monai_inpaint import Filler, Image, InputError, read_image
from monai_inpaint.imaging.label_map import hole_of, matching
from monai_inpaint.regions.hole_file import read_hole

SHAPE = (9, 8, 7)


def labels(*values: float, dtype: str = "uint8") -> np.ndarray:
    """Zeros, and one block of each value."""
    voxels = np.zeros((4, 4, 2 * len(values) + 1), dtype)
    for n, value in enumerate(values):
        voxels[1:3, 1:3, 2 * n + 1] = value
    return voxels


def marked(voxels: np.ndarray, segment: str | None = None, **more: object) -> np.ndarray:
    return hole_of(Image(voxels, oblique_affine(), **more), segment).image.voxels  # type: ignore[arg-type]


@given(
    arrays(bool, (3, 4, 2)), st.sampled_from(["uint8", "int16", "uint64", "float32", "float64"]),
    st.sampled_from([1, 7, 100, 255, 0.3]), st.sampled_from(["C", "F"]),
)  # fmt: skip
def test_zero_and_one_positive_value_are_taken_as_they_are(inside: np.ndarray, dtype: str, value: float, order) -> None:
    voxels = np.asarray(inside * np.dtype(dtype).type(value or 1), order=order)
    hole = hole_of(Image(voxels, oblique_affine()))
    assert hole.threshold is None
    assert hole.image.voxels.dtype == bool
    np.testing.assert_array_equal(hole.image.voxels, voxels != 0)


def test_truth_values_come_back_themselves() -> None:
    inside = labels(1).astype(bool)
    assert hole_of(Image(inside)).image.voxels is inside


@settings(max_examples=50, deadline=None)
@given(arrays(np.float32, (3, 4, 2), elements=st.floats(0, 1, width=32)))
def test_fractions_count_from_one_half_and_the_report_says_so(fractions: np.ndarray) -> None:
    fractions[0, 0] = [0.25, 0.75]  # two values at least
    hole = hole_of(Image(fractions, oblique_affine()))
    assert hole.threshold == 0.5
    np.testing.assert_array_equal(hole.image.voxels, fractions >= 0.5)


def test_fractions_stored_as_scaled_whole_numbers_are_fractions() -> None:
    stored = labels(50, 100, 128, 255)
    np.testing.assert_array_equal(marked(stored, slope=1 / 255), stored >= 128)


def test_rounding_of_an_interpolation_is_neither_negative_nor_above_one() -> None:
    voxels = labels(-1e-6, 0.4, 1 + 1e-6, dtype="float32")
    np.testing.assert_array_equal(marked(voxels), voxels > 0.5)


def test_fractions_below_one_half_only_are_refused_and_not_an_empty_hole() -> None:
    with pytest.raises(InputError, match=r"fractions below one half only \(to 0.3\)"):
        marked(labels(0.1, 0.3, dtype="float32"))


@pytest.mark.parametrize("segment", [None, "*"])
@pytest.mark.parametrize(
    ("values", "why"),
    [
        ((1, np.nan), "not numbers"), ((1, np.inf), "not numbers"), ((-1, 1), "negative values"),
        ((-1024, 40.5), "negative values"), ((1, 2.5), "between whole numbers"), ((0.5, 255), "between whole numbers"),
    ],
)  # fmt: skip
def test_values_that_are_no_marks_are_refused_with_what_to_do(values, why: str, segment: str | None) -> None:
    with pytest.raises(InputError, match=why):
        marked(labels(*values, dtype="float32"), segment)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "uint64", "float32"])
def test_of_several_labels_the_named_ones_are_filled(dtype: str) -> None:
    voxels = labels(1, 2, 12, dtype=dtype)
    with pytest.raises(InputError, match=r"contains 3 labels: 1, 2, 12; say which to fill: --segment"):
        marked(voxels)
    np.testing.assert_array_equal(marked(voxels, "2"), voxels == 2)
    np.testing.assert_array_equal(marked(voxels, "1*"), (voxels == 1) | (voxels == 12))
    np.testing.assert_array_equal(marked(voxels, "*"), voxels != 0)
    with pytest.raises(InputError, match="contains no label 3; it contains 1, 2, 12"):
        marked(voxels, "3")


def test_a_hole_of_one_label_takes_its_number_and_no_other() -> None:
    voxels = labels(7, 7)
    np.testing.assert_array_equal(marked(voxels, "7"), voxels == 7)
    np.testing.assert_array_equal(marked(voxels, "*"), voxels == 7)
    with pytest.raises(InputError, match="no label lesion"):
        marked(voxels, "lesion")


def test_fractions_have_no_segments() -> None:
    with pytest.raises(InputError, match="no labels; leave out --segment"):
        marked(labels(0.3, 0.9, dtype="float32"), "1")


def test_a_name_that_is_equal_goes_before_a_pattern() -> None:
    names = ["PTV[60Gy]", "PTV6", "ptv6", "GTV*", "GTV 1"]
    assert matching(names, "PTV[60Gy]") == [0]
    assert matching(names, "ptv[60gy]") == [0]
    assert matching(names, "PTV6") == [1]
    assert matching(names, "ptv[6]") == [1, 2]
    assert matching(names, "GTV*") == [3]
    assert matching(names, "gtv ?") == [4]
    assert matching(names, "*") == [0, 1, 2, 3, 4]
    assert matching(names, "CTV") == []


def test_an_umlaut_is_the_same_in_one_character_and_in_two() -> None:
    assert matching(["La\u0308sion", "Lunge"], "l\u00e4sion") == [0]
    assert matching(["L\u00e4sion", "Lunge"], "La\u0308s*") == [0]


def test_a_number_is_meant_where_no_name_is_equal() -> None:
    assert matching(["2", "lesion"], "2", [7, 2]) == [0]
    assert matching(["brain", "lesion"], "2", [7, 2]) == [1]
    assert matching(["brain", "lesion"], "3", [7, 2]) == []


def test_single_bits_with_white_as_zero_are_refused_as_programs_disagree_what_they_mark(tmp_path: Path) -> None:
    inside = labels(1).astype(bool)[1]
    tifffile.imwrite(tmp_path / "hole.tif", inside)  # which writes truth values so, and reads them as they were
    with pytest.raises(InputError, match="single bits with white as 0"):
        hole_of(read_image(tmp_path / "hole.tif"))
    Pillow.fromarray(inside).save(tmp_path / "plain.tif")
    np.testing.assert_array_equal(hole_of(read_image(tmp_path / "plain.tif")).image.voxels, inside)


def segmentation_of_slicer(path: Path, voxels: np.ndarray, names: dict[int, str]) -> Path:
    """A .seg.nrrd, as 3D Slicer writes it."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(voxels.T))
    for n, (value, name) in enumerate(names.items()):
        for key, text in {"ID": f"Segment_{n + 1}", "Name": name, "LabelValue": str(value), "Layer": "0"}.items():
            image.SetMetaData(f"Segment{n}_{key}", text)
    sitk.WriteImage(image, str(path), True)
    return path


def test_segments_of_slicer_are_named(tmp_path: Path) -> None:
    voxels = labels(1, 2, 3)
    path = segmentation_of_slicer(tmp_path / "two.seg.nrrd", voxels, {1: "lesion", 2: "brain", 3: "1"})
    image = Image(np.zeros(voxels.shape, np.int16), read_image(path).affine)

    with pytest.raises(InputError, match="contains 3 labels: lesion, brain, 1; say which"):
        read_hole(path, image)
    for segment, value in {"lesion": 1, "Brain": 2, "1": 3, "2": 2, "l*": 1}.items():  # names go before numbers
        np.testing.assert_array_equal(read_hole(path, image, segment).image.voxels, voxels == value)
    with pytest.raises(InputError, match="contains no label liver; it contains lesion, brain, 1"):
        read_hole(path, image, "liver")


def test_one_segment_of_slicer_needs_no_name(tmp_path: Path) -> None:
    voxels = labels(4)
    path = segmentation_of_slicer(tmp_path / "one.seg.nrrd", voxels, {4: "lesion"})
    hole = read_hole(path, Image(np.zeros(voxels.shape, np.int16), oblique_affine()))
    np.testing.assert_array_equal(hole.image.voxels, voxels != 0)


def picture(path: Path, pixels: np.ndarray) -> Image:
    Pillow.fromarray(pixels).save(path)
    return read_image(path)


@pytest.mark.parametrize("segment", [None, "*"])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_greys_between_black_and_white_are_refused(tmp_path: Path, suffix: str, segment: str | None) -> None:
    pixels = np.zeros((20, 30), np.uint8)
    pixels[5:10, 5:10], pixels[4, 4:11], pixels[15, 15] = 255, 120, 1
    with pytest.raises(InputError, match="2 greys between black and white.*save it with two values"):
        hole_of(picture(tmp_path / f"hole{suffix}", pixels), segment)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_label_map_may_be_a_picture(tmp_path: Path, suffix: str) -> None:
    pixels = np.zeros((20, 30), np.uint8)
    pixels[5:10, 5:10], pixels[15:17, 4:11] = 1, 2
    image = picture(tmp_path / f"hole{suffix}", pixels)
    np.testing.assert_array_equal(hole_of(image, "2").image.voxels, pixels == 2)
    with pytest.raises(InputError, match="2 labels: 1, 2"):
        hole_of(image)


def test_in_a_picture_that_shows_low_values_bright_black_is_zero() -> None:
    pixels = np.full((6, 6), 255, np.uint8)
    pixels[2:4, 2:4] = 0
    np.testing.assert_array_equal(hole_of(Image(pixels, inverted=True)).image.voxels, pixels == 0)
    pixels[0, 0] = 128
    with pytest.raises(InputError, match="greys between black and white"):
        hole_of(Image(pixels, inverted=True))


def test_lossy_holes_are_refused_whatever_they_hold() -> None:
    with pytest.raises(InputError, match="lossy format"):
        hole_of(Image(labels(1), lossy=True))


def test_a_label_map_in_units_counts_in_units() -> None:
    np.testing.assert_array_equal(marked(labels(1, 1) + np.uint8(3), slope=2.0, intercept=-6.0), labels(1, 1) != 0)


@pytest.mark.parametrize("mistake", list(itertools.product([-1.0, 0.5, 2.0, np.nan], [1.0])))
def test_arrays_go_by_the_same_rule(mistake: tuple[float, float], filler: Filler) -> None:
    image = np.random.default_rng(0).normal(100, 20, (40, 40)).astype(np.float32)
    hole = np.zeros(image.shape, np.float32)
    hole[10:14, 10:14], hole[20:22, 20:22] = mistake[1], mistake[0]
    if mistake[0] == 0.5:
        assert filler(image, hole).report["hole"]["threshold"] == 0.5
        return
    with pytest.raises(InputError, match="The hole contains"):
        filler(image, hole)


@pytest.fixture(scope="module")
def filler() -> Filler:
    return Filler("mr")
