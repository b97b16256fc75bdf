"""A hole that is a DICOM SEG: where it comes to lie, and which are refused; SEG and RTSTRUCT in the command."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from cli_samples import SIDE, ct_series, ct_voxels, nifti, run
from dicom_hole_samples import segmentation, sources, structures
from io_samples import dicom_dataset, dicom_series, enhanced_ct, save
from placed_holes import disc, image_files, oblique_series, on_grid, some_voxels
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit

from monai_inpaint import InputError, read_image
from monai_inpaint.regions.hole_file import read_hole

pytest.importorskip("highdicom", reason="needs the extra dicom")


@pytest.fixture
def series(tmp_path: Path) -> Path:
    return ct_series(tmp_path / "series", 5)


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
@pytest.mark.parametrize("make", [lambda folder: ct_series(folder, 5), oblique_series], ids=["axial", "oblique"])
def test_a_segmentation_comes_back_voxel_for_voxel(make, kind: str, tmp_path: Path) -> None:
    series = make(tmp_path / "series")
    image = read_image(series)
    marked = some_voxels(image.voxels.shape)
    images = [dataset for dataset in image_files(series)]
    values = marked.transpose(2, 1, 0) * (0.7 if kind == "FRACTIONAL" else 1)
    path = segmentation(tmp_path / "seg.dcm", images, values, kind=kind)

    hole, how = on_grid(path, series)

    assert how == "same grid"
    assert np.array_equal(hole, marked)


def test_a_fractional_segment_counts_from_one_half_on(series: Path, tmp_path: Path) -> None:
    values = np.zeros((5, SIDE, SIDE))
    values[2, 10, 20:24] = [0.2, 0.45, 0.55, 1.0]
    path = segmentation(tmp_path / "seg.dcm", sources(series), values, kind="FRACTIONAL")

    hole, _ = on_grid(path, series)

    assert np.argwhere(hole).tolist() == [[22, 10, 2], [23, 10, 2]]


def test_slices_without_a_frame_hold_no_hole(series: Path, tmp_path: Path) -> None:
    marked = np.zeros((5, SIDE, SIDE), bool)
    marked[1, 30:40, 50:70] = marked[4, 5:9, 5:9] = True
    path = segmentation(tmp_path / "seg.dcm", sources(series), marked)
    assert int(pydicom.dcmread(path).NumberOfFrames) == 2

    hole, _ = on_grid(path, series)

    assert np.array_equal(hole, marked.transpose(2, 1, 0))


def test_of_several_segments_the_named_ones_are_filled(series: Path, tmp_path: Path) -> None:
    marked = np.zeros((5, SIDE, SIDE, 3), bool)
    marked[1:3, 10:20, 10:20, 0] = marked[2:4, 30:40, 30:40, 1] = marked[2, 35:50, 35:50, 2] = True
    names = ["Liver", "Lesion 1", "Lesion 2"]
    path = segmentation(tmp_path / "seg.dcm", sources(series), marked, names=names)

    assert np.array_equal(on_grid(path, series, "liver")[0], marked[..., 0].transpose(2, 1, 0))
    assert np.array_equal(on_grid(path, series, "Lesion *")[0], marked[..., 1:].any(-1).transpose(2, 1, 0))
    assert np.array_equal(on_grid(path, series, "*")[0], marked.any(-1).transpose(2, 1, 0))
    assert np.array_equal(on_grid(path, series, "2")[0], marked[..., 1].transpose(2, 1, 0))
    with pytest.raises(InputError, match=r"contains 3 segments: Liver, Lesion 1, Lesion 2; say which"):
        on_grid(path, series)
    with pytest.raises(InputError, match="no segments named spleen"):
        on_grid(path, series, "spleen")


def test_a_segmentation_of_an_enhanced_file_comes_back(tmp_path: Path) -> None:
    volume = np.arange(4 * 20 * 24, dtype=np.int16).reshape(4, 20, 24)
    positions = [[-10.0, -20.0, 30.0 + 2.5 * k] for k in (2, 0, 3, 1)]
    source = enhanced_ct(tmp_path / "ct.dcm", volume, positions)
    dataset = pydicom.dcmread(source)
    image = read_image(source)
    marked = some_voxels(image.voxels.shape)
    frames = marked.transpose(2, 1, 0)[[2, 0, 3, 1]]
    for n, group in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        content = pydicom.Dataset()
        content.DimensionIndexValues = [1, n + 1]
        group.FrameContentSequence = pydicom.Sequence([content])
    path = segmentation(tmp_path / "seg.dcm", [dataset], frames)

    assert np.array_equal(on_grid(path, source)[0], marked)


def test_a_segmentation_of_a_film_is_taken_pixel_by_pixel(tmp_path: Path) -> None:
    gone = {"ImagePositionPatient": None, "ImageOrientationPatient": None, "FrameOfReferenceUID": None}
    film = dicom_dataset(np.arange(30 * 40, dtype=np.uint16).reshape(30, 40), Modality="DX", **gone)
    film.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    source = save(film, tmp_path / "film.dcm")
    marked = np.zeros((1, 30, 40), bool)
    marked[0, 5:10, 20:33] = True
    path = segmentation(tmp_path / "seg.dcm", [pydicom.dcmread(source)], marked)

    hole, _ = on_grid(path, source)

    assert np.array_equal(hole, marked[0])


def test_a_coarser_segmentation_is_resampled(series: Path, tmp_path: Path) -> None:
    marked = np.zeros((5, SIDE, SIDE), bool)
    marked[1:4, 20:40, 30:45] = True
    path = segmentation(tmp_path / "seg.dcm", sources(series), marked)
    dataset = pydicom.dcmread(path)
    shared = dataset.SharedFunctionalGroupsSequence[0]
    shared.PixelMeasuresSequence[0].PixelSpacing = [1.6, 1.4]  # twice as large, from the same corner
    dataset.save_as(path)

    hole, how = on_grid(path, series)

    assert how == "resampled (nearest)"
    assert hole.any(axis=(0, 1)).tolist() == [False, True, True, True, False]
    i, j, _ = np.nonzero(hole)
    assert (i.min(), i.max()) == (59, 88)
    assert (j.min(), j.max()) == (39, 78)


def test_a_segmentation_compressed_with_loss_is_refused(series: Path, tmp_path: Path) -> None:
    marked = np.zeros((5, SIDE, SIDE), bool)
    marked[2, 3:9, 3:9] = True
    dataset = pydicom.dcmread(segmentation(tmp_path / "seg.dcm", sources(series), marked, kind="LABELMAP"))
    dataset.PixelData = encapsulate([b"\xff\xd8\xff\xd9"])
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.save_as(tmp_path / "lossy.dcm")

    with pytest.raises(InputError, match="compressed with loss"):
        on_grid(tmp_path / "lossy.dcm", series)


# --- both, and the command


def test_a_segmentation_of_another_series_or_frame_is_refused(series: Path, tmp_path: Path) -> None:
    other = dicom_series(tmp_path / "other", np.zeros((5, SIDE, SIDE), np.uint16), series="1.2.3.5")
    marked = np.zeros((5, SIDE, SIDE), bool)
    marked[2, 3:9, 3:9] = True
    path = segmentation(tmp_path / "seg.dcm", sources(other), marked)
    moved = pydicom.dcmread(segmentation(tmp_path / "moved.dcm", sources(series), marked))
    moved.FrameOfReferenceUID = "1.2.3.10"
    moved.save_as(tmp_path / "moved.dcm")

    with pytest.raises(InputError, match="drawn on another series"):
        on_grid(path, series)
    with pytest.raises(InputError, match="another frame of reference"):
        on_grid(tmp_path / "moved.dcm", series)


def test_a_segmentation_for_an_image_that_is_no_dicom_is_refused(series: Path, tmp_path: Path) -> None:
    marked = np.zeros((5, SIDE, SIDE), bool)
    marked[2, 3:9, 3:9] = True
    path = segmentation(tmp_path / "seg.dcm", sources(series), marked)

    with pytest.raises(InputError, match="marks a DICOM series"):
        on_grid(path, nifti(tmp_path / "ct.nii", ct_voxels()))


def test_a_segment_is_named_only_where_there_are_segments(series: Path, tmp_path: Path) -> None:
    labels = np.zeros((SIDE, SIDE, 5), np.uint8)
    labels[10:20, 10:20, 2] = 7
    with pytest.raises(InputError, match="contains no label lesion; it contains 7"):
        on_grid(nifti(tmp_path / "hole.nii", labels), series, "lesion")


def test_a_segmentation_that_claims_more_frames_than_it_holds_is_refused(series: Path, tmp_path: Path) -> None:
    marked = np.zeros((5, SIDE, SIDE), bool)
    marked[2, 3:9, 3:9] = True
    dataset = pydicom.dcmread(segmentation(tmp_path / "seg.dcm", sources(series), marked))
    dataset.Rows = dataset.Columns = 10_000

    with pytest.raises(InputError, match="10000 voxels, more than"):
        read_hole(save(dataset, tmp_path / "seg.dcm"), read_image(series))


@pytest.mark.parametrize("kept", [200, 1000, 0.5, 0.9])
def test_a_file_cut_short_is_refused_in_one_sentence(kept: float, series: Path, tmp_path: Path) -> None:
    marked = np.zeros((5, SIDE, SIDE), bool)
    marked[1:4, 3:90, 3:90] = True
    image = read_image(series)
    contours = [disc(image, (40, 40, 2), 20)] * 30
    seg = segmentation(tmp_path / "seg.dcm", sources(series), marked)
    for path in (seg, structures(tmp_path / "rt.dcm", sources(series)[0], {"GTV": contours})):
        whole = path.read_bytes()
        path.write_bytes(whole[: int(kept) if kept > 1 else int(kept * len(whole))])

        with pytest.raises(InputError, match=str(path)):
            on_grid(path, series)


def test_fill_takes_a_segmentation_and_changes_nothing_outside_of_it(series: Path, tmp_path: Path, capfd) -> None:
    marked = np.zeros((5, SIDE, SIDE, 2), bool)
    marked[1:3, 30:50, 40:60, 0] = marked[4, 3:9, 3:9, 1] = True
    path = segmentation(tmp_path / "seg.dcm", sources(series), marked, names=["lesion", "other"])

    ran = run(capfd, "fill", series, path, tmp_path / "filled", "--segment", "lesion")

    assert (ran.code, ran.lines) == (0, [])
    source, filled = read_image(series).voxels, read_image(tmp_path / "filled").voxels
    inside = marked[..., 0].transpose(2, 1, 0)
    assert np.array_equal(source[~inside], filled[~inside])
    assert (source[inside] != filled[inside]).mean() > 0.5


def test_fill_refuses_several_segments_and_leaves_nothing_behind(series: Path, tmp_path: Path, capfd) -> None:
    marked = np.zeros((5, SIDE, SIDE, 2), bool)
    marked[1:3, 30:50, 40:60, 0] = marked[4, 3:9, 3:9, 1] = True
    path = segmentation(tmp_path / "seg.dcm", sources(series), marked, names=["lesion", "other"])

    ran = run(capfd, "fill", series, path, tmp_path / "filled")

    assert ran.code == 2
    assert len(ran.lines) == 1
    assert "--segment NAME" in ran.lines[0]
    assert not (tmp_path / "filled").exists()
