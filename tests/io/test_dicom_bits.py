"""Which bits of a word are its value, and that all others come back as they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from io_samples import DERIVED, dicom_dataset, dicom_series, enhanced_ct, random_voxels, save
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian, JPEG2000Lossless, RLELossless

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.io import read_image, write_image

# BitsAllocated, BitsStored, HighBit
LAYOUTS = [
    (16, 12, 11),
    (16, 12, 15),
    (16, 12, 13),
    (16, 16, 15),
    (16, 1, 0),
    (8, 8, 7),
    (8, 6, 5),
    (8, 5, 7),
    (32, 20, 19),
]


def by_hand(word: int, stored: int, high: int, signed: bool) -> int:
    """The value of one word, as the standard defines it."""
    value = sum((word >> (high - stored + 1 + bit) & 1) << bit for bit in range(stored))
    return value - (1 << stored) if signed and value >> (stored - 1) else value


def words_in(path: Path, bits: int) -> np.ndarray:
    dataset = pydicom.dcmread(path)
    assert dataset.file_meta.TransferSyntaxUID.is_little_endian
    return np.frombuffer(dataset.PixelData, f"<u{bits // 8}")[: dataset.Rows * dataset.Columns].reshape(
        dataset.Rows, dataset.Columns
    )


def word_file(path: Path, words: np.ndarray, stored: int, high: int, signed: bool = False, **elements) -> Path:
    dataset = dicom_dataset(words, BitsStored=stored, HighBit=high, PixelRepresentation=int(signed), **elements)
    return save(dataset, path)


def filled(image: Image) -> tuple[Image, np.ndarray]:
    """The image with a few voxels changed, and which."""
    hole = np.zeros(image.voxels.shape, bool)
    hole[2:4, 3:6] = True
    low, high = image.stored_range or (0, 1)
    voxels = np.where(hole, np.where(image.voxels == low, high, low), image.voxels).astype(image.voxels.dtype)
    return image.with_voxels(voxels), hole


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_values_are_the_bits_up_to_the_high_bit_and_words_outside_of_the_hole_come_back(tmp_path, layout, signed):
    bits, stored, high = layout
    words = random_voxels((7, 9), f"uint{bits}")  # spare bits hold whatever they hold
    image = read_image(word_file(tmp_path / "a.dcm", words, stored, high, signed))
    expected = [[by_hand(int(word), stored, high, signed) for word in row] for row in words]
    np.testing.assert_array_equal(image.voxels, expected)
    assert image.voxels.dtype == np.dtype(f"{'i' if signed else 'u'}{bits // 8}")

    changed, hole = filled(image)
    write_image(changed, tmp_path / "b.dcm", derived=DERIVED)
    np.testing.assert_array_equal(words_in(tmp_path / "b.dcm", bits)[~hole], words[~hole])
    back = read_image(tmp_path / "b.dcm")
    np.testing.assert_array_equal(back.voxels, changed.voxels)
    dataset = pydicom.dcmread(tmp_path / "b.dcm")
    assert (dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit) == layout


def test_an_overlay_in_the_upper_bits_stays_around_the_hole(tmp_path):
    values = random_voxels((7, 9), "uint16") >> 4
    overlay = random_voxels((7, 9), "uint8", 1) > 127
    path = word_file(tmp_path / "a.dcm", values | overlay.astype(np.uint16) << 12, 12, 11)
    dataset = pydicom.dcmread(path)
    for element, vr, value in (
        (0x10, "US", 7),
        (0x11, "US", 9),
        (0x40, "CS", "G"),
        (0x100, "US", 16),
        (0x102, "US", 12),
    ):
        dataset.add_new((0x6000, element), vr, value)
    dataset.save_as(path)
    image = read_image(path)
    np.testing.assert_array_equal(image.voxels, values)
    changed, hole = filled(image)
    write_image(changed, tmp_path / "b.dcm", derived=DERIVED)
    assert pydicom.dcmread(tmp_path / "b.dcm")[0x6000, 0x0102].value == 12
    np.testing.assert_array_equal(words_in(tmp_path / "b.dcm", 16)[~hole] >> 12, overlay[~hole])


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless])
@pytest.mark.parametrize("bits", [8, 16])
def test_words_are_the_same_in_every_transfer_syntax_that_holds_words(tmp_path, syntax, bits):
    words = random_voxels((7, 9), f"uint{bits}")
    dataset = dicom_dataset(words)
    if syntax == RLELossless:
        dataset.compress(syntax, encoding_plugin="pydicom")
    else:
        dataset.file_meta.TransferSyntaxUID = syntax
        if syntax == ExplicitVRBigEndian:
            padded = dataset.PixelData + b"\0" * (len(dataset.PixelData) % 2)
            dataset.PixelData = np.frombuffer(padded, np.uint16).byteswap().tobytes()
            dataset["PixelData"].VR = "OW"
    dataset.BitsStored = bits - 3  # up to the same HighBit
    image = read_image(save(dataset, tmp_path / "a.dcm"))
    np.testing.assert_array_equal(image.voxels, words >> 3)
    write_image(image, tmp_path / "b.dcm")
    np.testing.assert_array_equal(words_in(tmp_path / "b.dcm", bits), words)


def test_words_of_a_series_and_of_frames_go_back_to_their_slices(tmp_path):
    words = random_voxels((4, 7, 9), "uint16")
    words[1] &= 0x0FFF  # one slice without anything in its spare bits
    series = dicom_series(tmp_path / "s", words, BitsStored=12, HighBit=11)
    image = read_image(series)
    np.testing.assert_array_equal(image.voxels, (words & 0x0FFF).transpose(2, 1, 0))
    write_image(image, tmp_path / "out", derived=DERIVED)
    for k, path in enumerate(sorted((tmp_path / "out").iterdir())):
        np.testing.assert_array_equal(words_in(path, 16), words[k])

    path = enhanced_ct(tmp_path / "e.dcm", words, [[0, 0, z] for z in (3, 1, 0, 2)])
    dataset = pydicom.dcmread(path)
    dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 12, 11, 0
    dataset.save_as(path)
    image = read_image(path)
    np.testing.assert_array_equal(image.voxels, (words[[2, 1, 3, 0]] & 0x0FFF).transpose(2, 1, 0))
    write_image(image, tmp_path / "f.dcm", derived=DERIVED)
    np.testing.assert_array_equal(np.frombuffer(pydicom.dcmread(tmp_path / "f.dcm").PixelData, "<u2"), words.ravel())


def test_what_pydicom_reads_is_what_we_read(tmp_path):
    for number, (bits, stored, high) in enumerate(LAYOUTS):
        if high == stored - 1:
            for signed in (False, True):
                path = word_file(tmp_path / f"{number}.dcm", random_voxels((7, 9), f"uint{bits}"), stored, high, signed)
                np.testing.assert_array_equal(read_image(path).voxels, pydicom.dcmread(path).pixel_array)


def test_single_bits_are_read(tmp_path):
    marked = random_voxels((8, 9), "uint8") > 127
    dataset = dicom_dataset(marked.astype(np.uint8), BitsAllocated=1, BitsStored=1, HighBit=0, PixelRepresentation=0)
    dataset.PixelData = np.packbits(marked, bitorder="little").tobytes() + b"\0"
    np.testing.assert_array_equal(read_image(save(dataset, tmp_path / "a.dcm")).voxels, marked)


def test_a_high_bit_that_compressed_pixels_cannot_have_is_refused(tmp_path):
    dataset = dicom_dataset(random_voxels((64, 64), "uint16"))
    dataset.compress(JPEG2000Lossless)
    dataset.BitsStored, dataset.HighBit = 12, 15
    with pytest.raises(InputError, match="HighBit 15 with BitsStored 12 in compressed pixels"):
        read_image(save(dataset, tmp_path / "a.dcm"))
