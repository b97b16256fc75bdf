"""Files whose headers claim what is not there: a name, and what makes one in a folder."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from header_samples import BYTES, VOXELS, meta, nrrd
from io_samples import dicom_dataset, random_voxels, save
from PIL import Image as Pillow
from pydicom.encaps import encapsulate
from pydicom.uid import (
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from monai_inpaint.imaging.image import Image
from monai_inpaint.io import write_image

Make = Callable[[Path], Path]


def _file(name: str, content: bytes) -> Make:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return make


def chunk(kind: bytes, content: bytes, length: int | None = None) -> bytes:
    size = len(content) if length is None else length
    return struct.pack(">I", size) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_code(columns: int, rows: int, bits: int = 8, colour: int = 0, *more: bytes, packed: bytes = b"") -> bytes:
    head = chunk(b"IHDR", struct.pack(">2I5B", columns, rows, bits, colour, 0, 0, 0))
    data = chunk(b"IDAT", packed or zlib.compress(bytes(100)))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + data + chunk(b"IEND", b"")


def png(*args: int | bytes, packed: bytes = b"") -> Make:
    return _file("x.png", png_code(*args, packed=packed))  # type: ignore[arg-type]


def jpeg_code(columns: int, rows: int, samples: int = 1, marker: int = 0xC0, bits: int = 8) -> bytes:
    """A real little JPEG whose frame header is another."""
    stream = io.BytesIO()
    Pillow.fromarray(random_voxels((16, 16), "uint8")).save(stream, format="JPEG")
    code = stream.getvalue()
    at = code.index(b"\xff\xc0")
    parts = b"".join(bytes([n + 1, 0x11, 0]) for n in range(samples))
    frame = struct.pack(">BBHBHHB", 0xFF, marker, 8 + len(parts), bits, rows, columns, samples) + parts
    return code[:at] + frame + code[at + 13 :]


def jpeg_2000_code(columns: int, rows: int, samples: int = 1, tile: int = 0) -> bytes:
    size = struct.pack(">2H8IH", 38 + 3 * samples, 0, columns, rows, 0, 0, tile or columns, tile or rows, 0, 0, samples)
    style = b"\xff\x52" + struct.pack(">HBBHBBBBBB", 12, 0, 0, 1, 0, 0, 4, 4, 0, 1)
    steps = b"\xff\x5c" + struct.pack(">HBB", 4, 0x40, 0x40)
    part = b"\xff\x90" + struct.pack(">HHIBB", 10, 0, 14, 0, 1) + b"\xff\x93"
    return b"\xff\x4f\xff\x51" + size + b"\x0f\x01\x01" * samples + style + steps + part + b"\xff\xd9"


def webp(kind: bytes, content: bytes) -> Make:
    body = b"WEBP" + kind + struct.pack("<I", len(content)) + content + bytes(200)
    return _file("x.webp", b"RIFF" + struct.pack("<I", len(body)) + body)


def tiff(*tags: tuple[int, int, int, int], behind: bytes = b"", after: int = 0, big: bool = False) -> Make:
    """A TIFF with one directory at 8 (16 in a big one) of tags (number, type, count, value or offset)."""
    if big:
        head = struct.pack("<2s3HQ", b"II", 43, 8, 0, 16)
        table = struct.pack("<Q", len(tags)) + b"".join(struct.pack("<2H2Q", *tag) for tag in tags)
        return _file("x.tif", head + table + struct.pack("<Q", after) + behind)
    table = struct.pack("<H", len(tags)) + b"".join(struct.pack("<2H2I", *tag) for tag in tags)
    return _file("x.tif", struct.pack("<2sHI", b"II", 42, 8) + table + struct.pack("<I", after) + behind)


def grey_tiff(
    columns: int = 16, rows: int = 16, *more: tuple[int, int, int, int], coding: int = 1, data: bytes = bytes(256)
) -> Make:
    """A grey page of one strip of 8-bit pixels; tags of the same number replace its own."""
    own = {256: (4, 1, columns), 257: (4, 1, rows), 258: (3, 1, 8), 259: (3, 1, coding), 262: (3, 1, 1)}
    own |= {273: (4, 1, 0), 277: (3, 1, 1), 278: (4, 1, rows), 279: (4, 1, len(data))}
    own |= {number: tuple(rest) for number, *rest in more}
    if own[273] == (4, 1, 0):
        own[273] = (4, 1, 8 + 2 + 12 * len(own) + 4)
    return tiff(*((number, *own[number]) for number in sorted(own)), behind=data)


def tiled_tiff(columns: int, rows: int, width: int, height: int, coding: int, data: bytes) -> Make:
    tags = {256: columns, 257: rows, 258: 8, 259: coding, 262: 1, 277: 1, 322: width, 323: height}
    tags |= {324: 8 + 2 + 12 * 10 + 4, 325: len(data)}
    return tiff(*((number, 4, 1, tags[number]) for number in sorted(tags)), behind=data)


def _chained_tiff(offsets: list[int], count: int) -> bytes:
    """Directories without tags of use that lead to one another."""
    content = struct.pack("<2sHI", b"II", 42, 8)
    for n in range(count):
        content += struct.pack("<H2H2II", 1, 256, 4, 1, 16, offsets[n])
    return content


def dicom(**elements) -> Make:
    return lambda folder: save(dicom_dataset(random_voxels((16, 16), "int16"), **elements), folder / "x.dcm")


def dicom_with(content: bytes) -> Make:
    """A slice with bytes of other elements before its pixels."""

    def make(folder: Path) -> Path:
        path = dicom()(folder)
        whole = path.read_bytes()
        at = whole.rindex(struct.pack("<2H", 0x7FE0, 0x0010))
        path.write_bytes(whole[:at] + content + whole[at:])
        return path

    return make


def compressed(syntax: str, *frames: bytes, **elements) -> Make:
    """A slice of 16 x 16 pixels of 8 bits, or as the elements say, whose compressed frames are these."""

    def make(folder: Path) -> Path:
        dataset = dicom_dataset(random_voxels((16, 16), "uint8"), **elements)
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset["PixelData"].is_undefined_length = True
        dataset.PixelData = encapsulate([frame + b"\0" * (len(frame) % 2) for frame in frames])
        dataset["PixelData"].VR = "OB"
        return save(dataset, folder / "x.dcm")

    return make


def _pipe(name: str) -> Make:
    def make(folder: Path) -> Path:
        os.mkfifo(folder / name)
        return folder / name

    return make


def _link(name: str, target: str) -> Make:
    def make(folder: Path) -> Path:
        (folder / name).symlink_to(target)
        return folder / name

    return make


def _nifti(name: str, *shape: int, data: bytes = BYTES, start: Callable[[bytes], bytes] = bytes) -> Make:
    def make(folder: Path) -> Path:
        write_image(Image(VOXELS, np.eye(4)), folder / "plain.nii")
        head = bytearray((folder / "plain.nii").read_bytes()[:352])
        (folder / "plain.nii").unlink()
        struct.pack_into("<8h", head, 40, len(shape), *shape, *[1] * (7 - len(shape)))
        return _file(name, start(bytes(head) + data))(folder)

    return make


def _beside_a_folder(folder: Path) -> Path:
    (folder / "folder.raw").mkdir()
    return meta(folder / "below.mhd", b"", ElementDataFile="folder.raw")


_SEQUENCE = struct.pack("<2H2s2xI", 0x0040, 0x0275, b"SQ", 2**32 - 1)
_ITEM, _EMPTY_ITEM = struct.pack("<2HI", 0xFFFE, 0xE000, 2**32 - 1), struct.pack("<2HI", 0xFFFE, 0xE000, 0)
_ZEROS = zlib.compress(bytes(2**26))  # 64 MB in 64 KB
_RUNS = struct.pack("<16I", 1, 64, *[0] * 14) + b"\x81\x00" * 500

HOSTILE: dict[str, Make] = {
    "PNG of 60,000 x 60,000": png(60_000, 60_000),
    "PNG of two billion columns": png(2**31 - 1, 2**31 - 1),
    "PNG of no columns": png(0, 5),
    "PNG of 10,000 x 10,000 of 16 bits": png(10_000, 10_000, 16),
    "PNG of 9,000 x 9,000 in colours": png(9_000, 9_000, 8, 6),
    "PNG with a chunk of four gigabytes": png(16, 16, 8, 0, chunk(b"tEXt", b"a\0b", 0x7FFFFFFF)),
    "PNG with a text of 64 MB": png(16, 16, 8, 0, *[chunk(b"zTXt", b"a\0\0" + _ZEROS)] * 8),
    "PNG with a profile of 64 MB": png(16, 16, 8, 0, chunk(b"iCCP", b"a\0\0" + _ZEROS * 8)),
    "PNG of two billion pictures": png(16, 16, 8, 0, chunk(b"acTL", struct.pack(">2I", 2**31 - 1, 0))),
    "PNG with more pixels than it tells": png(16, 16, packed=_ZEROS + b"x"),
    "JPEG of 65,535 x 65,535": _file("x.jpg", jpeg_code(65_535, 65_535)),
    "JPEG of 65,535 x 65,535, progressive": _file("x.jpg", jpeg_code(65_535, 65_535, marker=0xC2)),
    "JPEG of 8,000 x 9,000 in three channels": _file("x.jpg", jpeg_code(9_000, 8_000, 3)),
    "JPEG of no rows": _file("x.jpg", jpeg_code(16, 0)),
    "JPEG of 200 channels": _file("x.jpg", jpeg_code(5_000, 5_000, 200)),
    "WebP of 16,384 x 16,384": webp(b"VP8L", b"\x2f\xff\xff\xff\x0f"),
    "WebP of 16,777,216 x 256": webp(b"VP8X", b"\x02\0\0\0\xff\xff\xff\xff\0\0"),
    "WebP of 16,383 x 16,383 with loss": webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a\xff\x3f\xff\x3f"),
    "TIFF directory that points to itself": tiff((256, 4, 1, 16), after=8),
    "TIFF directories that point to one another": _file("x.tif", _chained_tiff([26, 44, 8], 3)),
    "TIFF with 120 directories that lead back": _file("x.tif", _chained_tiff([*range(26, 8 + 18 * 120, 18), 44], 120)),
    "TIFF directory beside the file": tiff((256, 4, 1, 16), after=2**31),
    "TIFF with 65,535 tags": _file("x.tif", struct.pack("<2sHIH", b"II", 42, 8, 65_535) + bytes(99)),
    "TIFF with directories in one another": _file(
        "x.tif", struct.pack("<2sHI", b"II", 42, 8) + b"".join(struct.pack("<HI", 200, 14 + 6 * n) for n in range(900))
    ),
    "TIFF within itself": grey_tiff(16, 16, (330, 4, 1, 8), (34665, 4, 1, 8)),
    "TIFF of four billion columns": grey_tiff(2**32 - 1, 2**32 - 1),
    "TIFF of 60,000 x 60,000, deflated": grey_tiff(60_000, 60_000, coding=8, data=zlib.compress(bytes(256))),
    "TIFF of 60,000 x 60,000 by LZW": grey_tiff(60_000, 60_000, coding=5),
    "TIFF of 60,000 x 60,000 by fax": grey_tiff(60_000, 60_000, (258, 3, 1, 1), coding=4),
    "TIFF strip beside the file": grey_tiff(16, 16, (273, 4, 1, 2**31)),
    "TIFF with 65,535 bits a sample": grey_tiff(16, 16, (258, 3, 1, 65_535)),
    "TIFF with 65,535 samples": grey_tiff(1_000, 1_000, (277, 3, 1, 65_535)),
    "TIFF with a text of four gigabytes": grey_tiff(16, 16, (270, 2, 2**32 - 1, 8)),
    "TIFF with strips of four billion rows": grey_tiff(16, 16, (278, 4, 1, 2**32 - 1), (279, 4, 1, 2**32 - 1)),
    "TIFF of a tile of 60,000 x 60,000": tiled_tiff(16, 16, 60_000, 60_000, 8, zlib.compress(bytes(256))),
    "TIFF with a JPEG of 65,535 x 65,535": tiled_tiff(16, 16, 16, 16, 7, jpeg_code(65_535, 65_535)),
    "TIFF with a JPEG 2000 of 60,000 x 60,000": tiled_tiff(16, 16, 16, 16, 34712, jpeg_2000_code(60_000, 60_000)),
    "TIFF with a PNG of 60,000 x 60,000": tiled_tiff(16, 16, 16, 16, 34933, png_code(60_000, 60_000)),
    "big TIFF with tags without end": _file("x.tif", struct.pack("<2s3HQQ", b"II", 43, 8, 0, 16, 2**63) + bytes(99)),
    "big TIFF with a text without end": tiff((256, 4, 1, 16), (270, 2, 2**63, 8), big=True),
    "DICOM of 65,535 x 2,000": dicom(Rows=65_535, Columns=2_000),
    "DICOM of two billion frames": dicom(NumberOfFrames=2**31 - 1),
    "DICOM of 300,000 empty items": dicom_with(_SEQUENCE + _EMPTY_ITEM * 300_000),
    "DICOM of sequences in one another": dicom_with((_SEQUENCE + _ITEM) * 5_000),
    "DICOM with an element of four gigabytes": dicom_with(struct.pack("<2H2s2xI", 0x0050, 0x10, b"OB", 2**32 - 2)),
    "DICOM of 64 bits": dicom(BitsAllocated=64, BitsStored=64, HighBit=63, Rows=1_000, Columns=1_000),
    "DICOM of 65,535 bits": dicom(BitsAllocated=65_528, BitsStored=16, HighBit=15),
    "DICOM with a high bit of 99": dicom(BitsStored=12, HighBit=99),
    "DICOM with a high bit below its bits": dicom(BitsStored=12, HighBit=3),
    "DICOM with a sign of 7": dicom(PixelRepresentation=7),
    "DICOM of 3,000 compressed frames that are not there": compressed(
        JPEGBaseline8Bit, jpeg_code(16, 16), NumberOfFrames=3_000
    ),
    "DICOM with a JPEG of another size": compressed(JPEGBaseline8Bit, jpeg_code(65_535, 65_535)),
    "DICOM of 11,000 x 11,000 in a small JPEG": compressed(
        JPEGBaseline8Bit, jpeg_code(11_000, 11_000), Rows=11_000, Columns=11_000
    ),
    "DICOM of 11,000 x 11,000 in a small lossless JPEG": compressed(
        JPEGLosslessSV1, jpeg_code(11_000, 11_000, 1, 0xC3), Rows=11_000, Columns=11_000
    ),
    "DICOM of 11,000 x 11,000 in a small JPEG-LS": compressed(
        JPEGLSLossless, jpeg_code(11_000, 11_000, 1, 0xF7), Rows=11_000, Columns=11_000
    ),
    "DICOM of 11,000 x 11,000 in a small JPEG 2000": compressed(
        JPEG2000Lossless, jpeg_2000_code(11_000, 11_000), Rows=11_000, Columns=11_000
    ),
    "DICOM with a JPEG 2000 of 16,384 channels": compressed(JPEG2000Lossless, jpeg_2000_code(16, 16, 16_384)),
    "DICOM with a JPEG 2000 of a million tiles": compressed(
        JPEG2000Lossless, jpeg_2000_code(1_000, 1_000, tile=1), Rows=1_000, Columns=1_000
    ),
    "DICOM with a JPEG 2000 cut short": compressed(JPEG2000Lossless, jpeg_2000_code(16, 16)[:50]),
    "DICOM with a JPEG of three channels": compressed(JPEGBaseline8Bit, jpeg_code(16, 16, 3)),
    "DICOM of 11,000 x 11,000 in few run lengths": compressed(RLELossless, _RUNS, Rows=11_000, Columns=11_000),
    "DICOM with run lengths without end": compressed(RLELossless, struct.pack("<16I", 2**32 - 1, *[64] * 15) + _RUNS),
    "DICOM with run lengths beside the frame": compressed(RLELossless, struct.pack("<16I", 2, 64, 2**31, *[0] * 13)),
    "DICOM that says it is not compressed and is": compressed(
        ExplicitVRLittleEndian, jpeg_code(16, 16), Rows=2_000, Columns=2_000
    ),
}  # fmt: skip

# what is not a picture; files that stopped, crashed or filled what read them before
HEADERS: dict[str, Make] = {
    "MetaImage of 100 dimensions": lambda folder: meta(folder / "many.mha", NDims="100"),
    "MetaImage of -1 dimensions": lambda folder: meta(folder / "minus.mha", NDims="-1"),
    "MetaImage of another file": lambda folder: meta(folder / "other.mhd", b"", ElementDataFile="/etc/passwd"),
    "MetaImage of a folder": _beside_a_folder,
    "NIfTI that claims 50 TB": _nifti("claims.nii", 30_000, 30_000, 30_000),
    "NIfTI that claims 50 TB, deflated": _nifti("claims.nii.gz", 30_000, 30_000, 30_000, start=gzip.compress),
    "NIfTI of which a part is there": _nifti(
        "less.nii.gz", 1_000, 1_000, 1_000, data=os.urandom(3 << 20), start=gzip.compress
    ),
    "NIfTI that goes on": _nifti("on.nii.gz", 4, 3, 2, data=bytes(300 << 20), start=lambda all: gzip.compress(all, 1)),
    "NIfTI that is a pipe": lambda folder: _pipe("pipe.nii")(folder),
    "NRRD that claims 50 TB": lambda folder: nrrd(
        folder / "claims.nrrd", gzip.compress(BYTES), encoding="gzip", sizes="30000 30000 30000"
    ),
    "NRRD behind 20 GB of zeros": lambda folder: nrrd(
        folder / "behind.nrrd", bz2.compress(bytes(1 << 26)) * 300, encoding="bzip2", byte_skip="20000000000"
    ),
}  # fmt: skip

# what these claim lies beside the pixels, and is never looked at
READ = ("PNG with more pixels than it tells", "TIFF within itself", "TIFF with strips of four billion rows")

ODD_PLACES: dict[str, Make] = {
    "pipe.png": _pipe("pipe.png"),
    "pipe.tif": _pipe("pipe.tif"),
    "pipe.dcm": _pipe("pipe.dcm"),
    "pipe.nii.gz": _pipe("pipe.nii.gz"),
    "pipe.mha": _pipe("pipe.mha"),
    "a pipe without suffix": _pipe("pipe"),
    "device.png": _link("device.png", "/dev/zero"),
    "device.nii": _link("device.nii", "/dev/urandom"),
    "circle.png": _link("circle.png", "circle.png"),
    "circle.dcm": _link("circle.dcm", "circle.dcm"),
    "terminal.png": _link("terminal.png", "/dev/tty"),
}
