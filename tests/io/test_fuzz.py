"""Real files of all formats with bytes changed at random, by a fixed seed: an image or a sentence, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from io_samples import dicom_dataset, random_voxels, save
from PIL import Image as Pillow
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, JPEGLossless, JPEGLSLossless, RLELossless

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.io import read_image, write_image
from monai_inpaint.io.isolated import fork_reader, read_image_isolated

MUTANTS = 16  # of each file
SECONDS = 10  # that one may take
HEAD = 0.7  # how often the first bytes are changed, which hold the header


def _picture(suffix: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        Pillow.fromarray(random_voxels((40, 50), "uint8")).save(folder / f"a.{suffix}")
        return folder / f"a.{suffix}"

    return make


def _tiff(**options) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        tifffile.imwrite(folder / "a.tif", random_voxels((64, 48), "uint8"), **options)
        return folder / "a.tif"

    return make


def _slice(syntax: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        dataset = dicom_dataset(random_voxels((64, 64), "uint8" if syntax == JPEGLSLossless else "int16"))
        dataset.compress(syntax)
        return save(dataset, folder / "a.dcm")

    return make


def _jpeg(path: Path, dtype: str, syntax: str) -> Path:
    pixels = random_voxels((64, 64), dtype)
    encode = {JPEGBaseline8Bit: imagecodecs.jpeg8_encode, JPEGLossless: imagecodecs.ljpeg_encode}[syntax]
    dataset = dicom_dataset(pixels)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = encapsulate([encode(pixels)])
    dataset["PixelData"].is_undefined_length = True
    return save(dataset, path)


def _written(suffix: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        write_image(Image(random_voxels((9, 8, 7), "int16"), np.diag([1.0, 2, 3, 1])), folder / f"a{suffix}")
        return folder / f"a{suffix}"

    return make


FILES: dict[str, Callable[[Path], Path]] = {
    "PNG": _picture("png"),
    "JPEG": _picture("jpg"),
    "WebP": _picture("webp"),
    "TIFF": _tiff(),
    "TIFF in tiles, deflated": _tiff(tile=(16, 16), compression="zlib"),
    "TIFF by LZW": _tiff(compression="lzw", predictor=True),
    "TIFF with JPEG": _tiff(compression="jpeg"),
    "TIFF with JPEG 2000": _tiff(compression="jpeg2000"),
    "big TIFF": _tiff(bigtiff=True),
    "DICOM with JPEG 2000": _slice(JPEG2000Lossless),
    "DICOM with JPEG-LS": _slice(JPEGLSLossless),
    "DICOM with run lengths": _slice(RLELossless),
    "DICOM with JPEG": lambda folder: _jpeg(folder / "a.dcm", "uint8", JPEGBaseline8Bit),
    "DICOM with JPEG without loss": lambda folder: _jpeg(folder / "a.dcm", "uint16", JPEGLossless),
    "NIfTI": _written(".nii"),
    "NIfTI, packed": _written(".nii.gz"),
    "NRRD": _written(".nrrd"),
    "MetaImage": _written(".mha"),
    "MetaImage in two files": _written(".mhd"),
}


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """A few bytes changed, most of them in the first part, or a part repeated, left out or cut off."""
    data = bytearray(content)
    for _ in range(rng.integers(1, 5)):
        at = int(rng.integers(min(len(data), 700) if rng.random() < HEAD else len(data)))
        match rng.integers(5):
            case 0:
                data[at] = rng.integers(256)
            case 1:
                data[at : at + 4] = rng.choice([b"\xff" * 4, b"\0" * 4, b"\xff\xff\xff\x7f", b"\x7f\xff\xff\xff"])
            case 2:
                del data[at : at + int(rng.integers(1, 40))]
            case 3:
                data[at:at] = data[at : at + int(rng.integers(1, 40))]
            case _ if rng.random() < 0.3:
                del data[max(at, 20) :]
    return bytes(data)


@pytest.mark.parametrize("kind", FILES)
def test_changed_bytes_give_an_image_or_a_sentence(tmp_path: Path, kind: str, capfd) -> None:
    rng = np.random.default_rng(list(FILES).index(kind))
    path = FILES[kind](tmp_path)
    assert isinstance(read_image(path), Image)
    content = path.read_bytes()
    fork_reader(path)
    target = tmp_path / f"changed{''.join(path.suffixes) if '.gz' in path.suffixes else path.suffix}"
    for number in range(MUTANTS):
        target.write_bytes(mutated(content, rng))
        start = time.monotonic()
        try:
            assert isinstance(read_image_isolated(target), Image)
        except InputError as error:
            said = str(error)
            assert said.startswith(str(target)), (number, said)
            assert "\n" not in said.strip(), (number, said)
        assert time.monotonic() - start < SECONDS, number
    assert capfd.readouterr() == ("", "")
