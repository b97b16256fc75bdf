from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pydicom
import pytest
from io_samples import DERIVED, dicom_dataset, dicom_series, enhanced_ct, random_voxels, save
from pydicom.data import get_testdata_file
from pydicom.uid import JPEG2000Lossless, RLELossless

from monai_inpaint.errors import InputError
from monai_inpaint.io import read_image, write_image

DTYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32")


def same_elements(first, second, *, but=()):
    """All elements but the named ones (and the pixels) are equal."""
    tags = {pydicom.tag.Tag(keyword) for keyword in (*but, "PixelData")}
    one = {e.tag: e for e in first if e.tag not in tags and e.tag.element != 0}
    two = {e.tag: e for e in second if e.tag not in tags}
    assert one == two


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_slice_comes_back_with_all_its_elements(tmp_path, dtype):
    pixels = random_voxels((5, 7), dtype)
    source = save(
        dicom_dataset(pixels, RescaleSlope="2.5", RescaleIntercept="-1024", PhotometricInterpretation="MONOCHROME1"),
        tmp_path / "a.dcm",
    )
    image = read_image(source)
    assert image.voxels.dtype == np.dtype(dtype)
    assert (image.slope, image.intercept, image.inverted, image.modality) == (2.5, -1024.0, True, "ct")
    write_image(image, tmp_path / "b.dcm")
    first, second = pydicom.dcmread(source), pydicom.dcmread(tmp_path / "b.dcm")
    same_elements(first, second)
    np.testing.assert_array_equal(second.pixel_array, pixels)
    assert first.file_meta.MediaStorageSOPInstanceUID == second.file_meta.MediaStorageSOPInstanceUID


@pytest.mark.parametrize(
    "name",
    [
        "CT_small.dcm", "MR_small.dcm", "MR_small_RLE.dcm", "MR_small_implicit.dcm", "MR_small_bigendian.dcm",
        "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm", "693_J2KI.dcm", "JPEG2000.dcm", "image_dfl.dcm",
        "examples_overlay.dcm", "J2K_pixelrep_mismatch.dcm",
    ],
)  # fmt: skip
def test_every_transfer_syntax_reads_and_is_written_uncompressed(tmp_path, name):
    source = get_testdata_file(name, download=False)
    image = read_image(source)
    write_image(image, tmp_path / "b.dcm")
    first, second = pydicom.dcmread(source), pydicom.dcmread(tmp_path / "b.dcm")
    assert second.file_meta.TransferSyntaxUID == pydicom.uid.ExplicitVRLittleEndian
    np.testing.assert_array_equal(second.pixel_array, first.pixel_array)
    np.testing.assert_array_equal(read_image(tmp_path / "b.dcm").voxels, image.voxels)


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, RLELossless])
@pytest.mark.parametrize("dtype", ["uint16", "int16"])
def test_lossless_compression_changes_no_value(tmp_path, syntax, dtype):
    pixels = random_voxels((32, 40), dtype) // 16
    dataset = dicom_dataset(pixels)
    dataset.compress(syntax)
    save(dataset, tmp_path / "a.dcm")
    np.testing.assert_array_equal(read_image(tmp_path / "a.dcm").voxels, pixels)


def test_a_series_is_sorted_into_a_volume(tmp_path):
    volume = random_voxels((6, 5, 4), "int16")
    image = read_image(dicom_series(tmp_path / "s", volume))
    np.testing.assert_array_equal(image.voxels, volume.transpose(2, 1, 0))
    assert image.voxels[..., 3].flags.f_contiguous
    np.testing.assert_allclose(image.affine @ [1, 2, 3, 1], [10 - 0.7, 20 - 1.6, 30 + 7.5, 1])
    assert image.spacing == pytest.approx((0.7, 0.8, 2.5))


def test_slices_keep_a_rescale_each(tmp_path):
    volume = random_voxels((3, 5, 4), "uint16")
    image = read_image(dicom_series(tmp_path / "s", volume, Modality="MR", RescaleSlope=("1.5", "2", "3")))
    assert image.modality == "mr"
    np.testing.assert_allclose(image.units()[..., 1], volume[1].T * 2.0)
    write_image(image, tmp_path / "out")
    back = read_image(tmp_path / "out")
    np.testing.assert_array_equal(back.slope, image.slope)
    np.testing.assert_array_equal(back.voxels, image.voxels)
    write_image(image, tmp_path / "a.nii.gz")
    np.testing.assert_allclose(read_image(tmp_path / "a.nii.gz").voxels, image.units())


def test_a_derived_series_says_so_and_points_to_its_source(tmp_path):
    volume = random_voxels((4, 5, 4), "int16") // 16
    source = dicom_series(tmp_path / "s", volume, PixelPaddingValue=-2000, BitsStored=12, HighBit=11)
    image = read_image(source)
    assert image.stored_range == (-2048, 2047)
    voxels = image.voxels.copy()
    voxels[1, 1, 2] = 5
    write_image(image.with_voxels(voxels), tmp_path / "out", derived=DERIVED)
    old = {ds.InstanceNumber: ds for ds in map(pydicom.dcmread, source.iterdir())}
    new = {ds.InstanceNumber: ds for ds in map(pydicom.dcmread, (tmp_path / "out").iterdir())}
    assert old.keys() == new.keys()
    assert len({ds.SeriesInstanceUID for ds in new.values()}) == 1
    assert len({ds.SOPInstanceUID for ds in new.values()} | {ds.SOPInstanceUID for ds in old.values()}) == 8
    changed = [
        "SOPInstanceUID",
        "SeriesInstanceUID",
        "SeriesNumber",
        "SeriesDescription",
        "ImageType",
        "DerivationDescription",
        "DerivationCodeSequence",
        "SyntheticData",
        "InstanceCreationDate",
        "InstanceCreationTime",
        "SeriesDate",
        "SeriesTime",
        "ContentDate",
        "ContentTime",
        "SourceImageSequence",
        "ContributingEquipmentSequence",
    ]
    for number, ds in new.items():
        same_elements(old[number], ds, but=changed)
        assert (ds.PixelData == old[number].PixelData) == (number != 3)
        assert list(ds.ImageType) == ["DERIVED", "SECONDARY", "AXIAL"]
        assert ds.SourceImageSequence[0].ReferencedSOPInstanceUID == old[number].SOPInstanceUID
        assert (ds.SyntheticData, ds.SeriesDescription, ds.SeriesNumber) == ("YES", "AI-filled: Thorax", 1004)
        assert ds.SeriesInstanceUID != old[number].SeriesInstanceUID
        assert ds.file_meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID
        assert ds.DerivationDescription == "Region filled"
        assert (ds.SeriesDate, ds.SeriesTime) == (new[1].SeriesDate, new[1].SeriesTime)
        began = datetime.strptime(ds.SeriesDate + ds.SeriesTime, "%Y%m%d%H%M%S")
        assert abs(datetime.now() - began) < timedelta(hours=1)


@pytest.mark.parametrize(("offset", "hours"), [("+0900", 9), ("-0500", -5), ("damaged", None), (None, None)])
def test_dates_of_a_derived_series_are_in_the_time_zone_that_it_states(tmp_path, offset, hours):
    tags = {} if offset is None else {"TimezoneOffsetFromUTC": offset}
    image = read_image(dicom_series(tmp_path / "s", random_voxels((3, 5, 2), "int16"), **tags))
    write_image(image, tmp_path / "out", derived=DERIVED)
    expected = datetime.now() if hours is None else datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=hours)
    for ds in map(pydicom.dcmread, (tmp_path / "out").iterdir()):
        for name in ("Series", "Content", "InstanceCreation"):
            said = datetime.strptime(ds[f"{name}Date"].value + ds[f"{name}Time"].value, "%Y%m%d%H%M%S")
            assert abs(said - expected) < timedelta(minutes=10)
        said = datetime.strptime(ds.ContributingEquipmentSequence[-1].ContributionDateTime, "%Y%m%d%H%M%S")
        assert abs(said - expected) < timedelta(minutes=10)


def test_writing_leaves_the_header_of_the_source_alone(tmp_path):
    image = read_image(dicom_series(tmp_path / "s", random_voxels((3, 5, 4), "int16")))
    before = [ds.to_json() for ds in image.header.datasets]
    write_image(image, tmp_path / "out", derived=DERIVED)
    assert [ds.to_json() for ds in image.header.datasets] == before
    assert all("MediaStorageSOPInstanceUID" in ds.file_meta for ds in image.header.datasets)
    write_image(image, tmp_path / "again")
    assert read_image(tmp_path / "again").header.datasets[0].SeriesInstanceUID == "1.2.3.4"


def test_a_single_slice_lies_in_space_as_its_header_says(tmp_path):
    image = read_image(save(dicom_dataset(random_voxels((5, 7), "int16")), tmp_path / "a.dcm"))
    np.testing.assert_allclose(image.affine @ [2, 3, 0, 1], [10 - 3 * 0.7, 20 - 2 * 0.8, 30, 1])
    assert image.spacing == pytest.approx((0.8, 0.7))


def test_a_film_without_orientation_is_taken_as_erect_and_frontal(tmp_path):
    gone = {"ImageOrientationPatient": None, "ImagePositionPatient": None, "PixelSpacing": None}
    film = dicom_dataset(random_voxels((5, 7), "uint16"), Modality="DX", ImagerPixelSpacing=[0.2, 0.1], **gone)
    image = read_image(save(film, tmp_path / "a.dcm"))
    assert image.modality == "cxr"
    np.testing.assert_allclose(image.affine[:3, :2].T, [[0, 0, -0.2], [-0.1, 0, 0]])
    bare = dicom_dataset(random_voxels((5, 7), "uint16"), Modality="CR", **gone)
    assert read_image(save(bare, tmp_path / "b.dcm")).affine is None


def test_enhanced_frames_become_a_volume_and_return_in_their_order(tmp_path):
    frames = random_voxels((4, 5, 6), "int16")
    heights = [10.0, 0.0, 5.0, 15.0]
    source = enhanced_ct(tmp_path / "a.dcm", frames, [[0, 0, z] for z in heights])
    image = read_image(source)
    np.testing.assert_array_equal(image.voxels, frames[np.argsort(heights)].transpose(2, 1, 0))
    assert (image.slope, image.intercept) == (2.0, -1000.0)
    assert image.spacing == pytest.approx((0.7, 0.8, 5.0))
    write_image(image, tmp_path / "b.dcm", derived=DERIVED)
    back = pydicom.dcmread(tmp_path / "b.dcm")
    np.testing.assert_array_equal(back.pixel_array, frames)
    assert list(back.ImageType)[:2] == ["DERIVED", "PRIMARY"]


def test_a_folder_with_one_file_is_that_file_and_others_are_passed_over(tmp_path):
    folder = dicom_series(tmp_path / "s", random_voxels((1, 5, 4), "int16"))
    (folder / "notes.txt").write_text("hello")
    assert read_image(folder).voxels.shape == (5, 4)


def test_dicom_without_suffix_is_recognised(tmp_path):
    save(dicom_dataset(random_voxels((5, 7), "int16")), tmp_path / "IM0001")
    assert read_image(tmp_path / "IM0001").voxels.shape == (5, 7)


def position(z, x=-10.0):
    return [x, -20.0, z]


BAD_SERIES = {
    "gap": ({"ImagePositionPatient": tuple(map(position, (0, 2.5, 7.5, 10)))}, "lacks 1"),
    "duplicate": ({"ImagePositionPatient": tuple(map(position, (0, 2.5, 2.5, 5)))}, "two slices at one position"),
    "uneven": ({"ImagePositionPatient": tuple(map(position, (0, 2.5, 5.9, 10)))}, "uneven slice spacing"),
    "tilt": ({"ImagePositionPatient": tuple(position(2.5 * k, -10.0 + 0.5 * k) for k in range(4))}, "gantry tilt"),
    "beside": ({"ImagePositionPatient": tuple(position(2.5 * k, -10.0 * (k % 3 > 0)) for k in range(4))}, "beside"),
    "turned": ({"ImageOrientationPatient": ([1, 0, 0, 0, 1, 0],) * 3 + ([0, 1, 0, 0, 0, 1],)}, "another orientation"),
    "pixels": ({"PixelSpacing": ([1, 1], [1, 1], [1, 1], [1.1, 1])}, "pixel spacing"),
    "series": ({"series": ("1.1", "1.1", "1.2", "1.2")}, r"2 series.*1\.1 \(2 files.*1\.2 \(2 files"),
    "places": ({"ImagePositionPatient": None}, "no position"),
}


@pytest.mark.parametrize("fault", BAD_SERIES)
def test_a_faulty_series_is_refused_with_its_fault(tmp_path, fault):
    elements, sentence = BAD_SERIES[fault]
    folder = dicom_series(tmp_path / "s", random_voxels((4, 5, 4), "int16"), **elements)
    with pytest.raises(InputError, match=sentence) as error:
        read_image(folder)
    assert str(folder) in str(error.value)


def test_slices_of_two_sizes_are_refused(tmp_path):
    folder = dicom_series(tmp_path / "s", random_voxels((3, 5, 4), "int16"))
    save(dicom_dataset(random_voxels((6, 4), "int16"), ImagePositionPatient=position(50)), folder / "big.dcm")
    with pytest.raises(InputError, match="Rows"):
        read_image(folder)


def test_rounded_positions_are_no_fault(tmp_path):
    places = tuple(position(round(0.625 * k, 1)) for k in range(12))
    image = read_image(dicom_series(tmp_path / "s", random_voxels((12, 5, 4), "int16"), ImagePositionPatient=places))
    assert image.spacing[2] == pytest.approx(0.625, abs=0.01)


@pytest.mark.parametrize("name", ["test-SR.dcm", "rtplan.dcm", "waveform_ecg.dcm", "examples_rgb_color.dcm",
                                  "examples_palette.dcm", "rtdose.dcm", "MR_truncated.dcm", "rtplan_truncated.dcm",
                                  "SC_rgb_rle_2frame.dcm", "badVR.dcm", "no_meta.dcm"])  # fmt: skip
def test_files_that_hold_no_grey_image_are_refused(name):
    with pytest.raises(InputError, match=name):
        read_image(get_testdata_file(name, download=False))


@pytest.mark.parametrize("part", [0.02, 0.3, 0.7, 0.95])
@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small_jp2klossless.dcm", "MR_small_RLE.dcm"])
def test_cut_files_are_refused_alone_and_in_a_folder(tmp_path, name, part):
    with Path(get_testdata_file(name, download=False)).open("rb") as file:
        data = file.read()
    folder = dicom_series(tmp_path / "s", random_voxels((3, 5, 4), "int16"))
    for path in (tmp_path / "cut.dcm", folder / "cut.dcm"):
        path.write_bytes(data[: int(part * len(data))])
    with pytest.raises(InputError, match=r"cut\.dcm"):
        read_image(tmp_path / "cut.dcm")
    with pytest.raises(InputError):
        read_image(folder)


def test_frames_that_are_no_volume_are_refused(tmp_path):
    frames = random_voxels((3, 5, 6), "int16")
    with pytest.raises(InputError, match="form a volume"):
        read_image(enhanced_ct(tmp_path / "film.dcm", frames, None))
    with pytest.raises(InputError, match="one position"):
        read_image(enhanced_ct(tmp_path / "beating.dcm", frames, [[0, 0, 1]] * 3))


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="no DICOM images"):
        read_image(tmp_path)


def test_what_dicom_cannot_hold_is_refused(tmp_path):
    series = read_image(dicom_series(tmp_path / "s", random_voxels((3, 5, 4), "int16")))
    with pytest.raises(InputError, match="give a folder"):
        write_image(series, tmp_path / "a.dcm")
    write_image(series, tmp_path / "a.nii.gz")
    for name in ("b.dcm", "folder"):
        with pytest.raises(InputError, match="read from DICOM"):
            write_image(read_image(tmp_path / "a.nii.gz"), tmp_path / name)
        assert not (tmp_path / name).exists()


def test_a_series_keeps_its_place_and_units_as_nifti_and_nrrd(tmp_path):
    volume = random_voxels((4, 5, 6), "uint16") // 64
    image = read_image(dicom_series(tmp_path / "s", volume, RescaleSlope="1", RescaleIntercept="-1024"))
    for name in ("a.nii.gz", "a.nrrd", "a.mha"):
        write_image(image, tmp_path / name, derived=DERIVED)
        back = read_image(tmp_path / name)
        np.testing.assert_array_equal(back.units(), image.units())
        np.testing.assert_allclose(back.affine, image.affine, atol=1e-5)


def test_a_file_that_does_not_begin_as_dicom_is_refused_with_what_to_do(tmp_path):
    source = save(dicom_dataset(random_voxels((5, 7), "uint16")), tmp_path / "a.dcm")
    source.write_bytes(source.read_bytes()[132:])
    with pytest.raises(InputError, match=r"a\.dcm .* lacks the preamble and the DICM .*; write it again") as error:
        read_image(source)
    assert "force" not in str(error.value)


def test_a_slice_without_preamble_is_not_passed_over_in_silence(tmp_path):
    folder = dicom_series(tmp_path / "s", random_voxels((3, 5, 4), "int16"))
    last = sorted(folder.iterdir())[-1]
    (folder / "bare").write_bytes(last.read_bytes()[132:])
    last.unlink()
    with pytest.raises(InputError, match="bare looks like DICOM without its preamble"):
        read_image(folder)


@pytest.mark.parametrize("left", [0, 100])
def test_a_slice_that_was_not_copied_is_not_passed_over_in_silence(tmp_path, left):
    folder = dicom_series(tmp_path / "s", random_voxels((3, 5, 4), "int16"))
    (folder / "IM0003").write_bytes(b"\0" * left)
    with pytest.raises(InputError, match="IM0003"):
        read_image(folder)


@pytest.mark.parametrize(("syntax", "name"), [("1.2.840.10008.1.2.4.107", "HEVC"), ("1.2.826.0.1.77", r"1\.2\.826")])
def test_a_compression_that_nothing_decodes_is_called_unsupported(tmp_path, syntax, name):
    dataset = pydicom.dcmread(get_testdata_file("MR_small_RLE.dcm", download=False))
    dataset.file_meta.TransferSyntaxUID = syntax
    pydicom.dcmwrite(tmp_path / "a.dcm", dataset, implicit_vr=False, little_endian=True)
    with pytest.raises(InputError, match=f"unsupported compression {name}"):
        read_image(tmp_path / "a.dcm")


def test_a_compression_without_an_installed_decoder_names_the_extra(monkeypatch):
    from pydicom.pixels import get_decoder
    from pydicom.uid import RLELossless as syntax

    monkeypatch.setattr(get_decoder(syntax), "_available", {})
    with pytest.raises(InputError, match=r"compression RLE Lossless, which needs a decoder.*monai-inpaint\[codecs\]"):
        read_image(get_testdata_file("MR_small_RLE.dcm", download=False))


def test_deep_jpeg_without_gdcm_names_the_extra(monkeypatch):
    from pydicom.pixels import get_decoder
    from pydicom.uid import JPEGExtended12Bit

    decoder = get_decoder(JPEGExtended12Bit)
    monkeypatch.setattr(decoder, "_available", {"pillow": decoder._available["pillow"]})
    with pytest.raises(InputError, match=r"JPEG Extended .*monai-inpaint\[codecs\]"):
        read_image(get_testdata_file("JPGExtended.dcm", download=False))


def test_only_a_film_that_tells_no_orientation_is_without_a_place(tmp_path):
    save(dicom_dataset(random_voxels((5, 7), "uint16")), tmp_path / "slice.dcm")
    gone = {"ImageOrientationPatient": None, "ImagePositionPatient": None, "Modality": "DX"}
    save(dicom_dataset(random_voxels((5, 7), "uint16"), **gone), tmp_path / "film.dcm")
    assert read_image(tmp_path / "slice.dcm").placed
    assert not read_image(tmp_path / "film.dcm").placed


def test_a_film_with_low_values_bright_keeps_its_look_or_its_values(tmp_path):
    pixels = random_voxels((5, 7), "uint16")
    gone = {"ImageOrientationPatient": None, "ImagePositionPatient": None, "Modality": "DX"}
    film = read_image(
        save(dicom_dataset(pixels, PhotometricInterpretation="MONOCHROME1", **gone), tmp_path / "film.dcm")
    )
    for name in ("a.png", "a.tif", "a.nii.gz", "a.nrrd"):
        write_image(film, tmp_path / name)
    png, tiff = read_image(tmp_path / "a.png"), read_image(tmp_path / "a.tif")
    np.testing.assert_array_equal(png.voxels, 65535 - pixels)
    np.testing.assert_array_equal(tiff.voxels, pixels)
    assert (png.inverted, tiff.inverted) == (False, True)
    for name in ("a.nii.gz", "a.nrrd"):
        flat = read_image(tmp_path / name)
        np.testing.assert_array_equal(flat.voxels[..., 0].T, pixels)
        assert not flat.inverted
