"""A hole that is a DICOM RTSTRUCT: where its contours come to lie, and which are refused."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import numpy as np
import pydicom
import pytest
from cli_samples import SIDE, ct_series
from dicom_hole_samples import lps, segmentation, sources, structures
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from io_samples import dicom_series
from placed_holes import disc, image_files, oblique_series, on_grid

from monai_inpaint import InputError, read_image
from monai_inpaint.imaging.grid import align_hole
from monai_inpaint.regions.hole_file import read_hole

pytest.importorskip("highdicom", reason="needs the extra dicom")


@pytest.fixture
def series(tmp_path: Path) -> Path:
    return ct_series(tmp_path / "series", 5)


@pytest.mark.parametrize("make", [lambda folder: ct_series(folder, 6), oblique_series], ids=["axial", "oblique"])
def test_contours_of_a_ball_mark_the_voxels_whose_centres_lie_in_it(make, tmp_path: Path) -> None:
    series = make(tmp_path / "series")
    image = read_image(series)
    centre, radius = np.array([15.3, 17.8, 2.6]), 7.3
    contours = []
    i, j, k = np.meshgrid(*(np.arange(n) for n in image.voxels.shape), indexing="ij")
    apart = [(axis - c) * mm for axis, c, mm in zip((i, j, k), centre, image.spacing or (), strict=True)]
    distance = np.sqrt(sum(part**2 for part in apart))
    for level in range(6):
        off = abs(level - centre[2]) * (image.spacing or ())[2]
        if off < radius:
            contours.append(disc(image, (centre[0], centre[1], level), np.sqrt(radius**2 - off**2), 720))
    path = structures(tmp_path / "rt.dcm", image_files(series)[0], {"GTV": contours})

    hole, how = on_grid(path, series)

    assert how == "same grid"
    clear = np.abs(distance - radius) > 0.01
    assert np.array_equal(hole[clear], (distance < radius)[clear])
    assert hole.sum() * np.prod(image.spacing or ()) == pytest.approx(4 / 3 * np.pi * radius**3, rel=0.06)


def test_a_contour_within_another_cuts_a_cavity_but_rois_are_united(series: Path, tmp_path: Path) -> None:
    image = read_image(series)
    outer, inner = disc(image, (40, 40, 2), 20), disc(image, (40, 40, 2), 6)
    source = sources(series)[0]
    hollow = structures(tmp_path / "hollow.dcm", source, {"wall": [outer, inner]})
    both = structures(tmp_path / "both.dcm", source, {"organ": [outer], "lesion": [inner]})

    assert not on_grid(hollow, series)[0][40, 40, 2]
    assert on_grid(hollow, series)[0][40, 55, 2]
    assert on_grid(both, series, "*")[0][40, 40, 2]
    assert not on_grid(both, series, "lesion")[0][40, 55, 2]
    with pytest.raises(InputError, match="contains 2 ROIs: organ, lesion; say which"):
        on_grid(both, series)


def test_a_contour_counts_for_the_nearest_slice_and_for_no_other(series: Path, tmp_path: Path) -> None:
    image = read_image(series)
    path = structures(tmp_path / "rt.dcm", sources(series)[0], {"GTV": [disc(image, (40, 40, 2.4), 9)]})

    assert on_grid(path, series)[0].any(axis=(0, 1)).tolist() == [False, False, True, False, False]


def test_contours_mark_a_single_slice_too(tmp_path: Path) -> None:
    series = ct_series(tmp_path / "series", 1)
    image = read_image(series)
    assert image.voxels.ndim == 2
    volume_affine = image.affine[:, [1, 0, 2, 3]]  # columns first, as contours of the other tests are made
    corners = np.array([[20, 10, 0], [60, 10, 0], [60, 30, 0], [20, 30, 0]]) - [0.5, 0.5, 0]
    source = sources(series)[0]
    path = structures(tmp_path / "rt.dcm", source, {"GTV": [lps(volume_affine, corners)]})

    rows, columns = np.nonzero(on_grid(path, series)[0])

    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (10, 29, 20, 59)


@pytest.mark.parametrize(
    ("rois", "elements", "why"),
    [
        ({"GTV": [np.array([[0, 0, 31], [9, 0, 31], [9, 9, 40.0]])]}, {}, "run across the slices"),
        ({"GTV": [np.array([[0, 0, 30], [9, 0, 30.0]])]}, {}, "no closed contours"),
        ({"GTV": []}, {}, "no closed contours"),
        ({"GTV": [np.array([[0, 0, 30], [9, 0, 30], [9, 9, 30.0]])]}, {"type": "POINT"}, "no closed contours"),
        ({"GTV": [np.array([[0, 0, 30], [9, 0, 30], [9, 9, 30.0]])]}, {"series": "1.2.9"}, "drawn on another series"),
        ({"GTV": [np.array([[0, 0, 30], [9, 0, 30], [9, 9, 30.0]])]}, {"frame": "1.2.8"}, "another frame of reference"),
        ({}, {}, "contains no ROIs"),
    ],
)
def test_structures_that_mark_nothing_clear_are_refused(rois, elements, why: str, series: Path, tmp_path: Path) -> None:
    path = structures(tmp_path / "rt.dcm", sources(series)[0], rois, **elements)

    with pytest.raises(InputError, match=why):
        on_grid(path, series)


def square(image, k: float, rows: tuple[int, int], columns: tuple[int, int]) -> np.ndarray:
    """Corners around the pixels of rows and columns, in LPS."""
    (i0, i1), (j0, j1) = columns, rows
    corners = np.array([(i0, j0, k), (i1, j0, k), (i1, j1, k), (i0, j1, k)], float) - [0.5, 0.5, 0]
    return lps(image.affine, corners)


def boxed(rows: tuple[int, int], columns: tuple[int, int], *slices: int) -> np.ndarray:
    """The voxels that squares of these rows and columns mark."""
    expected = np.zeros((SIDE, SIDE, 5), bool)
    expected[slice(*columns), slice(*rows), list(slices)] = True
    return expected


def aligned(path: Path, series: Path, segment: str | None = None):
    image = read_image(series)
    return align_hole(read_hole(path, image, segment), image)


def test_equal_contours_count_once_in_any_order_of_their_points(series: Path, tmp_path: Path) -> None:
    image = read_image(series)
    first = square(image, 2, (20, 30), (24, 34))
    contours = [first, np.roll(first, 1, axis=0), first[::-1], square(image, 3, (20, 30), (24, 34))]
    path = structures(tmp_path / "rt.dcm", sources(series)[0], {"GTV": contours})

    found = aligned(path, series)

    assert np.array_equal(found.voxels, boxed((20, 30), (24, 34), 2, 3))
    assert found.notes == ("2 contours were drawn twice and counted once.",)


def test_a_cavity_that_was_drawn_twice_stays_a_cavity(series: Path, tmp_path: Path) -> None:
    image = read_image(series)
    outer, inner = square(image, 2, (20, 40), (20, 40)), square(image, 2, (28, 32), (28, 32))
    path = structures(tmp_path / "rt.dcm", sources(series)[0], {"GTV": [outer, inner, outer, inner[::-1]]})

    assert np.array_equal(on_grid(path, series)[0], boxed((20, 40), (20, 40), 2) & ~boxed((28, 32), (28, 32), 2))


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(hundredths=st.lists(st.integers(-49, 49), min_size=2, max_size=4, unique_by=lambda n: n // 3))
def test_planes_that_are_closer_than_slices_are_united(
    hundredths: list[int], series: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    image = read_image(series)
    hundredths = sorted(hundredths)
    hundredths = [n for n, before in zip(hundredths, [-99, *hundredths], strict=False) if n - before > 2]
    contours = [square(image, 2 + n / 100, (20 + m, 40), (20, 40)) for m, n in enumerate(hundredths)]
    holes = [square(image, 2 + n / 100, (30, 34), (30, 34)) for n in hundredths]  # cut in each plane
    path = structures(tmp_path_factory.mktemp("planes") / "rt.dcm", sources(series)[0], {"GTV": [*contours, *holes]})

    assert np.array_equal(on_grid(path, series)[0], boxed((20, 40), (20, 40), 2) & ~boxed((30, 34), (30, 34), 2))


def test_contours_of_two_points_and_points_are_passed_over_and_reported(series: Path, tmp_path: Path) -> None:
    image = read_image(series)
    good = square(image, 2, (20, 30), (24, 34))
    path = structures(tmp_path / "rt.dcm", sources(series)[0], {"GTV": [good, good[:2], good[:1]]})
    dataset = pydicom.dcmread(path)
    point = deepcopy(dataset.ROIContourSequence[0].ContourSequence[0])
    point.ContourGeometricType = "OPEN_PLANAR"
    dataset.ROIContourSequence[0].ContourSequence.append(point)
    dataset.save_as(path)

    found = aligned(path, series)

    assert np.array_equal(found.voxels, boxed((20, 30), (24, 34), 2))
    assert found.notes == ("3 points, open lines or contours of two points were skipped.",)


@pytest.mark.parametrize("segment", [None, "*", "lesion"])
@pytest.mark.parametrize("listed", [True, False], ids=["without contours", "without an item"])
def test_an_empty_roi_beside_a_good_one_is_passed_over(
    segment: str | None, listed: bool, series: Path, tmp_path: Path
) -> None:
    image = read_image(series)
    rois = {"lesion": [square(image, 2, (20, 30), (24, 34))], "empty": []}
    path = structures(tmp_path / "rt.dcm", sources(series)[0], rois)
    if not listed:
        dataset = pydicom.dcmread(path)
        dataset.ROIContourSequence.pop()
        dataset.save_as(path)

    found = aligned(path, series, segment)

    assert np.array_equal(found.voxels, boxed((20, 30), (24, 34), 2))
    assert found.notes == (() if segment == "lesion" else ("1 ROIs without closed contours were skipped.",))
    with pytest.raises(InputError, match="no closed contours for what is to be filled"):
        aligned(path, series, "empty")


def test_a_name_with_brackets_is_found_before_it_is_a_pattern(series: Path, tmp_path: Path) -> None:
    image = read_image(series)
    rois = {"PTV[60Gy]": [square(image, 2, (20, 30), (24, 34))], "PTV6": [square(image, 3, (20, 30), (24, 34))]}
    path = structures(tmp_path / "rt.dcm", sources(series)[0], rois)

    assert np.array_equal(on_grid(path, series, "PTV[60Gy]")[0], boxed((20, 30), (24, 34), 2))
    assert np.array_equal(on_grid(path, series, "ptv[6]")[0], boxed((20, 30), (24, 34), 3))
    assert np.array_equal(on_grid(path, series, "2")[0], boxed((20, 30), (24, 34), 3))


def test_rois_that_share_a_number_are_refused_as_their_contours_are_not_told_apart(
    series: Path, tmp_path: Path
) -> None:
    image = read_image(series)
    rois = {"lesion": [square(image, 2, (20, 30), (24, 34))], "organ": [square(image, 3, (20, 30), (24, 34))]}
    path = structures(tmp_path / "rt.dcm", sources(series)[0], rois)
    dataset = pydicom.dcmread(path)
    dataset.StructureSetROISequence[1].ROINumber = dataset.ROIContourSequence[1].ReferencedROINumber = 1
    dataset.save_as(path)

    with pytest.raises(InputError, match="gives one number to several ROIs"):
        on_grid(path, series, "lesion")


def test_contours_that_leave_the_image_are_cut_and_reported_and_refused_from_a_tenth_on(
    series: Path, tmp_path: Path
) -> None:
    image = read_image(series)
    for beyond, name in ((1, "few.dcm"), (4, "many.dcm")):
        contour = square(image, 2, (20, 30), (SIDE - 20 + beyond, SIDE + beyond))
        path = structures(tmp_path / name, sources(series)[0], {"GTV": [contour]})
        if beyond == 4:
            with pytest.raises(InputError, match="loses 20% of its volume"):
                aligned(path, series)
        else:
            assert aligned(path, series).kept == pytest.approx(0.95)
    slices = [square(image, k, (20, 30), (24, 34)) for k in (3, 4, 5, 6)]
    with pytest.raises(InputError, match="loses 50% of its volume"):
        aligned(structures(tmp_path / "above.dcm", sources(series)[0], {"GTV": slices}), series)
    far = [square(image, 3, (20, 30), (24, 34)), square(image, 3, (20, 30), (40000, 40010))]
    aligned(structures(tmp_path / "far.dcm", sources(series)[0], {"GTV": far}), series)  # takes no memory for it


def test_slices_between_contours_that_have_none_are_reported(series: Path, tmp_path: Path) -> None:
    image = read_image(series)
    contours = [square(image, k, (20, 30), (24, 34)) for k in (1, 4)]
    found = aligned(structures(tmp_path / "rt.dcm", sources(series)[0], {"GTV": contours}), series)
    assert found.notes == ("2 slices between contours have none, and nothing was filled there.",)


@pytest.mark.parametrize("shape", [(13, 15), (5, 3), (16, 16), (7, 9)])
def test_frames_of_bits_may_begin_within_a_byte(shape: tuple[int, int], tmp_path: Path) -> None:
    volume = np.arange(6 * shape[0] * shape[1], dtype=np.uint16).reshape(6, *shape)
    series = dicom_series(tmp_path / "series", volume)
    marked = np.random.default_rng(0).random((6, *shape)) < 0.5
    path = segmentation(tmp_path / "seg.dcm", sources(series), marked)
    assert int(pydicom.dcmread(path).BitsAllocated) == 1

    hole, how = on_grid(path, series)

    assert how == "same grid"
    assert np.array_equal(hole, marked.transpose(2, 1, 0))
