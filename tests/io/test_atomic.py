from __future__ import annotations

import errno
import subprocess
import sys

import numpy as np
import pytest
from io_samples import dicom_series, oblique_affine, random_voxels

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.io import check_output, read_image, write_image
from monai_inpaint.io.atomic import staged

VOLUME = Image(random_voxels((5, 6, 7), "int16"), oblique_affine())


def listing(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.nrrd", "a.mha", "a.mhd"])
def test_only_the_output_appears(tmp_path, name):
    write_image(VOLUME, tmp_path / name)
    assert {path.name for path in tmp_path.iterdir()} == {name} | ({"a.zraw"} if name == "a.mhd" else set())
    with pytest.raises(InputError, match="exists"):
        write_image(VOLUME, tmp_path / name)
    write_image(VOLUME, tmp_path / name, overwrite=True)
    np.testing.assert_array_equal(read_image(tmp_path / name).voxels, VOLUME.voxels)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, ValueError, SystemExit])
@pytest.mark.parametrize("folder", [False, True])
def test_an_ended_run_leaves_everything_as_it_was(tmp_path, stop, folder):
    (tmp_path / "old.txt").write_text("old")
    before = listing(tmp_path)

    def half_way():
        with staged(tmp_path / "out", folder=folder) as place:
            (place / "slice" if folder else place).write_text("half")
            raise stop

    with pytest.raises(stop):
        half_way()
    assert listing(tmp_path) == before
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_an_interrupt_while_a_pair_is_moved_brings_the_old_pair_back(tmp_path, monkeypatch, step):
    from pathlib import Path

    for name in ("a.mhd", "a.raw"):
        (tmp_path / name).write_text(f"old {name}")
    before, replace, calls = listing(tmp_path), Path.replace, []

    def interrupted(self, target):
        calls.append(target)
        if len(calls) == step:
            raise KeyboardInterrupt
        return replace(self, target)

    def write_pair():
        with staged(tmp_path / "a.mhd", overwrite=True) as place:
            place.write_text("new")
            place.with_suffix(".raw").write_text("new")
            monkeypatch.setattr(Path, "replace", interrupted)

    with pytest.raises(KeyboardInterrupt):
        write_pair()
    assert listing(tmp_path) == before
    assert len(list(tmp_path.iterdir())) == 2


def test_a_folder_of_slices_is_replaced_whole_and_only_when_allowed(tmp_path):
    image = read_image(dicom_series(tmp_path / "s", random_voxels((3, 5, 4), "int16")))
    (tmp_path / "out").mkdir()
    write_image(image, tmp_path / "out")
    (tmp_path / "out" / "note.txt").write_text("mine")
    with pytest.raises(InputError, match="exists"):
        write_image(image, tmp_path / "out")
    write_image(image, tmp_path / "out", overwrite=True)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"slice_000{n}.dcm" for n in (1, 2, 3)]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_the_source_is_never_overwritten(tmp_path, kind):
    if kind == "file":
        write_image(VOLUME, tmp_path / "a.nii")
        source = tmp_path / "a.nii"
    else:
        source = dicom_series(tmp_path / "s", random_voxels((3, 5, 4), "int16"))
    image, before = read_image(source), listing(tmp_path)
    with pytest.raises(InputError, match="is an input"):
        write_image(image, tmp_path / "." / source.name, overwrite=True)
    assert listing(tmp_path) == before


def test_the_voxels_beside_a_source_are_never_overwritten(tmp_path):
    write_image(VOLUME, tmp_path / "scan.mhd")
    (tmp_path / "scan.zraw").rename(tmp_path / "filled.zraw")
    header = tmp_path / "scan.mhd"
    header.write_text(header.read_text().replace("scan.zraw", "filled.zraw"))
    image, before = read_image(header), listing(tmp_path)
    with pytest.raises(InputError, match="is an input"):
        write_image(image, tmp_path / "filled.mhd", overwrite=True)
    assert listing(tmp_path) == before


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("missing/a.nii", "does not exist"),
        ("file/a.nii", "does not exist"),
        ("a.xyz", "no suffix of a format"),
        ("a.jpg", "lossy"),
        ("LIST.mhd", "ITK takes for a list"),
        ("LISTED.MHD", "ITK takes for a list"),
        ("scan(%Max=5).mhd", "ITK takes for a list or a pattern"),
        ("a.dcm", "read from DICOM"),
        ("a_folder", "read from DICOM"),
    ],
)
def test_impossible_outputs_are_refused(tmp_path, name, sentence):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=sentence) as error:
        write_image(VOLUME, tmp_path / name)
    assert name.rsplit("/", 1)[-1] in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("name", ["missing.nii", "missing", "file/a.nii", "a.xyz", "noise"])
def test_impossible_inputs_are_refused(tmp_path, name):
    for file in ("file", "a.xyz", "noise"):
        (tmp_path / file).write_bytes(b"hello" * 99)
    with pytest.raises(InputError, match=name):
        read_image(tmp_path / name)


@pytest.mark.parametrize("code", ["ENOSPC", "EACCES", "EROFS"])
def test_a_place_that_fails_is_the_users_matter(tmp_path, code):
    def fail():
        with staged(tmp_path / "a.nii") as place:
            place.write_text("half")
            raise OSError(getattr(errno, code), "no")

    with pytest.raises(InputError, match=r"a\.nii cannot be written"):
        fail()
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes")
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.nrrd", "a.mha", "a.mhd", "a.tif", "a.png", "folder"])
def test_a_full_disk_leaves_nothing(tmp_path, name):
    source = dicom_series(tmp_path / "s", random_voxels((2, 90, 90), "uint16"))
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from monai_inpaint.errors import InputError\n"
        "from monai_inpaint.imaging.image import Image\n"
        "from monai_inpaint.io import read_image, write_image\n"
        f"image = read_image({str(source)!r})\n"
        f"image = Image(image.voxels[..., 0]) if {name.endswith(('png', 'tif'))} else image\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n"
        f"    write_image(image, {str(tmp_path / name)!r})\n"
        "except InputError as error:\n"
        "    sys.exit(f'refused: {error}')\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "refused: " in run.stderr
    assert name in run.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


def test_check_output_names_inputs(tmp_path):
    (tmp_path / "hole.nii").write_text("")
    with pytest.raises(InputError, match="is an input"):
        check_output(tmp_path / "hole.nii", overwrite=True, sources=[tmp_path / "image.nii", tmp_path / "hole.nii"])
    check_output(tmp_path / "new.nii", sources=[tmp_path / "hole.nii"])


def test_a_png_needs_none_of_the_heavy_libraries(tmp_path):
    write_image(Image(np.zeros((3, 4), np.uint8)), tmp_path / "a.png")
    code = (
        "import sys\n"
        "from monai_inpaint.io import read_image\n"
        f"read_image({str(tmp_path / 'a.png')!r})\n"
        "heavy = {'torch', 'monai', 'scipy', 'SimpleITK', 'nibabel', 'pydicom', 'tifffile'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
