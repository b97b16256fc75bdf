from __future__ import annotations

import gzip
import struct

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from io_samples import DERIVED, oblique_affine, random_voxels

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.io import read_image, write_image

DTYPES = ("uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "float32", "float64")


def nifti(path, shape=(5, 4, 3), dtype="int16", *, kind=nib.Nifti1Image, endian="<", slope=None):
    header = kind.header_class(endianness=endian)
    header.set_data_dtype(np.dtype(dtype).newbyteorder(endian))
    image = kind(random_voxels(shape, dtype), oblique_affine(), header)
    image.header.set_qform(oblique_affine(), code=3)
    image.header.set_sform(oblique_affine(), code=2)
    image.header.set_xyzt_units("mm", "msec")
    image.header["descrip"] = b"scanner says hello"
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"a comment"))
    if slope:
        image.header.set_slope_inter(*slope)
    nib.save(image, path)
    return path


def payload(path):
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("endian", ["<", ">"])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_a_round_trip_keeps_every_byte(tmp_path, kind, endian, name):
    source = nifti(tmp_path / name, kind=kind, endian=endian, slope=(0.5, -1024.0))
    image = read_image(source)
    write_image(image, tmp_path / f"out_{name}")
    assert payload(source) == payload(tmp_path / f"out_{name}")
    assert image.voxels.dtype == np.int16
    assert (image.slope, image.intercept) == (0.5, -1024.0)
    np.testing.assert_allclose(image.units(), nib.load(source).get_fdata(), rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 6), (4, 5, 6, 1), (4, 5, 1)])
def test_all_dtypes_and_shapes_come_back(tmp_path, dtype, shape):
    source = nifti(tmp_path / "a.nii", shape, dtype)
    image = read_image(source)
    assert image.voxels.shape == (shape[:3] if len(shape) > 2 else shape[::-1])  # 2D: (rows, columns)
    write_image(image, tmp_path / "b.nii")
    assert payload(source) == payload(tmp_path / "b.nii")


@settings(max_examples=25, deadline=None)
@given(
    dtype=st.sampled_from(DTYPES),
    angles=st.tuples(*[st.floats(-3, 3)] * 3),
    spacing=st.tuples(*[st.floats(0.1, 9)] * 3),
    origin=st.tuples(*[st.floats(-500, 500)] * 3),
    slope=st.sampled_from([None, (2.0, 0.0), (0.25, -7.0)]),
)
def test_any_geometry_and_scale_come_back(tmp_path_factory, dtype, angles, spacing, origin, slope):
    folder = tmp_path_factory.mktemp("geometry")
    turn = nib.eulerangles.euler2mat(*angles)
    affine = nib.affines.from_matvec(turn @ np.diag(spacing), origin)
    image = nib.Nifti1Image(random_voxels((3, 4, 2), dtype), affine, dtype=dtype)
    if slope:
        image.header.set_slope_inter(*slope)
    nib.save(image, folder / "a.nii")
    read = read_image(folder / "a.nii")
    write_image(read, folder / "b.nii")
    assert payload(folder / "a.nii") == payload(folder / "b.nii")
    np.testing.assert_allclose(read.affine, affine, atol=1e-3)


def test_a_changed_voxel_changes_nothing_else(tmp_path):
    image = read_image(nifti(tmp_path / "a.nii.gz", slope=(0.5, 3.0)))
    voxels = image.voxels.copy()
    voxels[1, 2, 1] = 77
    write_image(image.with_voxels(voxels), tmp_path / "b.nii.gz", derived=DERIVED)
    a, b = nib.load(tmp_path / "a.nii.gz"), nib.load(tmp_path / "b.nii.gz")
    assert (np.asarray(a.dataobj.get_unscaled() != b.dataobj.get_unscaled())).sum() == 1
    assert b"filled" in b.header["descrip"].item()
    assert b.header.get_sform(coded=True)[1] == 2
    assert len(b.header.extensions) == 1


def test_an_array_without_header_gets_its_geometry_and_scale(tmp_path):
    voxels = random_voxels((3, 4, 5), "int16")
    write_image(Image(voxels, oblique_affine(), slope=2.0, intercept=-10.0), tmp_path / "a.nii.gz")
    back = nib.load(tmp_path / "a.nii.gz")
    np.testing.assert_allclose(back.affine, oblique_affine(), atol=1e-5)
    np.testing.assert_array_equal(back.get_fdata(), voxels * 2.0 - 10)


def test_float_voxels_under_an_integer_header_are_kept(tmp_path):
    image = read_image(nifti(tmp_path / "a.nii", slope=(0.5, 3.0)))
    difference = random_voxels(image.voxels.shape, "float32")
    write_image(Image(difference, image.affine, header=image.header), tmp_path / "d.nii")
    np.testing.assert_array_equal(read_image(tmp_path / "d.nii").units(), difference)


def test_micrometres_become_millimetres(tmp_path):
    image = nib.Nifti1Image(np.zeros((2, 2, 2), np.uint8), np.diag([50.0, 50.0, 100.0, 1.0]))
    image.header.set_xyzt_units("micron")
    nib.save(image, tmp_path / "a.nii")
    assert read_image(tmp_path / "a.nii").spacing == pytest.approx((0.05, 0.05, 0.1))


def bad_files(folder):
    good = nifti(folder / "good.nii").read_bytes()
    packed = nifti(folder / "good.nii.gz", (40, 40, 3)).read_bytes()
    (folder / "cut.nii").write_bytes(good[:-7])
    (folder / "cut_header.nii").write_bytes(good[:200])
    (folder / "cut.nii.gz").write_bytes(packed[: len(packed) // 2])
    (folder / "cut_checksum.nii.gz").write_bytes(packed[:-4])
    (folder / "text.nii").write_text("hello " * 200)
    (folder / "text.nii.gz").write_text("hello " * 200)
    (folder / "packed.nii").write_bytes(packed)
    (folder / "empty.nii").write_bytes(b"")
    eye = np.eye(4)
    nib.save(nib.Nifti1Image(np.zeros((3, 3, 3, 2), np.int16), eye), folder / "4d.nii")
    nib.save(nib.Nifti1Image(np.zeros((3, 3, 3, 1, 3), np.float32), eye), folder / "vector.nii")
    nib.save(nib.Nifti1Image(np.zeros((3, 3, 3), np.complex64), eye), folder / "complex.nii")
    nib.save(nib.Nifti1Image(np.zeros((3, 3, 3), [("R", "u1"), ("G", "u1"), ("B", "u1")]), eye), folder / "rgb.nii")
    flat = bytearray(good)
    flat[280:328] = bytes(48)  # srow_x, srow_y, srow_z
    flat[252:254] = bytes(2)  # qform_code
    (folder / "flat.nii").write_bytes(flat)


BAD = [
    "cut.nii",
    "cut_header.nii",
    "cut.nii.gz",
    "cut_checksum.nii.gz",
    "text.nii",
    "text.nii.gz",
    "packed.nii",
    "empty.nii",
    "4d.nii",
    "vector.nii",
    "complex.nii",
    "rgb.nii",
    "flat.nii",
    "missing.nii",
]


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused_with_a_sentence_that_names_them(tmp_path, name):
    bad_files(tmp_path)
    with pytest.raises(InputError, match=name.replace(".", r"\.")) as error:
        read_image(tmp_path / name)
    assert "\n" not in str(error.value)


def patched(path, offset, form, *values):
    """A file with some bytes of its header replaced."""
    content = bytearray(path.read_bytes())
    struct.pack_into(form, content, offset, *values)
    path.write_bytes(content)
    return path


def by_qform(path, affine=None):
    """An image placed by its qform only."""
    image = nib.Nifti1Image(random_voxels((5, 4, 3), "int16"), None)
    image.set_qform(oblique_affine() if affine is None else affine, code=1)
    nib.save(image, path)
    return path


QFAC, PIXDIM, OFFSET, SFORM_CODE, QUATERNION, SROW = 76, 80, 108, 254, 256, 280
REPAIRS = {
    "a qfac of 0": (QFAC, "<f", 0.0),
    "a qfac of 2": (QFAC, "<f", 2.0),
    "a negative pixel size": (PIXDIM, "<f", -0.7),
    "negative pixel sizes": (PIXDIM, "<3f", -0.7, -0.8, -2.5),
    "a pixel size of 0": (PIXDIM + 8, "<f", 0.0),
    "a quaternion rounded above 1": (QUATERNION, "<3f", 0.5775, 0.5775, 0.5775),
    "a half turn rounded above 1": (QUATERNION, "<3f", 0.0, 0.0, 1.0000002),
}


@pytest.mark.parametrize("what", REPAIRS)
def test_a_header_that_other_readers_take_is_read_as_they_do_and_kept(tmp_path, capfd, what):
    path = patched(by_qform(tmp_path / "a.nii"), *REPAIRS[what])
    image = read_image(path)
    write_image(image, tmp_path / "b.nii")
    assert (tmp_path / "b.nii").read_bytes() == path.read_bytes()
    assert capfd.readouterr() == ("", "")
    itk = sitk.ReadImage(str(path))
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(itk.GetDirection(), (3, 3)) * itk.GetSpacing()
    affine[:3, 3] = itk.GetOrigin()
    # a negative size is a flip for ITK, and its absolute value for FSL and nibabel
    flipped = "negative" in what
    seen = image.other_affine if flipped else image.affine
    np.testing.assert_allclose(seen, np.diag([-1, -1, 1, 1]) @ affine, atol=1e-4)
    if flipped:
        np.testing.assert_allclose(image.affine, nib.load(path).affine, atol=1e-4)


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_an_sform_that_was_never_filled_in_gives_way_to_the_qform(tmp_path, value):
    path = patched(by_qform(tmp_path / "a.nii"), SFORM_CODE, "<h", 1)
    image = read_image(patched(path, SROW, "<12f", *[value] * 12))
    np.testing.assert_allclose(image.affine, oblique_affine(), atol=1e-4)
    assert image.other_affine is None
    write_image(image, tmp_path / "b.nii")
    assert (tmp_path / "b.nii").read_bytes() == path.read_bytes()


def test_a_negative_pixel_size_beside_an_sform_says_nothing_on_stderr(tmp_path, capfd):
    image = read_image(patched(nifti(tmp_path / "a.nii"), PIXDIM, "<f", -0.7))
    np.testing.assert_allclose(image.affine, oblique_affine(), atol=1e-5)
    assert capfd.readouterr() == ("", "")


def test_the_second_form_is_reported_where_it_differs(tmp_path):
    sform, qform = oblique_affine(), oblique_affine()
    sform[:3, 3] += [12, -5, 6]
    image = nib.Nifti1Image(random_voxels((5, 4, 3), "int16"), None)
    image.set_sform(sform, 2)
    image.set_qform(qform, 1)
    nib.save(image, tmp_path / "a.nii")
    read = read_image(tmp_path / "a.nii")
    np.testing.assert_allclose(read.affine, sform, atol=1e-5)
    np.testing.assert_allclose(read.other_affine, qform, atol=1e-5)
    assert read_image(nifti(tmp_path / "b.nii")).other_affine is None
    image.header["sform_code"] = 0
    nib.save(image, tmp_path / "c.nii")
    assert read_image(tmp_path / "c.nii").other_affine is None
    image.header["qform_code"] = 0
    nib.save(image, tmp_path / "d.nii")
    read = read_image(tmp_path / "d.nii")
    assert read.other_affine is None
    np.testing.assert_allclose(read.affine, nib.load(tmp_path / "d.nii").affine)


@pytest.mark.parametrize("codes", [(2, 1), (0, 1), (3, 0), (0, 0)])
def test_a_map_lies_where_its_source_lies_in_every_form(tmp_path, codes):
    source = nib.Nifti1Image(random_voxels((5, 4, 3), "int16"), None)
    moved = oblique_affine()
    moved[:3, 3] += [12, -5, 6]
    source.set_sform(moved, codes[0])
    source.set_qform(oblique_affine(), codes[1])
    source.header["sform_code"], source.header["qform_code"] = codes
    source.header.set_slope_inter(0.5, -1024)
    source.header["descrip"], source.header["cal_max"] = b"scanner says hello", 90
    nib.save(source, tmp_path / "a.nii.gz")
    image = read_image(tmp_path / "a.nii.gz")
    for values in (random_voxels((5, 4, 3), "float32"), random_voxels((5, 4, 3), "uint8"), image.voxels):
        write_image(image.map_of(values), tmp_path / "map.nii.gz", overwrite=True)
        a, b = nib.load(tmp_path / "a.nii.gz").header, nib.load(tmp_path / "map.nii.gz").header
        for name in ("sform_code", "qform_code", "srow_x", "srow_y", "srow_z", "quatern_b", "quatern_c", "quatern_d",
                     "qoffset_x", "qoffset_y", "qoffset_z", "pixdim", "xyzt_units"):  # fmt: skip
            np.testing.assert_array_equal(a[name], b[name], err_msg=name)
        assert (b["descrip"].item(), b["cal_max"]) == (b"", 0)
        np.testing.assert_array_equal(nib.load(tmp_path / "map.nii.gz").get_fdata(), values)


def test_an_extension_without_padding_comes_back_as_it_was(tmp_path, capfd):
    path = nifti(tmp_path / "plain.nii")
    content = path.read_bytes()
    voxels = content[-5 * 4 * 3 * 2 :]
    head = bytearray(content[:348])
    struct.pack_into("<f", head, OFFSET, 372.0)
    note = struct.pack("<2i", 20, 6) + b"a short note"
    (tmp_path / "a.nii").write_bytes(bytes(head) + bytes([1, 0, 0, 0]) + note + voxels)
    write_image(read_image(tmp_path / "a.nii"), tmp_path / "b.nii")
    assert (tmp_path / "a.nii").read_bytes() == (tmp_path / "b.nii").read_bytes()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("offset", [0.0, 4.0, 347.0, 348.0, 351.0, -352.0, 352.5, 1e9, 1e30, np.nan, np.inf])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_voxels_that_would_begin_within_the_header_or_nowhere_are_refused(tmp_path, offset, name):
    path = patched(nifti(tmp_path / "plain.nii"), OFFSET, "<f", offset)
    content = path.read_bytes()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    with pytest.raises(InputError, match=r"vox_offset|cut short"):
        read_image(tmp_path / name)


@pytest.mark.parametrize("cut", [1, 100, 348, 351, 360])
def test_a_gzip_of_several_parts_is_one_file(tmp_path, cut):
    content = nifti(tmp_path / "a.nii").read_bytes()
    (tmp_path / "b.nii.gz").write_bytes(gzip.compress(content[:cut]) + gzip.compress(content[cut:]) + bytes(512))
    np.testing.assert_array_equal(read_image(tmp_path / "b.nii.gz").voxels, read_image(tmp_path / "a.nii").voxels)


def test_a_gzip_that_goes_on_for_ever_is_refused(tmp_path):
    content = nifti(tmp_path / "a.nii").read_bytes()
    (tmp_path / "b.nii.gz").write_bytes(gzip.compress(content + bytes(1 << 26)))
    with pytest.raises(InputError, match="longer than its header"):
        read_image(tmp_path / "b.nii.gz")


def test_a_claim_beyond_the_memory_of_the_machine_is_refused(tmp_path, monkeypatch):
    from monai_inpaint.io import stored

    monkeypatch.setattr(stored, "_memory", lambda: 100)
    with pytest.raises(InputError, match="more than the memory"):
        read_image(nifti(tmp_path / "a.nii"))
