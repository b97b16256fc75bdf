from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
import tifffile
from io_samples import DERIVED, random_voxels
from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.io import read_image, write_image


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_png_comes_back_with_its_texts_and_resolution(tmp_path, dtype):
    voxels = random_voxels((6, 9), dtype)
    texts = PngInfo()
    texts.add_text("Laterality", "L")
    Pillow.fromarray(voxels).save(tmp_path / "a.png", pnginfo=texts, dpi=(254, 254))
    image = read_image(tmp_path / "a.png")
    assert image.voxels.dtype == np.dtype(dtype)
    assert image.affine is None
    write_image(image, tmp_path / "b.png", derived=DERIVED)
    first, second = Pillow.open(tmp_path / "a.png"), Pillow.open(tmp_path / "b.png")
    np.testing.assert_array_equal(np.asarray(second), voxels)
    assert (second.mode, second.info["dpi"], second.info["Laterality"]) == (first.mode, first.info["dpi"], "L")
    assert "Region filled" in second.info["Derived"]


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float16", "float32", "float64"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_tiff_comes_back(tmp_path, dtype, byteorder, compression):
    voxels = random_voxels((6, 9), dtype)
    tifffile.imwrite(
        tmp_path / "a.tif", voxels, byteorder=byteorder, photometric="miniswhite", compression=compression,
        resolution=(100, 50), resolutionunit=3, description="left hand", metadata=None,
    )  # fmt: skip
    image = read_image(tmp_path / "a.tif")
    assert image.inverted
    assert image.voxels.dtype == np.dtype(dtype)
    assert image.voxels.dtype.isnative
    write_image(image, tmp_path / "b.tif", derived=DERIVED)
    np.testing.assert_array_equal(read_image(tmp_path / "b.tif").voxels, voxels)
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        tags = file.pages[0].tags
        assert file.pages[0].photometric == 0
        assert tags[282].value == (100, 1)
        assert tags[296].value == 3
        assert tags[270].value == "left hand"
        assert "Region filled" in tags[305].value


def test_lzw_and_bilevel_tiffs_are_read(tmp_path):
    voxels = random_voxels((6, 9), "uint16")
    tifffile.imwrite(tmp_path / "lzw.tif", voxels, compression="lzw", photometric="minisblack")
    np.testing.assert_array_equal(read_image(tmp_path / "lzw.tif").voxels, voxels)
    Pillow.fromarray(voxels > 30000).save(tmp_path / "fax.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "fax.tif").voxels != 0, voxels > 30000)


def grey(shape=(8, 9)):
    return random_voxels(shape, "uint8")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P"])
def test_pictures_with_equal_channels_are_grey(tmp_path, mode):
    Pillow.fromarray(grey()).convert(mode).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").voxels, grey())
    tifffile.imwrite(tmp_path / "a.tif", np.stack([grey()] * 3, axis=-1), photometric="rgb")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").voxels, grey())


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".webp"])
def test_lossy_pictures_are_read_and_never_written(tmp_path, suffix):
    smooth = np.add.outer(np.arange(32), np.arange(48)).astype(np.uint8)
    Pillow.fromarray(smooth).save(tmp_path / f"a{suffix}", quality=95)
    image = read_image(tmp_path / f"a{suffix}")
    assert np.abs(image.voxels.astype(int) - smooth).max() < 6
    with pytest.raises(InputError, match="lossy"):
        write_image(image, tmp_path / f"b{suffix}")
    assert len(list(tmp_path.iterdir())) == 1


def test_a_photo_lies_as_it_is_shown(tmp_path):
    exif = Pillow.Exif()
    exif[274] = 6
    Pillow.fromarray(grey((8, 20))).save(tmp_path / "a.jpg", exif=exif)
    assert read_image(tmp_path / "a.jpg").voxels.shape == (20, 8)


def test_an_inverted_film_is_turned_for_png(tmp_path):
    voxels = random_voxels((6, 9), "uint16") // 16
    write_image(Image(voxels, inverted=True, stored_range=(0, 4095)), tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").voxels, 4095 - voxels)


def bad_files(folder):
    noise = random_voxels((60, 60), "uint8")
    colour = random_voxels((8, 9, 3), "uint8")
    clear = np.stack([grey(), grey(), grey(), grey()], axis=-1)
    for name in ("cut.png", "cut.jpg", "cut.webp", "cut.tif", "cut_packed.tif"):
        target = folder / name
        if name.endswith("tif"):
            tifffile.imwrite(target, noise, compression="zlib" if "packed" in name else None)
        else:
            Pillow.fromarray(noise).save(target)
        target.write_bytes(target.read_bytes()[: target.stat().st_size * 2 // 3])
    for suffix in ("png", "jpg", "tif", "webp"):
        (folder / f"text.{suffix}").write_text("hello " * 100)
        (folder / f"empty.{suffix}").write_bytes(b"")
    Pillow.fromarray(colour).save(folder / "colour.png")
    Pillow.fromarray(colour).save(folder / "colour.jpg")
    Pillow.fromarray(colour).convert("P").save(folder / "palette.png")
    Pillow.fromarray(clear).save(folder / "alpha.png")
    Pillow.fromarray(grey()).save(folder / "shade.png", transparency=3)
    tifffile.imwrite(folder / "colour.tif", colour, photometric="rgb")
    tifffile.imwrite(folder / "alpha.tif", clear, photometric="rgb", extrasamples=["unassalpha"])
    tifffile.imwrite(folder / "pages.tif", random_voxels((5, 8, 9), "uint16"), photometric="minisblack")
    tifffile.imwrite(folder / "complex.tif", np.ones((8, 9), np.complex64), photometric="minisblack")
    frames = [Pillow.fromarray(grey()), Pillow.fromarray(255 - grey())]
    frames[0].save(folder / "moving.png", save_all=True, append_images=frames[1:])


BAD = [
    "cut.png",
    "cut.jpg",
    "cut.webp",
    "cut.tif",
    "cut_packed.tif",
    "text.png",
    "text.jpg",
    "text.tif",
    "text.webp",
    "empty.png",
    "empty.tif",
    "colour.png",
    "colour.jpg",
    "palette.png",
    "alpha.png",
    "shade.png",
    "colour.tif",
    "alpha.tif",
    "pages.tif",
    "complex.tif",
    "moving.png",
]


@pytest.mark.parametrize("name", BAD)
def test_bad_pictures_are_refused_with_a_sentence_that_names_them(tmp_path, name):
    bad_files(tmp_path)
    with pytest.raises(InputError, match=name) as error:
        read_image(tmp_path / name)
    assert "\n" not in str(error.value)


def test_16_bit_colour_is_refused_rather_than_rounded(tmp_path):

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 2, 2, 16, 2, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x12\x34" * 6) * 2)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(png)
    with pytest.raises(InputError, match="16-bit"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize(
    "voxels", [np.zeros((3, 4), np.int16), np.zeros((3, 4), np.float32), np.zeros((3, 4, 5), np.uint8)]
)
def test_what_a_png_cannot_hold_is_refused(tmp_path, voxels):
    with pytest.raises(InputError, match=r"a\.png"):
        write_image(Image(voxels), tmp_path / "a.png")
    assert not list(tmp_path.iterdir())
