"""Series as scanners and archives leave them: overviews beside slices, one frame alone, bits that mean nothing."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from dicom_samples import series
from io_samples import dicom_dataset, dicom_series, enhanced_ct, random_voxels, save
from pydicom.uid import JPEG2000Lossless, RLELossless

from monai_inpaint import read_image, write_image


@pytest.mark.parametrize("uid", ["1.2.3.4", "1.2.3.5"])
def test_localizers_are_left_out_whether_in_the_series_or_one_of_their_own(tmp_path, uid):
    volume = random_voxels((4, 5, 6), "int16")
    folder = dicom_series(tmp_path / "s", volume)
    scout = {"ImageOrientationPatient": [0, 1, 0, 0, 0, -1], "ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}
    save(dicom_dataset(random_voxels((9, 9), "int16"), series=uid, **scout), folder / "scout.dcm")
    image = read_image(folder)
    np.testing.assert_array_equal(image.voxels, volume.transpose(2, 1, 0))
    assert len(image.header.datasets) == 4


def test_a_localizer_alone_is_an_image(tmp_path):
    source = dicom_dataset(random_voxels((5, 6), "int16"), ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    save(source, tmp_path / "scout.dcm")
    assert read_image(tmp_path).voxels.shape == (5, 6)


def test_an_enhanced_file_of_one_frame_keeps_its_rescale_and_place(tmp_path):
    image = read_image(enhanced_ct(tmp_path / "a.dcm", random_voxels((1, 5, 6), "int16"), [[1.0, 2.0, 3.0]]))
    assert image.voxels.shape == (6, 5, 1)
    assert (image.slope, image.intercept) == (2.0, -1000.0)
    np.testing.assert_allclose(image.affine[:3, 3], [-1, -2, 3])
    write_image(image, tmp_path / "b.dcm")
    np.testing.assert_array_equal(read_image(tmp_path / "b.dcm").voxels, image.voxels)


@pytest.mark.parametrize("signed", [True, False])
def test_bits_that_are_not_stored_mean_nothing(tmp_path, signed):
    pixels = np.array([[0x0FFF, 0x0001, 0xF002]], np.uint16)
    source = dicom_dataset(pixels, BitsStored=12, HighBit=11, PixelRepresentation=int(signed))
    image = read_image(save(source, tmp_path / "a.dcm"))
    assert image.voxels.tolist() == [[-1 if signed else 4095, 1, 2]]
    assert image.stored(np.array([[1e6]]), np.s_[:, :1]) == (2047 if signed else 4095)


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, RLELossless])
def test_a_compressed_series_is_written_uncompressed_with_equal_voxels(tmp_path, syntax):
    folder = series(tmp_path / "s", "MR_small.dcm", 3)
    plain = read_image(folder).voxels
    for path in folder.iterdir():
        dataset = pydicom.dcmread(path)
        dataset.compress(syntax, generate_instance_uid=False)
        dataset.save_as(path)
    image = read_image(folder)
    np.testing.assert_array_equal(image.voxels, plain)
    write_image(image, tmp_path / "out", derived={"description": "d", "model": "m", "version": "v"})
    np.testing.assert_array_equal(read_image(tmp_path / "out").voxels, plain)
    assert "LossyImageCompression" not in pydicom.dcmread(next((tmp_path / "out").iterdir()))
