"""Pictures and pages."""

from __future__ import annotations

import io

import numpy as np
from evaluation_samples import square_hole

from monai_inpaint.reports import Comparison, compare, comparison_page, difference_png, grey_png, planes


def opened(png: bytes) -> np.ndarray:
    from PIL import Image as Picture

    return np.asarray(Picture.open(io.BytesIO(png)))


def test_grey_pictures_show_the_window_from_black_to_white():
    pixels = np.array([[-2000.0, -1000.0, 0.0, 1000.0, np.nan]])
    np.testing.assert_array_equal(opened(grey_png(pixels, -1000, 1000)), [[0, 0, 128, 255, 0]])


def test_the_outline_colours_known_pixels_only():
    hole = square_hole((12, 14), 4, 5, 4)
    plain, outlined = (
        opened(grey_png(np.full(hole.shape, 100.0), 0, 255, outline=o)) for o in (np.zeros_like(hole), hole)
    )
    coloured = (outlined != 100).any(axis=-1)
    assert plain.shape == outlined.shape == (12, 14, 3)
    np.testing.assert_array_equal(coloured, square_hole((12, 14), 3, 4, 6) & ~hole)


def test_differences_are_blue_below_white_at_and_red_above_zero():
    low, zero, high = opened(difference_png(np.array([[-50.0, 0.0, 50.0]]), 10))[0].astype(int)
    assert low[2] > low[0]
    assert zero.min() > 240
    assert high[0] > high[2]


def test_a_difference_is_shown_signed_and_as_the_paper_does_doubled():
    hole = square_hole((12, 14), 4, 5, 4)
    source = np.full(hole.shape, 100.0)
    case = compare("a", source, hole, {"cxr": np.where(hole, 70.0, source)}, low=0, high=255)

    fill, signed, doubled = case.columns[1]
    assert [picture.caption for picture in (fill, signed, doubled)] == [
        "cxr",
        "cxr - source",
        "2 |difference|, cxr - source",
    ]
    np.testing.assert_array_equal(opened(doubled.png), np.where(hole, 60, 0))


def test_a_page_escapes_what_it_is_given():
    page = comparison_page("<b>&", [], facts={"<i>": "<script>"}, intro="a < b")
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "&lt;b&gt;&amp;" in page


def test_planes_of_a_volume_are_shown_as_a_reader_sees_them_whatever_the_order_of_its_axes():
    volume = np.zeros((8, 10, 6))
    volume[7], volume[:, 9], volume[..., 5] = 1, 2, 3  # RAS: the patient's right side, front and head... of 2 mm slices
    affine = np.diag([1.0, 1.0, 2.0, 1.0])
    shown = planes(volume, (4, 5, 3), affine)
    assert shown.shape == (12, 8 + 4 + 8 + 4 + 10)
    axial, coronal, sagittal = shown[:10, :8], shown[:, 12:20], shown[:, 24:]
    assert np.isnan(shown[10:, :8]).all()
    assert np.isnan(shown[:, 8:12]).all()
    assert (axial[0] == 2).all()  # the front is above
    assert (axial[1:, 0] == 1).all()  # the patient's right is on the left
    assert (coronal[:2] == 3).all()  # the head is above, and each slice two pixels high
    assert (coronal[2:, 0] == 1).all()
    assert (sagittal[2:, 0] == 2).all()  # the front is on the left
    turned = affine[:, [2, 0, 1, 3]]
    turned = turned @ np.diag([1, -1, 1, 1]) @ np.array([[1, 0, 0, 0], [0, 1, 0, -7], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    np.testing.assert_array_equal(planes(volume.transpose(2, 0, 1)[:, ::-1], (3, 3, 5), turned), shown)


def test_planes_of_a_hole_are_truth_values():
    hole = np.zeros((8, 10, 6), bool)
    hole[4, 5, 3] = True
    shown = planes(hole, (4, 5, 3), np.eye(4))
    assert shown.dtype == bool
    assert shown.sum() == 3


def test_a_comparison_of_planes_is_wide():
    assert "row wide" in comparison_page("", [Comparison("", [], wide=True)])
    assert "row wide" not in comparison_page("", [Comparison("", [])])
