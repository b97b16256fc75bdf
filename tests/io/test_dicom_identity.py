"""What belongs together and what does not: slices of a series, a hole and its image, the files of a study."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path

import numpy as np
import pydicom
import pytest
from cli_samples import SIDE, ct_series, nifti, run, tree
from dicom_hole_samples import segmentation, sources, structures
from io_samples import dicom_dataset, dicom_series, enhanced_ct, save
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import SecondaryCaptureImageStorage, generate_uid
from study_samples import PATIENT, cr

from monai_inpaint import InputError, read_image
from monai_inpaint.io import write_image
from monai_inpaint.io.dicom.identity import is_uid
from monai_inpaint.pacs.rules import rules_of
from monai_inpaint.regions.hole_file import read_hole

pytest.importorskip("highdicom", reason="needs the extra dicom")

from monai_inpaint.pacs.study import process_study  # noqa: E402 - imports highdicom

SLICES = 4
SECRETS = ("P1", "P2", "Doe", "Roe")
RULES = rules_of([{"modality": "CT", "hole": "SEG", "segment": "*"}], "rules")
DERIVED = {"description": "d", "model": "m", "version": "v"}


def change(path: Path, **elements: object) -> Path:
    """A file with elements otherwise; None takes one out."""
    dataset = pydicom.dcmread(path)
    for keyword, value in elements.items():
        if keyword in dataset:
            delattr(dataset, keyword)
        if value is not None:
            setattr(dataset, keyword, value)
    dataset.save_as(path)
    return path


@pytest.fixture
def series(tmp_path: Path) -> Path:
    return ct_series(tmp_path / "series", SLICES)


@pytest.fixture
def hole(tmp_path: Path) -> Path:
    marked = np.zeros((SIDE, SIDE, SLICES), np.uint8)
    marked[30:50, 30:50, 1:3] = 1
    affine = np.diag([-0.7, -0.8, 2.5, 1.0])
    affine[:3, 3] = [10, 20, 30]
    return nifti(tmp_path / "hole.nii.gz", marked, affine)


def seg_of(folder: Path, path: Path) -> Path:
    marked = np.zeros((len(list(folder.iterdir())), SIDE, SIDE), bool)
    marked[1:3, 30:50, 40:60] = True
    return segmentation(path, sources(folder), marked)


def rt_of(folder: Path, path: Path) -> Path:
    image = sources(folder)[1]
    x, y, z = (float(value) for value in image.ImagePositionPatient)
    square = np.array([[10, 10, 0], [30, 10, 0], [30, 30, 0], [10, 30, 0.0]]) + [x, y, z]
    return structures(path, image, {"GTV": [square]})


def alone(ran) -> str:
    """The one sentence of a command that was refused, without a word on who the patient is."""
    assert ran.code == 2, ran.lines
    assert len(ran.lines) == 1, ran.lines
    assert not [word for word in SECRETS if word in ran.lines[0]]
    return ran.lines[0]


# --- slices of one series


IDENTITY = {
    "PatientID": ("P2", "of another patient"),
    "StudyInstanceUID": ("1.2.4", "of another study"),
    "FrameOfReferenceUID": ("1.2.3.33", "in another frame of reference"),
    "Modality": ("PT", "of another modality"),
    "SOPClassUID": (SecondaryCaptureImageStorage, "an image of another kind"),
}


@pytest.mark.parametrize("gone", [False, True], ids=["other", "missing"])
@pytest.mark.parametrize("keyword", IDENTITY)
def test_a_slice_that_differs_in_what_a_series_shares_is_refused(keyword, gone, series, hole, tmp_path, capfd) -> None:
    value, why = IDENTITY[keyword]
    change(sorted(series.iterdir())[2], **{keyword: None if gone else value})
    before = tree(tmp_path)

    plain = alone(run(capfd, "fill", series, hole, tmp_path / "out"))
    results = alone(run(capfd, "fill", series, hole, tmp_path / "out", "--dicom-results"))

    assert plain == results
    assert why in plain
    assert str(series) in plain
    assert "IM0002.dcm" in plain
    assert tree(tmp_path) == before


def test_patients_without_an_id_are_told_apart_by_their_names(series: Path) -> None:
    for path in series.iterdir():
        change(path, PatientID="")
    read_image(series)
    change(sorted(series.iterdir())[0], PatientName="DOE^Jane^^^")  # the same name, written by another program
    read_image(series)
    change(sorted(series.iterdir())[0], PatientName="Roe^Richard")
    with pytest.raises(InputError, match="of another patient"):
        read_image(series)


def test_a_series_of_nobody_is_one_series(series: Path) -> None:
    for path in series.iterdir():
        change(path, PatientID=None, PatientName=None, FrameOfReferenceUID=None)
    assert read_image(series).voxels.shape == (SIDE, SIDE, SLICES)


@pytest.mark.parametrize(
    ("keyword", "values"), [("EchoNumbers", (1, 1, 2, 2)), ("DiffusionBValue", (0.0, 0.0, 9.0, 9.0))]
)
def test_two_contrasts_one_behind_the_other_are_no_volume(keyword: str, values: tuple, tmp_path: Path) -> None:
    folder = ct_series(tmp_path / "series", SLICES, **{keyword: values})
    with pytest.raises(InputError, match=f"differs from .* in {keyword}"):
        read_image(folder)


def test_two_echoes_at_each_position_are_refused(tmp_path: Path) -> None:
    places = tuple([-10.0, -20.0, 2.5 * (k // 2)] for k in range(SLICES))
    folder = ct_series(tmp_path / "series", SLICES, ImagePositionPatient=places)
    with pytest.raises(InputError, match="two slices at one position"):
        read_image(folder)


def test_a_file_that_is_there_twice_counts_once_and_the_report_tells(series: Path, hole: Path, tmp_path, capfd) -> None:
    plain = read_image(series).voxels
    shutil.copy(series / "IM0001.dcm", series / "copy.dcm")

    ran = run(capfd, "fill", series, hole, tmp_path / "out", "--report", tmp_path / "report.json")

    assert (ran.code, ran.lines) == (0, [])
    notes = json.loads((tmp_path / "report.json").read_text())["notes"]
    assert notes == ["Files that are copies of others, byte for byte, and do not count: 1."]
    assert np.array_equal(read_image(series).voxels, plain)
    assert len(list((tmp_path / "out").iterdir())) == SLICES


def test_two_files_that_differ_are_never_one_instance(series: Path) -> None:
    shutil.copy(series / "IM0001.dcm", series / "copy.dcm")
    change(series / "copy.dcm", ImageComments="again")
    with pytest.raises(InputError, match="copy.dcm has the SOPInstanceUID of IM0001.dcm"):
        read_image(series)


def test_a_link_that_leads_nowhere_is_a_missing_slice(series: Path, hole: Path, tmp_path: Path, capfd) -> None:
    last = max(series.iterdir(), key=lambda path: pydicom.dcmread(path).InstanceNumber)
    last.unlink()
    last.symlink_to(tmp_path / "gone.dcm")

    assert f"{last} cannot be read: it is a dead link" in alone(run(capfd, "fill", series, hole, tmp_path / "out"))


def test_a_file_named_like_the_slices_is_one_that_was_lost(tmp_path: Path) -> None:
    folder = ct_series(tmp_path / "series", SLICES)
    for path in folder.iterdir():
        path.rename(path.with_suffix(""))
    (folder / "README").write_text("what lies here")
    read_image(folder)
    (folder / "IM0009").write_text("<html>404</html>")
    with pytest.raises(InputError, match="IM0009 is named like the slices beside it"):
        read_image(folder)


def test_what_systems_hide_beside_slices_is_no_slice(series: Path) -> None:
    (series / ".#IM0001.dcm").symlink_to("somebody@somewhere.1234:5678")
    (series / "._IM0001.dcm").write_bytes(b"\x00\x05\x16\x07" + bytes(200))
    assert read_image(series).voxels.shape == (SIDE, SIDE, SLICES)


def test_localizers_that_were_left_out_are_told(series: Path) -> None:
    plain = dicom_dataset(np.zeros((8, 8), np.uint16), ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"],
                          ImageOrientationPatient=[0, 1, 0, 0, 0, -1])  # fmt: skip
    save(plain, series / "scout.dcm")
    image = read_image(series)
    assert image.voxels.shape == (SIDE, SIDE, SLICES)
    assert image.notes == ("Localizers beside the series that were left out: 1.",)


def test_a_header_that_tells_another_number_of_images_is_quoted(tmp_path: Path) -> None:
    assert read_image(ct_series(tmp_path / "whole", 4, ImagesInAcquisition=4)).notes == ()
    told = read_image(ct_series(tmp_path / "part", 4, ImagesInAcquisition=9, NumberOfSeriesRelatedInstances=6)).notes
    assert told == (
        "The header speaks of 6 images in the series; 4 are here.",
        "The header speaks of 9 images in the acquisition; 4 are here.",
    )


def test_a_file_that_is_a_part_of_a_larger_one_says_so(tmp_path: Path) -> None:
    path = enhanced_ct(tmp_path / "part.dcm", np.zeros((3, 8, 8), np.uint16), [[0, 0, z] for z in (1, 2, 3)])
    assert read_image(path).notes == ()
    assert read_image(change(path, InConcatenationTotalNumber=4)).notes == ("The file is one of 4 parts of a volume.",)
    assert len(read_image(tmp_path).notes) == 1


def test_frames_and_slices_do_not_mix(series: Path) -> None:
    several = enhanced_ct(series / "frames.dcm", np.zeros((3, SIDE, SIDE), np.uint16), [[0, 0, z] for z in (1, 2, 3)])
    assert several.exists()
    with pytest.raises(InputError, match="several frames beside other files"):
        read_image(series)


def test_series_are_listed_without_what_their_headers_say(tmp_path: Path, hole: Path, capfd) -> None:
    folder = dicom_series(
        tmp_path / "series", np.zeros((4, 8, 8), np.uint16), series=("1.2.5", "1.2.5", "Doe^Jane", "Doe^Jane"),
        SeriesDescription="Roe",
    )  # fmt: skip
    told = alone(run(capfd, "fill", folder, hole, tmp_path / "out"))
    assert "1.2.5 (2 files, the first is IM000" in told
    assert "one without a valid UID (2 files" in told


# --- mosaics


def csa(count: str) -> bytes:
    """A Siemens CSA header with one entry before and one after the number of tiles; "" is an entry without items."""

    def entry(name: bytes, text: bytes) -> bytes:
        items = 6 if text else 0
        head = name.ljust(64, b"\0") + struct.pack("<i4siii", 1, b"US\0\0", 6, items, 77)
        lengths = [len(text)] + [0] * 5
        return head + b"".join(
            struct.pack("<4i", size, size, 77, size) + (text if n == 0 else b"")
            for n, size in enumerate(lengths[:items])
        )

    tiles = f"{count}".encode().ljust(12, b"\0") if count else b""
    return (
        b"SV10\4\3\2\1" + struct.pack("<II", 3, 77) + entry(b"EchoLinePosition", b"48".ljust(8, b"\0"))
        + entry(b"NumberOfImagesInMosaic", tiles) + entry(b"RealDwellTime", b"3200".ljust(8, b"\0"))
    )  # fmt: skip


def tiled(path: Path, kind: str) -> Path:
    """A slice that is a mosaic in one way of saying so, or looks a little like one."""
    dataset = dicom_dataset(np.arange(SIDE * SIDE, dtype=np.uint16).reshape(SIDE, SIDE), Modality="MR")
    if kind == "type":
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
    elif kind == "header":
        dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0A, "US", 9)
    elif kind == "header without its type":
        dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0A, "UN", b"\x09\x00")
    elif kind == "grid":
        dataset.private_block(0x0065, "Image Private Header", create=True).add_new(0x50, "DS", "20")
    elif kind == "one tile":
        dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0A, "US", 1)
    else:
        dataset.private_block(0x0029, "SIEMENS CSA HEADER", create=True).add_new(0x10, "OB", csa(kind))
    return save(dataset, path)


@pytest.mark.parametrize("kind", ["type", "header", "header without its type", "grid", "36"])
def test_a_mosaic_is_no_slice(kind: str, hole: Path, tmp_path: Path, capfd) -> None:
    folder = tmp_path / "series"
    folder.mkdir()
    path = tiled(folder / "a.dcm", kind)
    told = alone(run(capfd, "fill", path, hole, tmp_path / "out.dcm", "--report", tmp_path / "r.json"))
    assert "is a mosaic" in told
    assert "dcm2niix" in told
    tiled(folder / "b.dcm", kind)
    assert "is a mosaic" in alone(run(capfd, "fill", folder, hole, tmp_path / "out"))


@pytest.mark.parametrize("kind", ["", "1", "one tile"])
def test_a_slice_of_a_machine_that_makes_mosaics_is_read(kind: str, tmp_path: Path) -> None:
    assert read_image(tiled(tmp_path / "a.dcm", kind)).voxels.shape == (SIDE, SIDE)


# --- a hole and its image


MARKS = {
    "patient": ({"PatientID": "P2"}, "is of another patient"),
    "study": ({"StudyInstanceUID": "1.2.4"}, "is of another study"),
}


@pytest.mark.parametrize("make", [seg_of, rt_of])
@pytest.mark.parametrize("fault", MARKS)
def test_a_mark_of_another_patient_or_study_is_refused(make, fault: str, series: Path, tmp_path: Path, capfd) -> None:
    elements, why = MARKS[fault]
    path = change(make(series, tmp_path / "mark.dcm"), **elements)
    before = tree(tmp_path)

    told = alone(run(capfd, "fill", series, path, tmp_path / "out", "--dicom-results"))

    assert why in told
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
        told = alone(run(capfd, "fill", series, mark, tmp_path / "out"))
        assert f"{series} lacks 1 of the 4 instances of its series that {mark} refers to" in told


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


# --- studies


def entry_of(record: dict) -> dict:
    (entry,) = record["series"]
    return entry


@pytest.mark.parametrize("keyword", IDENTITY)
def test_a_study_names_a_series_that_is_mixed_and_fills_nothing_of_it(keyword: str, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    series = ct_series(folder / "ct", SLICES)
    seg_of(series, folder / "seg.dcm")
    value, why = IDENTITY[keyword]
    change(max(series.iterdir(), key=lambda path: pydicom.dcmread(path).InstanceNumber), **{keyword: value})

    entry = entry_of(process_study(folder, tmp_path / "out", RULES))

    assert entry["status"] == "skipped"
    assert why in entry["why"]
    assert list(tree(tmp_path / "out")) == ["record.json"]
    assert not [word for word in (*PATIENT, *SECRETS) if word in (tmp_path / "out" / "record.json").read_text()]


@pytest.mark.parametrize("make", [seg_of, rt_of])
@pytest.mark.parametrize("fault", MARKS)
def test_a_study_does_not_fill_from_a_mark_of_another_patient_or_study(make, fault: str, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    series = ct_series(folder / "ct", SLICES)
    elements, why = MARKS[fault]
    change(make(series, folder / "mark.dcm"), **elements)
    kind = "SEG" if make is seg_of else "RTSTRUCT"

    record = process_study(folder, tmp_path / "out", rules_of([{"modality": "CT", "hole": kind}], "rules"))

    assert entry_of(record)["why"].startswith(f"The {kind} {why} than the image")
    assert list(tree(tmp_path / "out")) == ["record.json"]


@pytest.mark.parametrize("keyword", ["SeriesInstanceUID", "StudyInstanceUID", "SOPInstanceUID"])
@pytest.mark.parametrize("text", ["Doe^Jane", "../../etc", "1.2.3/4", "", "1." * 33 + "1"])
def test_free_text_in_place_of_a_uid_gets_into_no_record(keyword: str, text: str, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    change(cr(folder / "film.dcm"), **{keyword: text})

    record = process_study(folder, tmp_path / "out", RULES)

    assert record["series"] == []
    assert record["unreadable"] == [f"File 1 of 1 has no {keyword} that is a UID; it belongs to no series."]


def test_a_study_tells_of_files_that_could_hold_a_slice_and_cannot_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    cr(folder / "film.dcm")
    (folder / "gone.dcm").symlink_to(folder / "Doe.dcm")
    (folder / "more").symlink_to(tmp_path)
    (folder / "zeros.dcm").write_bytes(bytes(9000))

    record = process_study(folder, tmp_path / "out", RULES)

    told = [sentence.partition(":")[0] for sentence in record["unreadable"]]
    assert told[:2] == ["File 2 of 4 cannot be read", "File 3 of 4 cannot be read"]
    assert told[2].startswith("File 4 of 4 is not a DICOM file")
    assert "Doe" not in json.dumps(record)


def test_a_series_whose_last_file_is_cut_in_its_header_is_named_and_not_filled_without_it(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    series = ct_series(folder / "ct", SLICES)
    seg_of(series, folder / "seg.dcm")
    last = max(series.iterdir(), key=lambda path: pydicom.dcmread(path).InstanceNumber)
    content = last.read_bytes()
    last.write_bytes(content[: content.index(b"MONOCHROME2")])

    entry = entry_of(process_study(folder, tmp_path / "out", RULES))

    assert entry["status"] == "skipped"
    assert entry["why"].startswith("Series 1.2.3.4, file 00000")
    assert entry["why"].endswith("is cut short; copy it again.")


def test_a_study_counts_a_file_that_came_twice_once(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    series = ct_series(folder / "ct", SLICES)
    shutil.copytree(series, folder / "again")

    assert entry_of(process_study(folder, tmp_path / "out", RULES))["instances"] == SLICES


# --- UIDs


@pytest.mark.parametrize("uid", ["1.2.840.10008.1.2", "2.25." + "9" * 59, generate_uid(entropy_srcs=["one"]), "1.2.03"])
def test_numbers_with_dots_between_them_are_a_uid(uid: str) -> None:
    assert is_uid(uid)


@pytest.mark.parametrize(
    "text", ["", "1.2.", ".1.2", "1..2", "1.2.a", "1.2\n", "1.2 ", "../1.2", "1" * 65, "１.２", None, "Doe"]
)
def test_everything_else_is_none(text: object) -> None:
    assert not is_uid(text)


@pytest.mark.parametrize("keyword", ["SeriesInstanceUID", "StudyInstanceUID", "SOPInstanceUID"])
def test_nothing_derived_refers_to_free_text(keyword: str, series: Path, tmp_path: Path) -> None:
    paths = sorted(series.iterdir())
    for path in paths[-1:] if keyword == "SOPInstanceUID" else paths:
        change(path, **{keyword: "Doe^Jane"})
    image = read_image(series)

    with pytest.raises(InputError, match=f"has no {keyword} that is a UID"):
        write_image(image, tmp_path / "out", derived=DERIVED)
    assert not (tmp_path / "out").exists()


def test_sentences_quote_no_free_text_in_place_of_a_uid(tmp_path: Path) -> None:
    path = save(dicom_dataset(np.zeros((8, 8), np.uint16)), tmp_path / "a.dcm")
    for keyword, tag in (("PixelData", "SOPClassUID"), (None, "TransferSyntaxUID")):
        dataset = pydicom.dcmread(path)
        if keyword:
            delattr(dataset, keyword)
            dataset.SOPClassUID = "Doe^Jane"
        else:
            dataset.file_meta.TransferSyntaxUID = pydicom.uid.UID("Doe^Jane", validation_mode=0)
        pydicom.dcmwrite(tmp_path / f"{tag}.dcm", dataset, implicit_vr=False, little_endian=True)
        with pytest.raises(InputError) as error:
            read_image(tmp_path / f"{tag}.dcm")
        assert "Doe" not in str(error.value)
        assert "no valid UID" in str(error.value)
