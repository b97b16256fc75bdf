"""What belongs to one series and what does not: slices, mosaics; and what a UID is."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path

import numpy as np
import pydicom
import pytest
from cli_samples import SIDE, ct_series, run, tree
from identity_samples import IDENTITY, SLICES, alone, change, hole_in, series_in
from io_samples import dicom_dataset, dicom_series, enhanced_ct, save
from pydicom.uid import generate_uid

from monai_inpaint import InputError, read_image
from monai_inpaint.io import write_image
from monai_inpaint.io.dicom.identity import is_uid

pytest.importorskip("highdicom", reason="needs the extra dicom")


@pytest.fixture
def series(tmp_path: Path) -> Path:
    return series_in(tmp_path)


@pytest.fixture
def hole(tmp_path: Path) -> Path:
    return hole_in(tmp_path)


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
    with pytest.raises(InputError, match="belongs to another patient"):
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


def test_localizers_that_were_left_out_are_reported(series: Path) -> None:
    plain = dicom_dataset(np.zeros((8, 8), np.uint16), ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"],
                          ImageOrientationPatient=[0, 1, 0, 0, 0, -1])  # fmt: skip
    save(plain, series / "scout.dcm")
    image = read_image(series)
    assert image.voxels.shape == (SIDE, SIDE, SLICES)
    assert image.notes == ("Localizers beside the series that were left out: 1.",)


def test_a_header_that_tells_another_number_of_images_is_quoted(tmp_path: Path) -> None:
    assert read_image(ct_series(tmp_path / "whole", 4, ImagesInAcquisition=4)).notes == ()
    notes = read_image(ct_series(tmp_path / "part", 4, ImagesInAcquisition=9, NumberOfSeriesRelatedInstances=6)).notes
    assert notes == (
        "The header states 6 images in the series; 4 are here.",
        "The header states 9 images in the acquisition; 4 are here.",
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
    sentence = alone(run(capfd, "fill", folder, hole, tmp_path / "out"))
    assert "1.2.5 (2 files, the first is IM000" in sentence
    assert "one without a valid UID (2 files" in sentence


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
    sentence = alone(run(capfd, "fill", path, hole, tmp_path / "out.dcm", "--report", tmp_path / "r.json"))
    assert "is a mosaic" in sentence
    assert "dcm2niix" in sentence
    tiled(folder / "b.dcm", kind)
    assert "is a mosaic" in alone(run(capfd, "fill", folder, hole, tmp_path / "out"))


@pytest.mark.parametrize("kind", ["", "1", "one tile"])
def test_a_slice_of_a_machine_that_makes_mosaics_is_read(kind: str, tmp_path: Path) -> None:
    assert read_image(tiled(tmp_path / "a.dcm", kind)).voxels.shape == (SIDE, SIDE)


# --- UIDs


DERIVED = {"description": "d", "model": "m", "version": "v"}


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
