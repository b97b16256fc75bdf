from __future__ import annotations

import gzip

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from io_samples import DERIVED, oblique_affine, random_voxels

from monai_inpaint.errors import InputError
from monai_inpaint.images import Image
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
