from __future__ import annotations

import gc
import gzip
import re
import zlib

import numpy as np
import pytest
import SimpleITK as sitk
from io_samples import DERIVED, oblique_affine, random_voxels

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.io import read_image, write_image

SUFFIXES = (".nrrd", ".mha", ".mhd")
DTYPES = ("uint8", "int8", "int16", "uint16", "int32", "float32", "float64")


def itk(path, dtype="int16", shape=(6, 5, 4), compressed=False):
    image = sitk.GetImageFromArray(random_voxels(shape, dtype))
    if len(shape) == 3:
        affine = oblique_affine()
        spacing = np.linalg.norm(affine[:3, :3], axis=0)
        image.SetDirection((affine[:3, :3] / spacing).ravel().tolist())
        image.SetSpacing(spacing.tolist())
        image.SetOrigin(affine[:3, 3].tolist())
    image.SetMetaData("Site", "north wing")
    sitk.WriteImage(image, str(path), useCompression=compressed)
    return path


def unpacked(path):
    """A file's bytes, its voxels unpacked; without the size of what was packed."""
    content = path.read_bytes()
    if path.suffix == ".zraw":
        return zlib.decompress(content)
    if path.suffix == ".nrrd":
        head, end, data = content.partition(b"\n\n")
        return head + end + (gzip.decompress(data) if b"encoding: gzip" in head else data)
    head, end, data = content.partition(b"ElementDataFile = LOCAL\n")
    packed = b"CompressedData = True" in head and end
    return re.sub(rb"CompressedDataSize = \d+", b"", head) + end + (zlib.decompress(data) if packed else data)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("compressed", [False, True])
def test_a_round_trip_keeps_the_file(tmp_path, suffix, dtype, compressed):
    source = itk(tmp_path / f"a{suffix}", dtype, compressed=compressed)
    (tmp_path / "out").mkdir()
    write_image(read_image(source), tmp_path / "out" / f"a{suffix}")
    names = sorted(path.name for path in tmp_path.iterdir() if path.is_file())
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    for name in names:
        assert unpacked(tmp_path / name) == unpacked(tmp_path / "out" / name)


def test_axes_and_affine_agree_with_the_points_of_itk(tmp_path):
    image = read_image(itk(tmp_path / "a.nrrd"))
    source = sitk.ReadImage(str(tmp_path / "a.nrrd"))
    assert image.voxels.shape == (4, 5, 6)
    assert image.voxels[3, 1, 2] == source[3, 1, 2]
    point = np.array(source.TransformIndexToPhysicalPoint((3, 1, 2))) * [-1, -1, 1]
    np.testing.assert_allclose((image.affine @ [3, 1, 2, 1])[:3], point)


def test_nrrd_and_meta_image_turn_into_each_other(tmp_path):
    image = read_image(itk(tmp_path / "a.nrrd"))
    write_image(image, tmp_path / "b.mha")
    write_image(read_image(tmp_path / "b.mha"), tmp_path / "c.nrrd")
    back = read_image(tmp_path / "c.nrrd")
    np.testing.assert_array_equal(back.voxels, image.voxels)
    np.testing.assert_allclose(back.affine, image.affine, rtol=1e-12)
    assert back.header.metadata["Site"] == "north wing"


@pytest.mark.parametrize("endian", ["little", "big"])
@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 6)])
def test_nrrd_of_either_byte_order_comes_back_byte_for_byte(tmp_path, endian, shape):
    voxels = random_voxels(shape, "int16")
    sizes = " ".join(map(str, shape[::-1]))
    head = f"NRRD0004\ntype: short\ndimension: {len(shape)}\nsizes: {sizes}\nencoding: raw\nendian: {endian}\n\n"
    data = voxels.astype(voxels.dtype.newbyteorder("<" if endian == "little" else ">")).tobytes()
    (tmp_path / "a.nrrd").write_bytes(head.encode() + data)
    image = read_image(tmp_path / "a.nrrd")
    np.testing.assert_array_equal(image.voxels, voxels if len(shape) == 2 else voxels.T)
    write_image(image, tmp_path / "b.nrrd")
    assert (tmp_path / "a.nrrd").read_bytes() == (tmp_path / "b.nrrd").read_bytes()


def test_2d_stays_rows_and_columns(tmp_path):
    image = read_image(itk(tmp_path / "a.mha", "uint8", (7, 9)))
    assert image.voxels.shape == (7, 9)
    write_image(image, tmp_path / "b.mha")
    assert (tmp_path / "a.mha").read_bytes() == (tmp_path / "b.mha").read_bytes()


def test_voxels_outlive_the_image_they_came_with(tmp_path):
    voxels = read_image(itk(tmp_path / "a.nrrd", "int16", (60, 50, 40))).voxels
    gc.collect()
    np.testing.assert_array_equal(voxels.T, random_voxels((60, 50, 40), "int16"))


def test_nrrd_fields_and_keys_are_kept(tmp_path):
    voxels = random_voxels((4, 5, 6), "int16")
    head = (
        "NRRD0004\ntype: short\ndimension: 3\nspace: right-anterior-superior\nsizes: 6 5 4\n"
        "space directions: (0.7,0,0) (0,0.8,0) (0,0,2.5)\nkinds: domain domain domain\nendian: little\nencoding: raw\n"
        'space origin: (1,2,3)\ncontent: "head"\nmeasurement frame: (1,0,0) (0,0,1) (0,1,0)\nStation:=seven\n\n'
    )
    (tmp_path / "a.nrrd").write_bytes(head.encode() + voxels.tobytes())
    image = read_image(tmp_path / "a.nrrd")
    np.testing.assert_allclose(image.affine[:3, 3], [1, 2, 3])
    write_image(image, tmp_path / "b.nrrd", derived=DERIVED)
    written = (tmp_path / "b.nrrd").read_bytes()
    for text in (b"content: ", b"Station:=seven", b"measurement frame: (1,0,0) (0,0,1) (0,1,0)", b"Region filled"):
        assert text in written
    np.testing.assert_array_equal(read_image(tmp_path / "b.nrrd").affine, image.affine)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_scaled_images_are_written_in_units(tmp_path, suffix):
    voxels = random_voxels((3, 4, 5), "int16") // 8
    image = Image(voxels, oblique_affine(), slope=2.0, intercept=-1024.0)
    write_image(image, tmp_path / f"a{suffix}")
    back = read_image(tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(back.voxels, voxels * 2 - 1024)
    assert back.voxels.dtype == np.int16
    np.testing.assert_allclose(back.affine, oblique_affine(), atol=1e-6)


def test_one_slice_in_space_keeps_its_place(tmp_path):
    voxels = random_voxels((4, 7), "int16")
    write_image(Image(voxels, oblique_affine()), tmp_path / "a.nrrd")
    back = read_image(tmp_path / "a.nrrd")
    assert back.voxels.shape == (7, 4, 1)
    np.testing.assert_allclose((back.affine @ [6, 2, 0, 1]), oblique_affine() @ [2, 6, 0, 1])


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("damage", ["cut", "text", "empty", "cut_packed"])
def test_damaged_files_are_refused(tmp_path, suffix, damage):
    path = itk(tmp_path / f"a{suffix}", compressed=damage == "cut_packed", shape=(20, 20, 20))
    data = max(tmp_path.iterdir(), key=lambda item: item.stat().st_size)
    if damage.startswith("cut"):
        data.write_bytes(data.read_bytes()[:-500])
    else:
        path.write_text("hello " * 100 if damage == "text" else "")
    with pytest.raises(InputError, match=path.name):
        read_image(path)


def test_an_mhd_without_its_voxels_is_refused(tmp_path):
    path = itk(tmp_path / "a.mhd")
    (tmp_path / "a.raw").unlink()
    with pytest.raises(InputError, match=r"a\.mhd lacks its data file a\.raw"):
        read_image(path)


def test_colour_complex_and_4d_are_refused(tmp_path):
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((4, 4, 4, 3), np.uint8), isVector=True), str(tmp_path / "rgb.nrrd"))
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((2, 4, 4, 4), np.uint8), isVector=False), str(tmp_path / "4d.nrrd"))
    for name in ("rgb.nrrd", "4d.nrrd"):
        with pytest.raises(InputError, match=name):
            read_image(tmp_path / name)
