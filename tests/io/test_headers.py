"""Headers of NRRD and MetaImage: what is read agrees with ITK and with the bytes, or is refused in a sentence."""

from __future__ import annotations

import bz2
import gzip
import time
import zlib

import numpy as np
import pytest
import SimpleITK as sitk
from header_samples import BYTES, VOXELS, meta, nrrd
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_inpaint.errors import InputError
from monai_inpaint.io import read_image, write_image

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
BIG = VOXELS.astype(">i2").tobytes(order="F")
GZIP, ZLIB = gzip.compress(BYTES), zlib.compress(BYTES)


def as_itk_reads(path):
    """Voxels (i, j, k) and affine to RAS of ITK, an independent reader."""
    image = sitk.ReadImage(str(path))
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return sitk.GetArrayFromImage(image).T, LPS @ affine


def check_as_itk(path, scratch):
    """Read, and written again, the image is what ITK reads."""
    voxels, affine = as_itk_reads(path)
    image = read_image(path)
    np.testing.assert_array_equal(image.voxels, voxels)
    np.testing.assert_allclose(image.affine, affine, atol=1e-12)
    written = scratch / f"again{path.suffix}"
    write_image(image, written, derived={"description": "Region filled", "model": "m", "version": "1"})
    voxels_again, affine_again = as_itk_reads(written)
    np.testing.assert_array_equal(voxels_again, voxels)
    np.testing.assert_allclose(affine_again, affine, atol=1e-12)


NRRDS = {
    "crlf": {"end": "\r\n"},
    "upper case values": {"encoding": "RAW", "space": "LEFT-POSTERIOR-SUPERIOR", "endian": "LITTLE"},
    "another type's name": {"type": "signed short int"},
    "ras": {"space": "right-anterior-superior"},
    "las": {"space": "left-anterior-superior"},
    "ras in short": {"space": "RAS"},
    "a scanner's space": {"space": "scanner-xyz"},
    "a space of three dimensions": {"space": None, "space_dimension": "3"},
    "oblique": {"space_directions": "(0.6, 0.8, 0) (-1.6,1.2,0)  (0,0,3.0e0)"},
    "no origin": {"space_origin": None},
    "no directions": {"space_directions": None},
    "no kinds": {"kinds": None},
    "unknown kinds": {"kinds": "??? domain none"},
    "measurement frame": {"measurement_frame": "(1,0,0) (0,0,1) (0,1,0)"},
    "a list of one": {
        "dimension": "4",
        "sizes": "1 4 3 2",
        "kinds": "list domain domain domain",
        "space_directions": "none (1,0,0) (0,2,0) (0,0,3)",
    },
    "bytes before": {"byte_skip": "3", "data": b"abc" + BYTES},
    "bytes before, counted from the end": {"byte_skip": "-1", "data": b"abc" + BYTES},
    "lines before": {"line_skip": "2", "data": b"one\ntwo\n" + BYTES},
    "gzip": {"encoding": "gzip", "data": GZIP},
    "gzip in two parts": {"encoding": "gz", "data": gzip.compress(BYTES[:9]) + gzip.compress(BYTES[9:])},
    "gzip with bytes before": {"encoding": "gzip", "byte_skip": "3", "data": gzip.compress(b"abc" + BYTES)},
    "text": {"encoding": "ascii", "endian": None, "data": ", ".join(map(str, range(24))).encode()},
    "hex": {"encoding": "hex", "data": BYTES.hex().encode()},
    "bytes after": {"data": BYTES + b"xx"},
}
NO_SPACE = {"space": None, "space_directions": None, "space_origin": None}
SCALARS = {
    "no spacings": {},
    "spacings": {"spacings": "1 2 3"},
    "a spacing that is not finite": {"spacings": "1 nan 3"},
    "a negative spacing": {"spacings": "1 -2 3"},
    "the first cell's edge": {"spacings": "1 2 3", "axis_mins": "4 5 6"},
    "the first node": {"spacings": "1 2 3", "axis_mins": "4 5 6", "centers": "node node node"},
    "both edges": {"axis_mins": "4 5 6", "axis_maxs": "8 11 12"},
}


@pytest.mark.parametrize("what", [*NRRDS, *SCALARS])
def test_an_nrrd_is_read_and_written_as_itk_reads_it(tmp_path, what):
    fields = NRRDS[what] if what in NRRDS else NO_SPACE | SCALARS[what]
    check_as_itk(nrrd(tmp_path / "a.nrrd", **fields), tmp_path)


METAS = {
    "crlf": {"end": "\r\n"},
    "a turned matrix": {"TransformMatrix": "0 1 0 -1 0 0 0 0 1", "Offset": "5 6 7"},
    "other names": {"Orientation": "0 1 0 1 0 0 0 0 1", "Position": "5 6 7"},
    "a size for a spacing": {"ElementSpacing": None, "ElementSize": "1 2 3"},
    "a size beside a spacing": {"ElementSize": "9 9 9"},
    "a negative spacing": {"ElementSpacing": "1 -2 3"},
    "no byte order": {"BinaryDataByteOrderMSB": None},
    "big endian": {"BinaryDataByteOrderMSB": None, "ElementByteOrderMSB": "True", "data": BIG},
    "no binary data": {"BinaryData": None},
    "bytes before, counted from the end": {"HeaderSize": "-1", "data": b"abcd" + BYTES},
    "local": {"ElementDataFile": "Local"},
    "zlib": {"CompressedData": "True", "CompressedDataSize": str(len(ZLIB)), "data": ZLIB},
    "gzip": {"CompressedData": "True", "CompressedDataSize": str(len(GZIP)), "data": GZIP},
    "a free key": {"Site": "north: wing = 7"},
    "a modality": {"Modality": "MET_MOD_MR"},
    "bytes after": {"data": BYTES + b"xx"},
}  # fmt: skip


@pytest.mark.parametrize("what", METAS)
def test_a_meta_image_is_read_and_written_as_itk_reads_it(tmp_path, what):
    check_as_itk(meta(tmp_path / "a.mha", **METAS[what]), tmp_path)


def test_what_itk_cannot_read_is_read_as_the_format_says(tmp_path):
    nrrd(tmp_path / "a.nrrd", bz2.compress(BYTES), encoding="bzip2")
    meta(tmp_path / "a.mha", ZLIB, CompressedData="True")  # without its size ITK gives what lies in memory
    for name in ("a.nrrd", "a.mha"):
        image = read_image(tmp_path / name)
        np.testing.assert_array_equal(image.voxels, VOXELS)
        write_image(image, tmp_path / f"out_{name}")
        np.testing.assert_array_equal(as_itk_reads(tmp_path / f"out_{name}")[0], VOXELS)


def test_a_raw_nrrd_with_crlf_comes_back_byte_for_byte(tmp_path):
    source = nrrd(tmp_path / "a.nrrd", b"\n\n" * 24, end="\r\n", type="short")
    write_image(read_image(source), tmp_path / "b.nrrd")
    assert (tmp_path / "b.nrrd").read_bytes() == source.read_bytes()


BAD_NRRDS = {
    "an unknown field": {"colour": "red"},
    "two byte orders": {"endian": "little\nendian: big"},
    "a line that is not a field": {"endian": "little\nhello"},
    "no byte order": {"endian": None},
    "no type": {"type": None},
    "a block": {"type": "block", "block_size": "2"},
    "no sizes": {"sizes": None},
    "a size too few": {"sizes": "4 3"},
    "a negative size": {"sizes": "4 -3 2"},
    "a size of zero": {"sizes": "4 0 2"},
    "sizes beyond the file": {"sizes": "40000 30000 20000"},
    "sizes beyond all numbers": {"sizes": "999999999999999999 999999999999999999 999999999999999999"},
    "sizes of many digits": {"sizes": "9" * 5000 + " 3 2"},
    "no dimension": {"dimension": None},
    "dimension 100": {"dimension": "100"},
    "dimension -1": {"dimension": "-1"},
    "vectors that do not fit": {"space_directions": "(1,0) (0,2) (0,0)"},
    "a direction that is missing": {"space_directions": "none (0,2,0) (0,0,3)"},
    "parallel directions": {"space_directions": "(1,0,0) (1,0,0) (0,0,3)"},
    "an unknown space": {"space": "right-posterior-superior"},
    "a space of four axes": {"space": "left-posterior-superior-time"},
    "a nan": {"space_origin": "(nan,0,0)"},
    "no numbers": {"space_origin": "(a,b,c)"},
    "space and spacings": {"spacings": "1 2 3"},
    "three values a voxel": {"kinds": "RGB-color domain domain"},
    "an unknown encoding": {"encoding": "zrl"},
    "a huge skip": {"byte_skip": "99999999999"},
    "a negative skip": {"byte_skip": "-2"},
    "gzip that claims more than it contains": {"encoding": "gzip", "sizes": "400 30 2", "data": GZIP},
    "gzip cut short": {"encoding": "gzip", "data": GZIP[:-9]},
    "gzip with a wrong checksum": {"encoding": "gzip", "data": GZIP[:-8] + bytes(8)},
    "bzip2 that claims more than it contains": {"encoding": "bz2", "sizes": "400 30 2", "data": bz2.compress(BYTES)},
    "text of other words": {"encoding": "text", "data": b"one two " * 12},
    "text beyond the type": {"encoding": "text", "data": b"99999 " * 24},
    "hex of odd length": {"encoding": "hex", "data": BYTES.hex().encode()[:-1]},
    "line ends of CR": {"end": "\r"},
    "a field of CR": {"endian": "little\rencoding: gzip"},
    "an absolute data file": {"data_file": "/etc/passwd"},
    "a data file above": {"data_file": "../a.raw"},
    "a hidden way above": {"data_file": "sub/../../a.raw"},
    "a list with a file above": {"data_file": "LIST\n../a.raw"},
    "a pattern without end": {"data_file": "s%d.raw 0 999999999 1"},
    "a pattern of no step": {"data_file": "s%d.raw 1 2 0"},
    "a pattern that is wide": {"data_file": "s%999999999d.raw 1 2 1"},
    "a pattern of text": {"data_file": "s%s.raw 1 2 1"},
    "no data file": {"data_file": "missing.raw"},
    "an empty data file": {"data_file": ""},
    "a long data file": {"data_file": "%" * 500_000},
    "a long list of vectors": {"space_directions": "(1,0,0) " * 60_000 + "("},
}  # fmt: skip
BAD_METAS = {
    "100 dimensions": {"NDims": "100"},
    "-1 dimensions": {"NDims": "-1"},
    "0 dimensions": {"NDims": "0"},
    "a huge number of dimensions": {"NDims": "99999999999999999999"},
    "no dimensions": {"NDims": None},
    "sizes beyond the file": {"DimSize": "40000 30000 20000"},
    "a size too many": {"DimSize": "4 3 2 9"},
    "a size too few": {"DimSize": "4 3"},
    "a negative size": {"DimSize": "4 -3 2"},
    "a key in lower case": {"ElementSpacing": None, "elementspacing": "1 2 3"},
    "two offsets": {"Offset": "1 2 3", "Position": "4 5 6"},
    "a spacing of zero": {"ElementSpacing": "1 0 3"},
    "a spacing of words": {"ElementSpacing": "a b c"},
    "two channels": {"ElementNumberOfChannels": "2", "data": BYTES * 2},
    "an unknown type": {"ElementType": "MET_FLOAT_ARRAY"},
    "text": {"BinaryData": "False"},
    "a truth that is none": {"CompressedData": "perhaps"},
    "a header size in one file": {"HeaderSize": "4"},
    "a huge header size": {"HeaderSize": "99999999999", "ElementDataFile": "d.raw"},
    "a negative header size": {"HeaderSize": "-7", "ElementDataFile": "d.raw"},
    "compression that claims more than it contains": {"CompressedData": "True", "DimSize": "400 30 2", "data": ZLIB},
    "an absolute data file": {"ElementDataFile": "/etc/passwd"},
    "a data file above": {"ElementDataFile": "../a.raw"},
    "a list with a file above": {"ElementDataFile": "LIST\n../d.raw\nd.raw"},
    "a list that is too short": {"ElementDataFile": "LIST\nd.raw", "DimSize": "4 2 3"},
    "a pattern of text": {"ElementDataFile": "s%s.raw 1 2 1"},
    "a pattern that is wide": {"ElementDataFile": "s%999999999d.raw 1 2 1"},
    "a pattern without files": {"ElementDataFile": "s%d.raw 1 2 1"},
    "no data file": {"ElementDataFile": None, "data": b""},
    "a name that begins with LIST": {"ElementDataFile": "LISTED.raw"},
    "a folder for a data file": {"ElementDataFile": "."},
    "no text": {"Comment": "a\0b"},
    "a key of many spaces": {"a" + " " * 500_000: "x", " " * 400_000 + "y": "", "NDims": "100"},
    "a value of many spaces": {"Comment": " " * 900_000 + "x", "NDims": "100"},
    "a long data file": {"ElementDataFile": "%" * 500_000},
    "a long data file of numbers": {"ElementDataFile": "%d" + " 1" * 300_000},
    "a header without end": {"Comment": "x" * 2_000_000},
}  # fmt: skip


@pytest.mark.parametrize(
    ("make", "suffix", "fields"),
    [(nrrd, ".nrrd", case) for case in BAD_NRRDS.values()] + [(meta, ".mhd", case) for case in BAD_METAS.values()],
    ids=[f"nrrd: {what}" for what in BAD_NRRDS] + [f"meta: {what}" for what in BAD_METAS],
)  # fmt: skip
def test_a_header_that_cannot_be_meant_is_refused_in_one_sentence(tmp_path, make, suffix, fields):
    (tmp_path / "d.raw").write_bytes(BYTES[:-1])
    (tmp_path.parent / "a.raw").write_bytes(BYTES)
    path, start = make(tmp_path / f"a{suffix}", **{"data": BYTES} | fields), time.perf_counter()
    with pytest.raises(InputError, match=rf"a\{suffix}") as error:
        read_image(path)
    assert "\n" not in str(error.value)
    assert len(str(error.value).replace(str(tmp_path), "")) < 300
    assert time.perf_counter() - start < 5


def parts(folder, names):
    for n, name in enumerate(names):
        share = len(BYTES) // len(names)
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(BYTES[n * share : (n + 1) * share])


DETACHED = {
    "beside": (["d.raw"], "d.raw", "d.raw"),
    "in a folder below": (["below/d.raw"], "below/d.raw", "./below/d.raw"),
    "a name with spaces": (["the voxels of a.raw"], "the voxels of a.raw", "the voxels of a.raw"),
    "a name with a per cent sign": (["scan(%Max=5).raw"], "scan(%Max=5).raw", "scan(%Max=5).raw"),
    "a name like a pattern": (["s%d.raw"], "s%d.raw", "s%d.raw"),
    "a name that begins with LIST": (["LISTED.raw"], "LISTED.raw", "LISTED.raw"),
    "a list": (["one.raw", "two.raw"], "LIST\none.raw\ntwo.raw", "LIST\none.raw\ntwo.raw"),
    "a list of planes": (["one.raw", "two.raw"], "LIST 2D\none.raw\ntwo.raw", "LIST 2\none.raw\ntwo.raw"),
    "a pattern": (["s07.raw", "s09.raw"], "s%02d.raw 7 9 2", "s%02d.raw 7 9 2"),
    "a pattern that counts down": (["s2.raw", "s1.raw"], "s%d.raw 2 1 -1", "s%d.raw 2 1 -1"),
}


@pytest.mark.parametrize("what", DETACHED)
@pytest.mark.parametrize("kind", ["meta", "nrrd"])
def test_voxels_in_other_files_are_read_from_there(tmp_path, what, kind):
    names, for_meta, for_nrrd = DETACHED[what]
    parts(tmp_path, names)
    if kind == "meta":
        path = meta(tmp_path / "a.mhd", b"", ElementDataFile=for_meta)
    else:
        path = nrrd(tmp_path / "a.nrrd", b"", end="\r\n", data_file=for_nrrd)
    image = read_image(path)
    np.testing.assert_array_equal(image.voxels, VOXELS)
    for suffix in (".mha", ".mhd", ".nrrd"):
        write_image(image, tmp_path / f"out{suffix}")
        np.testing.assert_array_equal(as_itk_reads(tmp_path / f"out{suffix}")[0], VOXELS)


@settings(max_examples=25, deadline=None)
@given(
    angles=st.tuples(*[st.floats(-3, 3)] * 3),
    spacing=st.tuples(*[st.floats(0.1, 9)] * 3),
    origin=st.tuples(*[st.floats(-500, 500)] * 3),
    suffix=st.sampled_from([".nrrd", ".mha", ".nii"]),
)
def test_a_place_that_we_write_is_the_place_that_itk_reads(tmp_path_factory, angles, spacing, origin, suffix):
    from monai_inpaint.imaging.image import Image

    (a, b, c), affine = angles, np.eye(4)
    about_z = [[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]]
    about_x = [[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]]
    about_y = [[np.cos(c), 0, np.sin(c)], [0, 1, 0], [-np.sin(c), 0, np.cos(c)]]
    affine[:3, :3] = np.array(about_z) @ about_x @ about_y @ np.diag(spacing)
    affine[:3, 3] = origin
    path = tmp_path_factory.mktemp("place") / f"a{suffix}"
    write_image(Image(VOXELS, affine), path)
    voxels, seen = as_itk_reads(path)
    np.testing.assert_array_equal(voxels, VOXELS)
    np.testing.assert_allclose(seen, affine, atol=1e-3 if suffix == ".nii" else 1e-9)
