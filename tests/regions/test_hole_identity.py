"""Which holes belong to an image: those of its patient, study, series and frame of reference."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest
from cli_samples import SIDE, run, tree
from dicom_hole_samples import segmentation, sources
from identity_samples import IDENTITY, MARKS, SLICES, alone, change, rt_of, seg_of, series_in
from io_samples import dicom_dataset, dicom_series, save
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from study_samples import cr

from monai_inpaint import InputError, read_image
from monai_inpaint.regions.hole_file import read_hole

pytest.importorskip("highdicom", reason="needs the extra dicom")


@pytest.fixture
def series(tmp_path: Path) -> Path:
    return series_in(tmp_path)


@pytest.mark.parametrize("make", [seg_of, rt_of])
@pytest.mark.parametrize("fault", MARKS)
def test_a_mark_of_another_patient_or_study_is_refused(make, fault: str, series: Path, tmp_path: Path, capfd) -> None:
    elements, why = MARKS[fault]
    path = change(make(series, tmp_path / "mark.dcm"), **elements)
    before = tree(tmp_path)

    sentence = alone(run(capfd, "fill", series, path, tmp_path / "out", "--dicom-results"))

    assert why in sentence
    assert tree(tmp_path) == before


@pytest.mark.parametrize("make", [seg_of, rt_of])
def test_a_mark_de_identified_by_itself_is_known_by_what_it_refers_to(make, series: Path, tmp_path: Path) -> None:
    path = change(make(series, tmp_path / "mark.dcm"), PatientID="", PatientName="Anonymous", StudyInstanceUID=None)
    assert read_hole(path, read_image(series)).image.voxels.any()


def test_a_mark_that_names_no_series_is_known_by_patient_study_and_frame(series: Path, tmp_path: Path) -> None:
    path = rt_of(series, tmp_path / "rt.dcm")
    bare = pydicom.dcmread(path).ReferencedFrameOfReferenceSequence
    del bare[0].RTReferencedStudySequence
    image = read_image(series)

    assert read_hole(change(path, ReferencedFrameOfReferenceSequence=bare), image).image.voxels.any()
    for keyword, why in (("PatientID", "another patient"), ("StudyInstanceUID", "another study")):
        lacking = change(Path(shutil.copy(path, tmp_path / "lacking.dcm")), **{keyword: None})
        with pytest.raises(InputError, match=why):
            read_hole(lacking, image)


def test_a_mark_in_a_study_of_its_own_says_which_study_it_was_drawn_in(series: Path, tmp_path: Path) -> None:
    path = rt_of(series, tmp_path / "rt.dcm")
    frames = pydicom.dcmread(path).ReferencedFrameOfReferenceSequence
    frames[0].RTReferencedStudySequence[0].ReferencedSOPInstanceUID = "1.2.3"
    change(path, StudyInstanceUID="1.2.77", ReferencedFrameOfReferenceSequence=frames)
    assert read_hole(path, read_image(series)).image.voxels.any()


def test_instances_do_not_make_up_for_another_series(series: Path, tmp_path: Path) -> None:
    path = seg_of(series, tmp_path / "seg.dcm")
    referred = pydicom.dcmread(path).ReferencedSeriesSequence
    referred[0].SeriesInstanceUID = "1.2.3.99"
    with pytest.raises(InputError, match="drawn on another series"):
        read_hole(change(path, ReferencedSeriesSequence=referred), read_image(series))


def test_a_series_that_lacks_slices_which_the_mark_refers_to_is_refused(series: Path, tmp_path: Path, capfd) -> None:
    seg, rt = seg_of(series, tmp_path / "seg.dcm"), rt_of(series, tmp_path / "rt.dcm")
    listed = []
    for dataset in sources(series):
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
        listed.append(item)
    frames = pydicom.dcmread(rt).ReferencedFrameOfReferenceSequence
    of_series = frames[0].RTReferencedStudySequence[0].RTReferencedSeriesSequence[0]
    of_series.ContourImageSequence = Sequence(listed)
    change(rt, ReferencedFrameOfReferenceSequence=frames)
    assert read_hole(rt, read_image(series)).image.voxels.any()
    max(series.iterdir(), key=lambda path: pydicom.dcmread(path).InstanceNumber).unlink()

    for mark in (seg, rt):
        sentence = alone(run(capfd, "fill", series, mark, tmp_path / "out"))
        assert f"{series} lacks 1 of the 4 instances of its series that {mark} refers to" in sentence


@pytest.mark.parametrize("listed", [True, False], ids=["listed", "not listed"])
def test_a_frame_drawn_on_an_instance_that_is_not_there_is_refused(listed: bool, series: Path, tmp_path: Path) -> None:
    path = seg_of(series, tmp_path / "seg.dcm")
    dataset = pydicom.dcmread(path)
    group = dataset.PerFrameFunctionalGroupsSequence[0]
    group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID = "1.2.3.4.99"
    if not listed:
        del dataset.ReferencedSeriesSequence
    dataset.save_as(path)
    with pytest.raises(InputError, match="lacks 1 of the"):
        read_hole(path, read_image(series))


def test_a_contour_drawn_on_an_instance_that_is_not_there_is_refused(series: Path, tmp_path: Path) -> None:
    path = rt_of(series, tmp_path / "rt.dcm")
    dataset, item = pydicom.dcmread(path), Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2.3.4.99"
    dataset.ROIContourSequence[0].ContourSequence[0].ContourImageSequence = Sequence([item])
    dataset.save_as(path)
    with pytest.raises(InputError, match="lacks 1 of the 1 instances"):
        read_hole(path, read_image(series))


def test_a_mark_on_two_series_is_taken_for_each_of_them(series: Path, tmp_path: Path) -> None:
    path, other, item = seg_of(series, tmp_path / "seg.dcm"), Dataset(), Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.128", "1.2.3.5.1"
    other.SeriesInstanceUID, other.ReferencedInstanceSequence = "1.2.3.5", Sequence([item])
    referred = [*pydicom.dcmread(path).ReferencedSeriesSequence, other]
    assert read_hole(change(path, ReferencedSeriesSequence=referred), read_image(series)).image.voxels.any()


def test_one_slice_may_be_filled_from_a_mark_of_its_whole_series(series: Path, tmp_path: Path) -> None:
    path = seg_of(series, tmp_path / "seg.dcm")
    slice_ = next(p for p in series.iterdir() if pydicom.dcmread(p).InstanceNumber == 2)
    assert read_hole(path, read_image(slice_)).image.voxels.any()


def test_a_mark_may_refer_to_localizers_beside_the_slices(series: Path, tmp_path: Path) -> None:
    scout = dicom_dataset(np.zeros((8, 8), np.uint16), ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    save(scout, series / "scout.dcm")
    path = rt_of(series, tmp_path / "rt.dcm")
    frames = pydicom.dcmread(path).ReferencedFrameOfReferenceSequence
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = scout.SOPClassUID, scout.SOPInstanceUID
    frames[0].RTReferencedStudySequence[0].RTReferencedSeriesSequence[0].ContourImageSequence = Sequence([item])
    change(path, ReferencedFrameOfReferenceSequence=frames)
    assert read_hole(path, read_image(series)).image.voxels.any()


def test_a_mark_on_another_film_of_the_series_is_refused(tmp_path: Path) -> None:
    films = [cr(tmp_path / f"{n}.dcm", seed=n) for n in range(2)]
    marked = np.ones((1, 80, 96), bool)
    marked[0, :40] = False
    path = segmentation(tmp_path / "seg.dcm", [pydicom.dcmread(films[0])], marked)

    assert read_hole(path, read_image(films[0])).image.voxels.any()
    with pytest.raises(InputError, match="drawn on another series"):
        read_hole(path, read_image(films[1]))


@pytest.mark.parametrize("keyword", ["PatientID", "StudyInstanceUID", "FrameOfReferenceUID"])
def test_a_hole_that_is_a_dicom_image_must_be_of_the_same_patient(keyword: str, series: Path, tmp_path, capfd) -> None:
    marked = np.zeros((SLICES, SIDE, SIDE), np.uint8)
    marked[1:3, 30:50, 40:60] = 1
    value, why = IDENTITY[keyword]
    drawn = dicom_series(tmp_path / "drawn", marked, series="1.2.3.5", **{keyword: value})

    assert why in alone(run(capfd, "fill", series, drawn, tmp_path / "out"))


def test_a_segmentation_under_the_label_of_an_image_is_still_a_segmentation(series: Path, tmp_path: Path) -> None:
    path = seg_of(series, tmp_path / "seg.dcm")
    content = path.read_bytes()
    own, other = b"1.2.840.10008.5.1.4.1.1.66.4", b"1.2.840.10008.5.1.4.1.1.4\0\0\0"
    path.write_bytes(content.replace(own, other, 1))  # in the file meta information
    change(path, PatientID="P2")
    with pytest.raises(InputError, match="another patient"):
        read_hole(path, read_image(series))
