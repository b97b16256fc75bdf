"""Which files an image consists of: none of them is overwritten, and only regular files beside the header are read."""

from __future__ import annotations

import os

import numpy as np
import pytest
from header_samples import BYTES, VOXELS, meta, nrrd
from io_samples import dicom_series, enhanced_ct

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.io import files_of, is_detached, read_image, write_image
from monai_inpaint.jobs.outputs import Target, check_targets


def detached(folder, named, kind="meta"):
    """A header whose voxels lie in files that are called like outputs."""
    if kind == "meta":
        return meta(folder / "scan.mhd", b"", ElementDataFile=named)
    return nrrd(folder / "scan.nrrd", b"", data_file=named)


LAYOUTS = {
    "beside": (["out.raw"], "out.raw"),
    "in the header's own folder": (["out.raw"], "./out.raw"),
    "packed": (["out.zraw"], "out.zraw"),
    "under the name of an image": (["out.nii"], "out.nii"),
    "in a folder below": (["below/out.raw"], "below/out.raw"),
    "a list": (["out.nii", "two.raw"], "LIST\nout.nii\ntwo.raw"),
    "a pattern": (["out1.nii", "out2.nii"], "out%d.nii 1 2 1"),
}


@pytest.mark.parametrize("kind", ["meta", "nrrd"])
@pytest.mark.parametrize("what", LAYOUTS)
def test_the_files_with_an_input_s_voxels_are_never_overwritten(tmp_path, what, kind):
    names, named = LAYOUTS[what]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(bytes(len(BYTES) // len(names)))
    header = detached(tmp_path, named, kind)
    assert files_of(header) == [header, *(tmp_path / name for name in names)]
    assert is_detached(header)
    target = (tmp_path / names[0]).with_suffix(".mhd" if names[0].endswith("raw") else ".nii")
    with pytest.raises(InputError, match="is an input"):
        check_targets([Target(target)], [tmp_path / "image.nii", header], overwrite=True)
    with pytest.raises(InputError, match="is an input"):
        write_image(read_image(header), target, overwrite=True)


@pytest.mark.parametrize("link", ["symbolic", "hard"])
def test_an_input_behind_a_link_is_not_overwritten(tmp_path, link):
    (tmp_path / "voxels").mkdir()
    (tmp_path / "voxels" / "v.raw").write_bytes(BYTES)
    if link == "symbolic":
        (tmp_path / "a.raw").symlink_to(tmp_path / "voxels" / "v.raw")
    else:
        os.link(tmp_path / "voxels" / "v.raw", tmp_path / "a.raw")
    image = read_image(detached(tmp_path, "a.raw"))
    np.testing.assert_array_equal(image.voxels, VOXELS)
    with pytest.raises(InputError, match="is an input"):
        write_image(image, tmp_path / "voxels" / "v.mhd", overwrite=True)
    assert (tmp_path / "voxels" / "v.raw").read_bytes() == BYTES


def test_images_in_one_file_consist_of_themselves(tmp_path):
    write_image(Image(VOXELS), tmp_path / "a.nii")
    for path in (
        tmp_path / "a.nii",
        tmp_path,
        tmp_path / "missing.mhd",
        meta(tmp_path / "a.mha"),
        nrrd(tmp_path / "a.nrrd"),
    ):
        assert files_of(path) == [path]
        assert not is_detached(path)


def test_two_outputs_do_not_share_their_voxels_file(tmp_path):
    with pytest.raises(InputError, match="the same file or folder"):
        check_targets([Target(tmp_path / "a.mhd"), Target(tmp_path / "a.MHD")], [], overwrite=False)


@pytest.mark.parametrize("name", ["/etc/passwd", "../secret.raw", "below/../../secret.raw"])
@pytest.mark.parametrize("kind", ["meta", "nrrd"])
def test_a_header_reads_no_file_outside_of_its_folder(tmp_path, name, kind):
    (tmp_path / "below").mkdir()
    (tmp_path / "secret.raw").write_bytes(BYTES)
    header = detached(tmp_path / "below", name, kind)
    for ask in (read_image, files_of, is_detached):
        with pytest.raises(InputError, match="outside of its own folder"):
            ask(header)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.nrrd", "a.mha", "a.png", "a.tif", "a.dcm", "a.raw"])
def test_a_pipe_is_refused_and_not_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / name)
    path = detached(tmp_path, "a.raw") if name == "a.raw" else tmp_path / name
    with pytest.raises(InputError, match="regular file"):
        read_image(path)


@pytest.mark.parametrize("name", ["X.MHD", "X.MHA", "X.NRRD", "X.NII", "X.NII.GZ", "X.Mhd"])
def test_the_file_that_is_named_is_the_file_that_is_written(tmp_path, name):
    write_image(Image(VOXELS), tmp_path / name)
    assert {path.name for path in tmp_path.iterdir()} == {name} | ({"X.zraw"} if name.lower() == "x.mhd" else set())
    np.testing.assert_array_equal(read_image(tmp_path / name).voxels, VOXELS)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.nrrd", "a.mha", "a.mhd", "a.tif", "a.png"])
def test_a_file_that_does_not_hold_the_result_gets_no_name(tmp_path, monkeypatch, name):
    """A disk or a library that changes one byte, and one that writes half of the file."""
    from pathlib import Path

    from monai_inpaint import io

    image = Image(np.random.default_rng(0).integers(0, 200, (30, 40), dtype=np.uint8))
    writer, _ = io._writer(name)
    write = writer.write
    for spoil in (lambda content: content[:-200] + bytes([content[-200] ^ 255]) + content[-199:], lambda c: c[:-300]):

        def write_spoilt(image, place, derived, spoil=spoil):
            write(image, place, derived)
            file = max(Path(place).parent.iterdir(), key=lambda item: item.stat().st_size)
            file.write_bytes(spoil(file.read_bytes()))

        monkeypatch.setattr(writer, "write", write_spoilt)
        with pytest.raises(InputError, match=rf"{name} was not saved") as error:
            write_image(image, tmp_path / name)
        assert "\n" not in str(error.value)
        assert ".partial" not in str(error.value)
        assert not list(tmp_path.iterdir())


def test_a_place_that_was_not_saved_is_an_error(tmp_path, monkeypatch):
    from monai_inpaint.io import nrrd as module

    write = module.write
    monkeypatch.setattr(
        module, "write", lambda image, *rest: write(Image(image.voxels, np.diag([2.0, 1, 1, 1])), *rest)
    )
    with pytest.raises(InputError, match="in its place"):
        write_image(Image(VOXELS, np.eye(4)), tmp_path / "a.nrrd")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["loop.nii", "nul\0.nii", "n" * 300 + ".nii"])
def test_a_path_that_cannot_be_opened_is_an_error_of_input(tmp_path, name):
    (tmp_path / "loop.nii").symlink_to(tmp_path / "loop.nii")
    with pytest.raises(InputError, match="links; name|correct the path|choose shorter"):
        read_image(tmp_path / name)


@pytest.mark.parametrize("suffix", [".nii", ".nrrd", ".mha", ".tif"])
def test_an_array_of_the_other_byte_order_is_saved_as_the_same_numbers(tmp_path, suffix):
    write_image(Image(VOXELS[..., 0].astype(">i2")), tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(read_image(tmp_path / f"a{suffix}").voxels, VOXELS[..., 0])


def test_dicom_is_read_back_slice_by_slice_or_as_frames(tmp_path, monkeypatch):
    from monai_inpaint.io.dicom import write as dicom_write

    volume = np.random.default_rng(0).integers(0, 900, (3, 5, 4), dtype=np.uint16)
    series = read_image(dicom_series(tmp_path / "series", volume, RescaleSlope=(1, 2, 3)))
    frames = read_image(enhanced_ct(tmp_path / "frames.dcm", volume, [[0.0, 0.0, 2.5 * k] for k in range(3)]))
    write_image(series, tmp_path / "out")
    write_image(frames, tmp_path / "one_file")
    np.testing.assert_array_equal(read_image(tmp_path / "out").voxels, series.voxels)
    save = dicom_write.save

    def save_spoilt(dataset, path):
        dataset.PixelData = dataset.PixelData[:-2] + bytes([dataset.PixelData[-2] ^ 1, dataset.PixelData[-1]])
        save(dataset, path)

    monkeypatch.setattr(dicom_write, "save", save_spoilt)
    for image in (series, frames):
        with pytest.raises(InputError, match="not_this was not saved.* differs .* in its voxels"):
            write_image(image, tmp_path / "not_this")
        assert not (tmp_path / "not_this").exists()
