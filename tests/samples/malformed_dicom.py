"""DICOM inputs that are malformed, each in its own way: a name, and what makes one in a folder."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
from cli_samples import SIDE, ct_series
from io_samples import dicom_dataset, enhanced_ct, random_voxels, save
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.filewriter import write_file_meta_info
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit, RLELossless

PIXELS = random_voxels((SIDE, SIDE), "int16")


def _slice(path: Path, **elements) -> Path:
    return save(dicom_dataset(PIXELS, **elements), path / "image.dcm")


def _cut(part: float | int) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        file = _slice(path)
        content = file.read_bytes()
        file.write_bytes(content[: part if isinstance(part, int) else int(part * len(content))])
        return file

    return make


def _with(vr: str = "", **elements) -> Callable[[Path], Path]:
    """A slice with an element as it must not be: None leaves it out, `vr` is another than its own."""

    def make(path: Path) -> Path:
        dataset = pydicom.dcmread(_slice(path))
        for keyword, value in elements.items():
            if keyword in dataset:
                del dataset[keyword]
            if value is not None:
                dataset.add_new(keyword, vr or pydicom.datadict.dictionary_VR(keyword), value)
        dataset.save_as(path / "image.dcm")
        return path / "image.dcm"

    return make


def _raw(keyword: str, vr: str, value: bytes, **elements) -> Callable[[Path], Path]:
    """A slice with an element of these very bytes."""

    def make(path: Path) -> Path:
        file = _slice(path, **elements)
        tag = pydicom.tag.Tag(keyword)
        dataset = pydicom.dcmread(file)
        old = pydicom.filebase.DicomBytesIO()
        old.is_little_endian, old.is_implicit_VR = True, False
        pydicom.filewriter.write_data_element(old, dataset[tag])
        head = struct.pack("<HH2sH", tag.group, tag.element, vr.encode(), len(value))
        content = file.read_bytes()
        assert content.count(old.getvalue()) == 1
        file.write_bytes(content.replace(old.getvalue(), head + value))
        return file

    return make


def _series(count: int = 4, **elements) -> Callable[[Path], Path]:
    return lambda path: ct_series(path / "series", count, **elements)


def _one_slice(**elements) -> Callable[[Path], Path]:
    """A series of which one slice is otherwise."""

    def make(path: Path) -> Path:
        folder = ct_series(path / "series")
        file = sorted(folder.iterdir())[2]
        dataset = pydicom.dcmread(file)
        for keyword, value in elements.items():
            setattr(dataset, keyword, value)
        dataset.save_as(file)
        return folder

    return make


def _two_series(path: Path) -> Path:
    folder, other = ct_series(path / "series"), ct_series(path / "other", series="1.2.3.5")
    for file in other.iterdir():
        file.rename(folder / f"other_{file.name}")
    return folder


def _one_uid(path: Path) -> Path:
    folder = ct_series(path / "series")
    for file in folder.iterdir():
        dataset = pydicom.dcmread(file)
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4.5"
        dataset.save_as(file)
    return folder


def _gap(path: Path) -> Path:
    folder = ct_series(path / "series", 6)
    next(f for f in folder.iterdir() if pydicom.dcmread(f).InstanceNumber == 3).unlink()
    return folder


def _tilted(path: Path) -> Path:
    return ct_series(path / "series", ImagePositionPatient=tuple([0.0, 0.9 * k, 2.5 * k] for k in range(4)))


def _deflated_items(path: Path) -> Path:
    """A deflated file of a few KB with three million empty items."""
    dataset = dicom_dataset(PIXELS)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    save(dataset, path / "image.dcm")
    whole = (path / "image.dcm").read_bytes()
    with (path / "image.dcm").open("rb") as file:
        file.seek(132)
        pydicom.filereader._read_file_meta_info(file)
        start = file.tell()
    items = (
        struct.pack("<2H2s2xI", 0x0040, 0x0275, b"SQ", 2**32 - 1) + struct.pack("<2HI", 0xFFFE, 0xE000, 0) * 3 * 10**6
    )
    packer = zlib.compressobj(wbits=-15)
    (path / "image.dcm").write_bytes(whole[:start] + packer.compress(items) + packer.flush())
    return path / "image.dcm"


_ITEM = struct.pack("<2HI", 0xFFFE, 0xE000, 0)


def _sequence(content: bytes, *, with_length: bool = True) -> Callable[[Path], Path]:
    """A file with one sequence of such content before its pixels, which states its length or is delimited."""

    def make(path: Path) -> Path:
        save(dicom_dataset(PIXELS), path / "image.dcm")
        whole = (path / "image.dcm").read_bytes()
        pixels = whole.index(struct.pack("<2H", 0x7FE0, 0x0010))
        length, end = (len(content), b"") if with_length else (2**32 - 1, struct.pack("<2HI", 0xFFFE, 0xE0DD, 0))
        sequence = struct.pack("<2H2s2xI", 0x0040, 0x0275, b"SQ", length) + content + end
        (path / "image.dcm").write_bytes(whole[:pixels] + sequence + whole[pixels:])
        return path / "image.dcm"

    return make


def _item(content: bytes) -> bytes:
    return _ITEM[:4] + struct.pack("<I", len(content)) + content


_ELEMENTS = b"".join(struct.pack("<2H2sH", 0x0041, number, b"LO", 0) for number in range(16, 60_000)) * 25


def _bomb(path: Path, *, damaged: bool = False) -> Path:
    """A deflated file of a few hundred KB whose pixels unpack to 768 MB."""
    dataset = dicom_dataset(PIXELS)
    del dataset.PixelData
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID, dataset.file_meta.MediaStorageSOPInstanceUID = "1.2", "1.3"
    head = pydicom.filebase.DicomBytesIO()
    head.is_little_endian, head.is_implicit_VR = True, False
    pydicom.filewriter.write_dataset(head, dataset)
    packer = zlib.compressobj(wbits=-15)
    zeros = bytes(2**20)
    with (path / "image.dcm").open("wb") as file:
        file.write(bytes(128) + b"DICM")
        write_file_meta_info(file, dataset.file_meta)
        file.write(packer.compress(head.getvalue() + struct.pack("<HH2sHL", 0x7FE0, 0x10, b"OW", 0, 768 * 2**20)))
        for _ in range(4 if damaged else 768):
            file.write(packer.compress(zeros))
        file.write(b"\xff" * 99 if damaged else packer.flush())
    return path / "image.dcm"


def _compressed(syntax: str, frame: bytes, **elements) -> Callable[[Path], Path]:
    """A slice whose compressed frame is these bytes."""

    def make(path: Path) -> Path:
        dataset = dicom_dataset(PIXELS.astype(np.uint8), **elements)
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset["PixelData"].is_undefined_length = True
        dataset.PixelData = encapsulate([frame + b"\0" * (len(frame) % 2)])
        dataset["PixelData"].VR = "OB"
        return save(dataset, path / "image.dcm")

    return make


def _frames(**elements) -> Callable[[Path], Path]:
    """An enhanced file of three frames with elements otherwise."""

    def make(path: Path) -> Path:
        file = enhanced_ct(path / "image.dcm", np.stack([PIXELS] * 3), [[0, 0, z] for z in (0, 1, 2)])
        dataset = pydicom.dcmread(file)
        for keyword, value in elements.items():
            setattr(dataset, keyword, value)
        dataset.save_as(file)
        return file

    return make


def _claims_four_gigabytes(path: Path) -> Path:
    return _inserted(path, struct.pack("<HH2sHL", 0x0009, 0x1001, b"UN", 0, 0xFFFFFFF0))


def _inserted(path: Path, element: bytes) -> Path:
    """A slice with these bytes in the middle of its header."""
    file = _slice(path)
    content = file.read_bytes()
    at = content.index(struct.pack("<HH2s", 0x0028, 0x0002, b"US"))
    file.write_bytes(content[:at] + element + content[at:])
    return file


def _nested(path: Path) -> Path:
    """Sequences in sequences, ten thousand deep, of undefined length."""
    item = struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)
    return _inserted(path, (struct.pack("<HH2sHL", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF) + item) * 10_000)


def _written(name: str, content: bytes) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        (path / name).write_bytes(content)
        return path / name

    return make


def _folder_of(make: Callable[[Path], Path]) -> Callable[[Path], Path]:
    return lambda path: make(path).parent


def _mislabelled(path: Path) -> Path:
    """Implicit VR under the label of explicit VR, big endian."""
    file = _slice(path)
    dataset = pydicom.dcmread(file)
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.2"
    pydicom.dcmwrite(
        file, dataset, implicit_vr=True, little_endian=True, enforce_file_format=False, force_encoding=True
    )
    return file


def _unknown_syntax(path: Path) -> Path:
    file = _compressed(JPEGBaseline8Bit, bytes(98))(path)
    file.write_bytes(file.read_bytes().replace(JPEGBaseline8Bit.encode(), b"1.2.840.10008.1.2.4.99"))
    return file


_LATIN = b"M\xfcller^J\xe4n"
_SIZE_OF_JPEG_2000 = struct.pack(">4sHH8I", b"\xff\x4f\xff\x51", 41, 0, 60_000, 60_000, 0, 0, 60_000, 60_000, 0, 0)
_SIZE_OF_JPEG = b"\xff\xd8\xff\xc0" + struct.pack(">HBHHB", 11, 8, 65_535, 65_535, 1) + b"\x01\x11\x00"

CASES: dict[str, Callable[[Path], Path]] = {
    "empty": _written("image.dcm", b""),
    "text": _written("image.dcm", b"hello, I am no image\n" * 99),
    "preamble only": _written("image.dcm", bytes(128) + b"DICM"),
    "zeros": _written("image.dcm", bytes(70_000)),
    "cut in the preamble": _cut(100),
    "cut in the file meta information": _cut(180),
    "cut in the header": _cut(600),
    "cut in the pixels": _cut(0.5),
    "cut in a folder": _folder_of(_cut(0.5)),
    "no pixels": _with(PixelData=None),
    "no rows": _with(Rows=None),
    "no columns": _with(Columns=None),
    "no bits allocated": _with(BitsAllocated=None),
    "no photometric interpretation": _with(PhotometricInterpretation=None),
    "no pixel representation": _with(PixelRepresentation=None),
    "no SOP instance UID": _with(SOPInstanceUID=None),
    "no SOP class UID": _with(SOPClassUID=None),
    "no series UID": _with(SeriesInstanceUID=None),
    "floating-point pixels": _with(PixelData=None, FloatPixelData=bytes(4 * SIDE * SIDE)),
    "three samples": _with(SamplesPerPixel=3),
    "colour": _with(PhotometricInterpretation="RGB"),
    "rows as text": _with("LO", Rows="ninety-six"),
    "position as text": _raw("ImagePositionPatient", "DS", b"left\\right\\up "),
    "spacing as text": _raw("PixelSpacing", "DS", b"wide\\high "),
    "rescale slope as text": _with("LO", RescaleSlope="steep"),
    "rescale slope of zero": _with(RescaleSlope=0),
    "rescale slope without end": _with("LO", RescaleSlope="1e999"),
    "12 bits allocated": _with(BitsAllocated=12),
    "no bits": _with(BitsAllocated=0),
    "more bits stored than allocated": _with(BitsStored=99),
    "bits stored of zero": _with(BitsStored=0),
    "65535 rows and columns": _with(Rows=65535, Columns=65535),
    "65535 rows and columns, run-length encoded": _compressed(RLELossless, bytes(64), Rows=65535, Columns=65535),
    "no rows and columns at all": _with(Rows=0, Columns=0),
    "JPEG 2000 of another size": _compressed(JPEG2000Lossless, _SIZE_OF_JPEG_2000 + bytes(50)),
    "JPEG of another size": _compressed(JPEGBaseline8Bit, _SIZE_OF_JPEG + bytes(50)),
    "JPEG 2000 of rubbish": _compressed(JPEG2000Lossless, bytes(range(256)) * 4),
    "run lengths of rubbish": _compressed(RLELossless, bytes(range(256)) * 4),
    "an element of four gigabytes": _claims_four_gigabytes,
    "sequences ten thousand deep": _nested,
    "deflated bomb": _bomb,
    "deflated items without end": _deflated_items,
    "empty items without end, delimited": _sequence(_ITEM * 3_000_000, with_length=False),
    "empty items without end, of a length": _sequence(_ITEM * 3_000_000),
    "items of one short element without end": _sequence(
        _item(struct.pack("<2H2sH", 8, 0x100, b"SH", 2) + b"x ") * 900_000
    ),
    "empty elements without end in one item": _sequence(_item(_ELEMENTS)),
    "sequences within sequences without end": _sequence(
        _item(struct.pack("<2H2s2xI", 0x0040, 0x0275, b"SQ", 8 * 300_000) + _ITEM * 300_000) * 8
    ),
    "deflated and damaged": lambda path: _bomb(path, damaged=True),
    "deflated bomb in a folder": _folder_of(_bomb),
    "mislabelled transfer syntax": _mislabelled,
    "unknown transfer syntax": _unknown_syntax,
    "two billion frames": _frames(NumberOfFrames=2_147_483_647),
    "frames as text": _with("LO", NumberOfFrames="many"),
    "fewer frames than stated": _frames(NumberOfFrames=4),
    "frames without groups": _frames(PerFrameFunctionalGroupsSequence=Sequence()),
    "frames without places": _frames(PerFrameFunctionalGroupsSequence=Sequence([Dataset(), Dataset(), Dataset()])),
    "series in one place": _series(ImagePositionPatient=([0.0, 0, 0],) * 4),
    "series without places": _series(ImagePositionPatient=None),
    "series without directions": _series(ImageOrientationPatient=[0, 0, 0, 0, 0, 0]),
    "series with places that are not numbers": _series(ImagePositionPatient=([float("nan")] * 3,) * 4),
    "series with three spacings": _series(PixelSpacing=[1, 2, 3]),
    "series without pixel spacing": _series(PixelSpacing=[0, 0]),
    "slice turned": _one_slice(ImageOrientationPatient=[0, 1, 0, 0, 0, 1]),
    "slice of other pixels": _one_slice(PixelSpacing=[2, 2]),
    "slice of another size": _one_slice(Rows=SIDE // 2),
    "slice signed": _one_slice(PixelRepresentation=1),
    "slice missing": _gap,
    "gantry tilt": _tilted,
    "two series": _two_series,
    "one UID for all": _one_uid,
}  # fmt: skip

# against a rule, but what to fill with what is clear: these are filled
ODD: dict[str, Callable[[Path], Path]] = {
    "series number as text": _with("LO", SeriesNumber="first"),
    "unknown character set": _raw("PatientName", "PN", _LATIN, SpecificCharacterSet="ISO_IR 999"),
    "name that is not of its character set": _raw("PatientName", "PN", _LATIN, SpecificCharacterSet="ISO_IR 192"),
    "description not of its character set": _raw("SeriesDescription", "LO", _LATIN, SpecificCharacterSet="ISO_IR 192"),
    "date as text": _with("LO", StudyDate="yesterday"),
    "UID as text": _with(FrameOfReferenceUID="1.2.three"),
    "sex of no kind": _with(PatientSex="person"),
    "text too long": _with(SeriesDescription="x" * 300),
    "window as text": _with("LO", WindowCenter="middle", WindowWidth="wide"),
}  # fmt: skip
