"""Bad input: exit code 2, one clear sentence that names what is at fault, and nothing left behind."""

from __future__ import annotations

import os
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from cli_samples import SIDE, box, ct_series, ct_voxels, nifti, picture, picture_hole, run, tree
from io_samples import dicom_dataset, enhanced_ct, save
from PIL import Image as Pillow

from monai_inpaint.io import read_image
from monai_inpaint.registry import find_bundle

FAR = np.array([[1.0, 0, 0, 9000], [0, 1, 0, 9000], [0, 0, 1, 9000], [0, 0, 0, 1]])


class Folder:
    """A folder with one good case: image.png, hole.png, and paths for more."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.image = picture(path / "image.png")
        self.hole = picture_hole(path / "hole.png")
        self.output = path / "output.png"

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def fill(self, image: Path | None = None, hole: Path | None = None, output: object = None, *more: object) -> list:
        options = more if "--bundle" in more else ("--bundle", "mr", *more)
        return ["fill", image or self.image, hole or self.hole, output or self.output, *options]

    def volume(self, voxels: np.ndarray, hole: np.ndarray | None = None, **kwargs) -> list:
        """Fill these voxels as NIfTI; `hole_affine` puts the hole elsewhere."""
        marked = box(voxels.shape[:3]) if hole is None else hole
        image = nifti(self / "image.nii.gz", voxels)
        return self.fill(image, nifti(self / "hole.nii", marked, kwargs.get("hole_affine")), self / "output.nii.gz")

    def series(self, affine: np.ndarray | None = None) -> list:
        """Fill the DICOM series in `series`; without its affine the hole lies elsewhere."""
        return self.fill(self / "series", nifti(self / "hole.nii", box((SIDE, SIDE, 4)), affine), self / "output")


def _written(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def _replaced(path: Path, old: str, new: str) -> Path:
    text = path.read_text(encoding="utf-8")
    assert old in text
    return _written(path, text.replace(old, new))


def _cut(path: Path, part: float = 0.5) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    return path


def _with(array: np.ndarray, index: tuple, value: float) -> np.ndarray:
    changed = array.astype(np.float32)
    changed[index] = value
    return changed


def _truncated_dicom(f: Folder) -> list:
    return f.fill(_cut(save(dicom_dataset(np.ones((SIDE, SIDE), np.uint16)), f / "cut.dcm")), None, f / "output.dcm")


def _colour(f: Folder) -> list:
    return f.fill(_saved(np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), np.uint8), f / "colour.png"))


def _saved(pixels: np.ndarray, path: Path) -> Path:
    Pillow.fromarray(pixels).save(path)
    return path


def _two_series(f: Folder) -> list:
    ct_series(f / "series")
    ct_series(f / "other", series="1.2.3.5")
    for path in (f / "other").iterdir():
        path.rename(f / "series" / f"other_{path.name}")
    return f.series()


def _missing_slice(f: Folder) -> list:
    ct_series(f / "series", 5)
    _slice_at(f / "series", 2).unlink()
    return f.series()


def _duplicate_slice(f: Folder) -> list:
    ct_series(f / "series", ImagePositionPatient=tuple([-10.0, -20.0, 2.5 * k] for k in (0, 1, 1, 2)))
    return f.series()


def _varying_spacing(f: Folder) -> list:
    ct_series(f / "series", ImagePositionPatient=tuple([-10.0, -20.0, z] for z in (0, 2.5, 5.0, 9.1)))
    return f.series()


def _varying_orientation(f: Folder) -> list:
    ct_series(f / "series", ImageOrientationPatient=(*[[1, 0, 0, 0, 1, 0]] * 3, [1, 0, 0, 0, 0.8, 0.6]))
    return f.series()


def _gantry_tilt(f: Folder) -> list:
    ct_series(f / "series", ImagePositionPatient=tuple([-10.0, -20.0 + 0.8 * k, 2.5 * k] for k in range(4)))
    return f.series()


def _slice_at(folder: Path, k: int) -> Path:
    import pydicom

    return next(path for path in folder.iterdir() if pydicom.dcmread(path).InstanceNumber == k + 1)


def _not_a_volume(f: Folder) -> list:
    frames = enhanced_ct(f / "frames.dcm", np.ones((4, SIDE, SIDE), np.uint16), None)
    return f.fill(frames, nifti(f / "hole.nii", box((SIDE, SIDE, 4))), f / "output.nii")


def _damaged_bundle(f: Folder, damage: Callable[[Path], object]) -> list:
    bundle = f / "bundle"
    shutil.copytree(find_bundle("cxr").path, bundle)
    damage(bundle)
    return f.fill(None, None, None, "--bundle", bundle)


def _existing(f: Folder) -> list:
    return f.fill(None, None, _written(f / "output.png", "mine"))


def _empty_folder(f: Folder) -> list:
    (f / "series").mkdir()
    return f.series()


def _slice_cut_short(f: Folder) -> list:
    ct_series(f / "series")
    _cut(f / "series" / "IM0002.dcm")
    return f.series()


def _output_is_a_folder(f: Folder) -> list:
    f.output.mkdir()
    return f.fill()


def _output_folder_of_others(f: Folder) -> list:
    ct_series(f / "series")
    (f / "output").mkdir()
    _written(f / "output" / "notes.txt", "mine")
    return [*f.series(), "--overwrite"]


def _volume_into_picture(f: Folder) -> list:
    f.volume(ct_voxels())
    return f.fill(f / "image.nii.gz", f / "hole.nii", f / "output.tif")


def _everything() -> np.ndarray:
    return np.ones((SIDE, SIDE, 3), np.uint8)


def _graph(bundle: Path) -> Path:
    return bundle / "models" / "model.onnx"


def _metadata(bundle: Path) -> Path:
    return bundle / "configs" / "metadata.json"


Build = Callable[[Folder], list]

# what is wrong: (how it is made, words of the sentence)
FILES: dict[str, tuple[Build, tuple[str, ...]]] = {
    "image missing": (lambda f: f.fill(f / "nowhere.png"), ("nowhere.png", "does not exist")),
    "hole missing": (lambda f: f.fill(None, f / "nowhere.png"), ("nowhere.png", "does not exist")),
    "image empty": (lambda f: f.fill(_written(f / "empty.png", "")), ("empty.png", "empty")),
    "hole file empty": (lambda f: f.fill(None, _written(f / "empty.nii.gz", "")), ("empty.nii.gz", "empty")),
    "PNG truncated": (lambda f: f.fill(_cut(picture(f / "cut.png"))), ("cut.png",)),
    "NIfTI truncated": (lambda f: f.fill(_cut(nifti(f / "cut.nii", ct_voxels()))), ("cut.nii",)),
    "compressed NIfTI truncated": (lambda f: f.fill(_cut(nifti(f / "cut.nii.gz", ct_voxels()))), ("cut.nii.gz",)),
    "DICOM truncated": (_truncated_dicom, ("cut.dcm",)),
    "text as PNG": (lambda f: f.fill(_written(f / "text.png", "hello")), ("text.png",)),
    "text as NIfTI": (lambda f: f.fill(_written(f / "text.nii.gz", "hello")), ("text.nii.gz",)),
    "text as NRRD": (lambda f: f.fill(_written(f / "text.nrrd", "hello")), ("text.nrrd",)),
    "text as MetaImage": (lambda f: f.fill(_written(f / "text.mha", "hello")), ("text.mha",)),
    "text as DICOM": (lambda f: f.fill(_written(f / "text.dcm", "hello")), ("text.dcm",)),
    "text as TIFF": (lambda f: f.fill(_written(f / "text.tif", "hello")), ("text.tif",)),
    "image of unknown suffix": (lambda f: f.fill(_written(f / "image.xyz", "hello")), ("image.xyz", "suffix")),
    "four dimensions": (lambda f: f.volume(ct_voxels((SIDE, SIDE, 3, 2))), ("image.nii.gz", "4 dimensions")),
    "complex numbers": (lambda f: f.volume(ct_voxels().astype(np.complex64)), ("image.nii.gz", "complex")),
    "colour": (_colour, ("colour.png", "colour")),
    "two series": (_two_series, ("series", "2 series")),
    "slice missing": (_missing_slice, ("series", "lacks")),
    "slice twice": (_duplicate_slice, ("series",)),
    "varying spacing": (_varying_spacing, ("series",)),
    "varying orientation": (_varying_orientation, ("series", "orient")),
    "gantry tilt": (_gantry_tilt, ("series", "tilt")),
    "frames that do not form a volume": (_not_a_volume, ("frames.dcm",)),
    "folder without DICOM": (_empty_folder, ("series", "no DICOM")),
    "slice cut short": (_slice_cut_short, ("IM0002.dcm",)),
    "modality unknown": (lambda f: ["fill", f.image, f.hole, f.output], ("image.png", "--bundle")),
}

HOLES: dict[str, tuple[Build, tuple[str, ...]]] = {
    "hole as JPEG": (lambda f: f.fill(None, picture_hole(f / "hole.jpg")), ("hole.jpg", "lossy", ".png")),
    "other shape, no geometry": (
        lambda f: f.fill(None, picture_hole(f / "small.png", side=50)),
        ("small.png", "50 x 50", f"{SIDE} x {SIDE}"),
    ),
    "no overlap": (
        lambda f: f.volume(ct_voxels(), hole_affine=FAR),
        ("hole.nii", "image.nii.gz", "9000", "-31.25"),
    ),
    "hole empty": (lambda f: f.volume(ct_voxels(), 0 * _everything()), ("hole.nii", "empty")),
    "hole covers everything": (lambda f: f.volume(ct_voxels(), _everything()), ("hole.nii", "whole")),
    "NaN in the hole's file": (
        lambda f: f.volume(ct_voxels(), _with(_everything(), (1, 1, 1), np.nan)),
        ("hole.nii", "NaN"),
    ),
}

OUTPUTS: dict[str, tuple[Build, tuple[str, ...]]] = {
    "unknown suffix": (lambda f: f.fill(None, None, f / "output.xyz"), ("output.xyz", ".nii.gz")),
    "lossy": (lambda f: f.fill(None, None, f / "output.jpg"), ("output.jpg", "lossy")),
    "no folder": (lambda f: f.fill(None, None, f / "no" / "output.png"), ("output.png", "does not exist")),
    "below a file": (lambda f: f.fill(None, None, f.image / "output.png"), ("output.png",)),
    "is the image": (lambda f: f.fill(None, None, f.image, "--overwrite"), ("image.png", "input")),
    "is the hole": (lambda f: f.fill(None, None, f.hole, "--overwrite"), ("hole.png", "input")),
    "exists": (_existing, ("output.png", "exists")),
    "is a folder": (_output_is_a_folder, ("output.png", "folder")),
    "inside the series": (
        lambda f: f.fill(ct_series(f / "series"), None, f / "series" / "filled.nii"),
        ("filled.nii", "inside the input"),
    ),
    "folder of other files": (_output_folder_of_others, ("output", "notes.txt")),
    "volume into a picture": (_volume_into_picture, ("output.tif", "volume")),
    "picture into DICOM": (lambda f: f.fill(None, None, f / "output.dcm"), ("output.dcm", "DICOM")),
    "picture into a series": (lambda f: f.fill(None, None, f / "output"), ("output", "DICOM")),
    "difference into PNG": (lambda f: f.fill(None, None, None, "--difference", f / "d.png"), ("d.png", "float32")),
    "difference is the output": (
        lambda f: f.fill(None, None, f / "same.tif", "--difference", f / "same.tif"),
        ("same.tif", "same file or folder"),
    ),
    "difference exists": (
        lambda f: f.fill(None, None, None, "--difference", _written(f / "d.tif", "mine")),
        ("d.tif", "exists"),
    ),
    "report of unknown suffix": (lambda f: f.fill(None, None, None, "--report", f / "r.txt"), ("r.txt", ".json")),
    "report is an input": (
        lambda f: f.fill(_written(f / "r.json", "{}"), None, None, "--report", f / "r.json", "--overwrite"),
        ("r.json", "input"),
    ),
    "report without folder": (lambda f: f.fill(None, None, None, "--report", f / "no" / "r.json"), ("r.json",)),
}

ARGUMENTS: dict[str, tuple[Build, tuple[str, ...]]] = {
    "bundle unknown": (lambda f: f.fill(None, None, None, "--bundle", "knee"), ("knee",)),
    "bundle's folder missing": (lambda f: f.fill(None, None, None, "--bundle", f / "no_bundle"), ("no_bundle",)),
    "bundle without metadata": (lambda f: _damaged_bundle(f, lambda b: _metadata(b).unlink()), ("bundle",)),
    "bundle's metadata damaged": (lambda f: _damaged_bundle(f, lambda b: _cut(_metadata(b))), ("metadata.json",)),
    "bundle's spread factor negative": (
        lambda f: _damaged_bundle(f, lambda b: _replaced(_metadata(b), '"spread_factor": ', '"spread_factor": -')),
        ("metadata.json", "spread_factor"),
    ),
    "bundle without network": (lambda f: _damaged_bundle(f, lambda b: _graph(b).unlink()), ("model.onnx",)),
    "bundle's network cut short": (lambda f: _damaged_bundle(f, lambda b: _cut(_graph(b))), ("model.onnx",)),
    "bundle's network is text": (
        lambda f: _damaged_bundle(f, lambda b: _written(_graph(b), "hello")),
        ("model.onnx",),
    ),
    "image is an empty path": (lambda f: ["fill", "", f.hole, f.output], ("IMAGE", "the path is empty")),
    "hole is an empty path": (lambda f: ["fill", f.image, "", f.output], ("HOLE", "the path is empty")),
    "report is an empty path": (lambda f: f.fill(None, None, None, "--report", ""), ("--report", "the path is empty")),
    "engine unknown": (lambda f: f.fill(None, None, None, "--engine", "magic"), ("magic",)),
    "argument missing": (lambda f: ["fill", f.image, f.hole], ("OUTPUT",)),
    "option unknown": (lambda f: f.fill(None, None, None, "--colour", "red"), ("--colour",)),
    "no command": (lambda _: [], ("COMMAND",)),
}

CASES = [
    pytest.param(build, words, id=f"{table}: {name}")
    for table, cases in {"file": FILES, "hole": HOLES, "output": OUTPUTS, "argument": ARGUMENTS}.items()
    for name, (build, words) in cases.items()
]


@pytest.mark.parametrize(("build", "words"), CASES)
def test_bad_input_is_reported_in_one_sentence_and_leaves_nothing(
    build: Build, words: tuple[str, ...], tmp_path: Path, capfd
) -> None:
    args = build(Folder(tmp_path))
    before = tree(tmp_path)

    ran = run(capfd, *args)

    assert (ran.code, ran.out) == (2, "")
    assert len(ran.lines) == 1, ran.lines
    assert ran.lines[0].startswith("monai-inpaint: ")
    assert ran.lines[0].endswith(".")
    assert not [word for word in words if word not in ran.lines[0]], ran.lines[0]
    assert tree(tmp_path) == before


@pytest.mark.parametrize("suffix", [".png", ".tif", ".nii", ".nii.gz", ".nrrd", ".mha", ".mhd", ""])
def test_a_full_disk_is_reported_in_one_sentence_and_leaves_nothing(suffix: str, tmp_path: Path, capfd) -> None:
    f = Folder(tmp_path)
    args = f.fill(None, None, f / f"output{suffix}")
    if not suffix:
        ct_series(f / "series")
        args = f.series(read_image(f / "series").affine)
    before = tree(tmp_path)

    with _files_of_at_most(1000):
        ran = run(capfd, *args)

    assert ran.code == 2, ran.lines
    assert len(ran.lines) == 1, ran.lines
    assert f"output{suffix} cannot be written" in ran.lines[0]
    assert "partial" not in ran.lines[0]
    assert tree(tmp_path) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_the_right_to_write_is_refused(tmp_path: Path, capfd) -> None:
    f = Folder(tmp_path)
    locked = f / "locked"
    locked.mkdir(mode=0o500)

    ran = run(capfd, *f.fill(None, None, locked / "output.png"))

    assert ran.code == 2
    assert len(ran.lines) == 1
    assert not list(locked.iterdir())


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_filled_in_the_hole_and_kept_outside(
    value: float, tmp_path: Path, capfd
) -> None:
    f = Folder(tmp_path)
    middle, corner = (SIDE // 2, SIDE // 2, 1), (1, 1, 1)

    ran = run(capfd, *f.volume(_with(_with(ct_voxels(), middle, value), corner, value)))

    assert (ran.code, ran.lines) == (0, [])
    filled = nib.load(f / "output.nii.gz").get_fdata()
    assert np.argwhere(~np.isfinite(filled)).tolist() == [list(corner)]


@contextmanager
def _files_of_at_most(size: int) -> Iterator[None]:
    """Writing more into one file fails, as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
