"""Reading in a process of its own: what is read comes over whole, and nothing that happens there happens here."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
import pickle
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import tifffile
from cli_samples import picture, picture_hole
from hostile_files import HOSTILE, ODD_PLACES, READ
from io_samples import dicom_dataset, dicom_series, enhanced_ct, oblique_affine, random_voxels, save
from limited_process import command, limited
from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

from monai_inpaint.errors import InputError
from monai_inpaint.imaging.image import Image
from monai_inpaint.io import handover, isolated, read_image, write_image
from monai_inpaint.io.isolated import fork_reader, read_image_guarded, read_image_isolated

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@contextlib.contextmanager
def reader(monkeypatch: pytest.MonkeyPatch, read: Callable[[Path], object] | None = None) -> Iterator[None]:
    """A process that reads, of this block's own; `read` stands for `read_image` in it."""
    monkeypatch.setattr(isolated, "_reader", None)
    if read:
        monkeypatch.setattr(isolated, "read_image", read)
    fork_reader()
    monkeypatch.setattr(isolated, "read_image", read_image)
    try:
        yield
    finally:
        if isolated._reader:
            isolated._reader.end()


def same(one: Any, other: Any) -> bool:
    """Equal down to the fields of headers and the arrays in them."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    if dataclasses.is_dataclass(one):
        return all(same(getattr(one, f.name), getattr(other, f.name)) for f in dataclasses.fields(one))
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, Dataset):
        return one == other and one.file_meta == other.file_meta and one.original_encoding == other.original_encoding
    if type(one).__module__.startswith("monai_inpaint"):
        return all(map(same, vars(one).values(), vars(other).values()))
    return one == other


def text_picture(path: Path) -> Path:
    texts = PngInfo()
    texts.add_text("Laterality", "L")
    texts.add_itxt("Ort", "Köln", lang="de")
    Pillow.fromarray(random_voxels((6, 9), "uint16")).save(path, pnginfo=texts, dpi=(254, 254))
    return path


def nifti(path: Path) -> Path:
    image = nib.Nifti1Image(random_voxels((5, 6, 7), "int16"), oblique_affine())
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"hello"))
    nib.save(image, path)
    return path


def written(path: Path) -> Path:
    write_image(Image(random_voxels((5, 6, 7), "int16"), oblique_affine()), path)
    return path


def tiff(path: Path) -> Path:
    tifffile.imwrite(path, random_voxels((6, 9), "float32"), description="left hand", resolution=(100, 50))
    return path


def odd_slice(path: Path) -> Path:
    dataset = dicom_dataset(random_voxels((8, 9), "uint16"), BitsStored=12, HighBit=15, WindowCenter=["40", "1.5"])
    dataset.StudyDate, dataset.StudyTime, dataset.PatientAge = "20200101", "101010.5", "040Y"
    block = dataset.private_block(0x0029, "MAKER", create=True)
    block.add_new(1, "LO", "private")
    return save(dataset, path)


def deflated_slice(path: Path) -> Path:
    dataset = dicom_dataset(random_voxels((8, 9), "uint16"))
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    return save(dataset, path)


KINDS: dict[str, Callable[[Path], Path]] = {
    "PNG": lambda folder: text_picture(folder / "a.png"),
    "JPEG": lambda folder: Path(Pillow.new("L", (9, 8)).save(folder / "a.jpg", dpi=(72, 72)) or folder / "a.jpg"),
    "TIFF": lambda folder: tiff(folder / "a.tif"),
    "NIfTI": lambda folder: nifti(folder / "a.nii.gz"),
    "NRRD": lambda folder: written(folder / "a.nrrd"),
    "MHA": lambda folder: written(folder / "a.mha"),
    "MHD": lambda folder: written(folder / "a.mhd"),
    "DICOM": lambda folder: odd_slice(folder / "a.dcm"),
    "series": lambda folder: dicom_series(folder / "s", random_voxels((3, 5, 4), "int16")),
    "enhanced": lambda folder: enhanced_ct(
        folder / "a.dcm", random_voxels((3, 5, 4), "int16"), [[0, 0, z] for z in (2, 0, 1)]
    ),
    "deflated DICOM": lambda folder: deflated_slice(folder / "a.dcm"),
    "JPEG 2000": lambda folder: folder / shutil.copy(get_testdata_file("693_J2KI.dcm", download=False), folder),
}  # fmt: skip


def test_what_is_read_comes_over_whole(tmp_path, monkeypatch):
    with reader(monkeypatch):
        for kind, make in KINDS.items():
            (tmp_path / kind).mkdir()
            path = make(tmp_path / kind)
            image, expected = read_image_isolated(path), read_image(path)
            assert same(image, expected), kind
            assert image.voxels.flags.f_contiguous == expected.voxels.flags.f_contiguous


def test_what_came_over_is_written_as_what_was_read_here(tmp_path, monkeypatch):
    with reader(monkeypatch):
        for kind, suffix in {
            "PNG": ".png",
            "TIFF": ".tif",
            "NIfTI": ".nii.gz",
            "NRRD": ".nrrd",
            "DICOM": ".dcm",
        }.items():
            (tmp_path / kind).mkdir()
            path = KINDS[kind](tmp_path / kind)
            write_image(read_image_isolated(path), tmp_path / f"isolated{suffix}")
            write_image(read_image(path), tmp_path / f"plain{suffix}")
            assert (tmp_path / f"isolated{suffix}").read_bytes() == (tmp_path / f"plain{suffix}").read_bytes()


def test_a_path_from_here_is_one_from_here_there(tmp_path, monkeypatch):
    text_picture(tmp_path / "a.png")
    with reader(monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert read_image_isolated("a.png").path == Path("a.png")
        with pytest.raises(InputError, match=r"^b\.png does not exist"):
            read_image_isolated("b.png")


def test_refusals_are_those_of_read_image(tmp_path, monkeypatch):
    (tmp_path / "text.png").write_text("hello " * 100)
    (tmp_path / "empty.png").write_bytes(b"")
    with reader(monkeypatch):
        for path in (tmp_path / "text.png", tmp_path / "empty.png", tmp_path, tmp_path / "a.xyz", tmp_path / "x\0.png"):
            with pytest.raises(InputError) as expected:
                read_image(path)
            with pytest.raises(InputError) as refusal:
                read_image_isolated(path)
            assert str(refusal.value) == str(expected.value)
            assert str(refusal.value.__cause__ or "") == str(expected.value.__cause__ or "")


def crash(path: Path) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def abort(path: Path) -> None:
    os.abort()


def leave(path: Path) -> None:
    os._exit(3)


def loop(path: Path) -> None:
    while True:
        pass


def hang(path: Path) -> None:
    time.sleep(600)


def swell(path: Path) -> None:
    np.ones(2**29)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (crash, "a library ended with 11 on it"),
        (abort, "a library ended with 6 on it"),
        (leave, "could not be decoded"),
        (loop, "within 1 s"),
        (hang, "within 1 s"),
        (swell, r"within 0\.2 GiB of memory"),
    ],
)
def test_a_fault_there_is_a_sentence_here_and_the_next_image_is_read(tmp_path, monkeypatch, capfd, fault, said):
    bad, good = text_picture(tmp_path / "bad.png"), text_picture(tmp_path / "good.png")

    def read(path: Path) -> object:
        for say in (sys.stderr.write, lambda line: os.write(2, line.encode()), warnings.warn):
            say("stray line\n")
        return fault(path) if path.name == "bad.png" else read_image(path)

    with reader(monkeypatch, read):
        start = time.monotonic()
        with pytest.raises(InputError, match=said) as refusal:
            read_image_isolated(bad, seconds=1, memory=2**28)
        assert time.monotonic() - start < 10
        assert str(refusal.value).startswith(str(bad))
        assert same(read_image_isolated(good), read_image(good))
    assert capfd.readouterr() == ("", "")


def test_a_fault_of_ours_stays_one(tmp_path, monkeypatch):
    def broken(path: Path) -> None:
        raise KeyError("ours")

    with reader(monkeypatch, broken), pytest.raises(RuntimeError, match="KeyError: 'ours'"):
        read_image_isolated(text_picture(tmp_path / "a.png"))


@linux
def test_ctrl_c_ends_the_reading_and_the_next_image_is_read(tmp_path, monkeypatch):
    path = text_picture(tmp_path / "a.png")
    with reader(monkeypatch, hang):
        first = isolated._reader
        assert first is not None
        threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            read_image_isolated(path)
        deadline = time.monotonic() + 10  # what is killed may take a moment to end on a busy machine
        while _members(first.pid) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not _members(first.pid)
        assert same(read_image_isolated(path), read_image(path))


def test_a_reader_that_was_killed_is_started_anew(tmp_path, monkeypatch):
    path = text_picture(tmp_path / "a.png")
    with reader(monkeypatch):
        assert isolated._reader is not None
        os.kill(isolated._reader.pid, signal.SIGKILL)
        assert same(read_image_isolated(path), read_image(path))


def test_threads_wait_for_one_another(tmp_path, monkeypatch):
    paths = [text_picture(tmp_path / f"{n}.png") for n in range(6)]
    got: dict[Path, Image] = {}
    with reader(monkeypatch):
        threads = [
            threading.Thread(target=lambda path=path: got.update({path: read_image_isolated(path)})) for path in paths
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert all(got[path].path == path for path in paths)


@linux
def test_nothing_is_left_when_the_one_that_asked_is_killed(tmp_path):
    path = text_picture(tmp_path / "a.png")
    program = (
        "import sys, time; from pathlib import Path; from monai_inpaint.io import isolated\n"
        "isolated.read_image = lambda path: print('there', flush=True) or time.sleep(600)\n"
        "isolated.fork_reader(); print(isolated._reader.pid, flush=True)\n"
        "isolated.read_image_isolated(sys.argv[1])"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    group = int(process.stdout.readline())
    deadline = time.monotonic() + 20
    while len(_members(group)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(_members(group)) == 2
    process.kill()
    process.wait()
    while _members(group) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _members(group)


def _members(group: int) -> list[int]:
    """Processes of a group that have not ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[2]) == group and fields[0] != "Z":
                found.append(int(stat.parent.name))
    return found


def test_a_python_of_its_own_imports_nothing_from_the_folder_it_is_started_in(tmp_path, monkeypatch):
    path = text_picture(tmp_path / "a.png")
    for name in ("numpy", "PIL", "json", "resource"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(isolated, "_reader", None)
    try:
        assert same(read_image_isolated("a.png"), dataclasses.replace(read_image(path), path=Path("a.png")))
    finally:
        assert isolated._reader is not None
        isolated._reader.end()
    assert not (tmp_path / "ran").exists()


class Runs:
    def __reduce__(self) -> tuple:
        return os.system, ("true",)


@pytest.mark.parametrize(
    "value",
    [Runs(), subprocess.Popen, io.open, isolated.fork_reader, Path.home],
    ids=["reduces to a call", "Popen", "open", "a function of ours", "a method"],
)
def test_nothing_that_could_run_is_taken_over(tmp_path, value):
    with (tmp_path / "a").open("w+b") as file:
        handover.hand_over(value, file)
        file.flush()
        with pytest.raises(pickle.UnpicklingError, match="not part of an image"):
            handover.take_over(file)


def test_formats_that_no_library_in_c_decodes_are_read_here(tmp_path, monkeypatch):
    with reader(monkeypatch, crash):
        assert read_image_guarded(nifti(tmp_path / "a.nii.gz")).voxels.shape == (5, 6, 7)
        for make in (text_picture, tiff, odd_slice):
            suffix = {text_picture: "png", tiff: "tif", odd_slice: "dcm"}[make]
            with pytest.raises(InputError, match="ended with 11"):
                read_image_guarded(make(tmp_path / f"a.{suffix}"))


def batch_of_hostile_files(folder: str) -> int:
    """Rows whose images or holes are hostile, each followed by a good one."""
    place = Path(folder)
    lines = ["image,hole,output"]
    makes = [*HOSTILE.items(), *ODD_PLACES.items()][::4]
    for number, make in enumerate(make for name, make in makes if name not in READ and "circle" not in name):
        (place / str(number)).mkdir()
        bad = make(place / str(number)).relative_to(place)
        lines.append(f"{bad},hole.png,bad{number}{'.png' if bad.suffix != '.dcm' else '.dcm'}")
        lines.append(f"film.png,{bad},also{number}.png" if number % 3 == 0 else f"film.png,hole.png,good{number}.png")
    (place / "pairs.csv").write_text("\n".join(lines) + "\n")
    return command("batch", str(place / "pairs.csv"), str(place / "out"), "--bundle", "cxr")


def test_a_batch_goes_on_after_each_hostile_file(tmp_path):
    picture(tmp_path / "film.png")
    picture_hole(tmp_path / "hole.png")
    ended = limited(batch_of_hostile_files, str(tmp_path))
    assert ended.returned == 2, ended.stderr
    lines = ended.stderr.splitlines()
    rows = (tmp_path / "pairs.csv").read_text().splitlines()[1:]
    good = [row.split(",")[2] for row in rows if ",good" in row]
    assert len(lines) == len(rows) - len(good)
    assert all(line.startswith("monai-inpaint: ") for line in lines)
    assert sorted(path.name for path in (tmp_path / "out").glob("*.png")) == sorted(good)
    assert ended.seconds < 20
