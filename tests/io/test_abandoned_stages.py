"""What a killed process left beside outputs is removed by the next one, and nothing else is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli_samples import SIDE, ct_series, nifti, picture, picture_hole, run, tree

from monai_inpaint.io.atomic import staged
from monai_inpaint.io.stage import remove_abandoned, temporary_folder

_STAGE = """
import sys, time
from pathlib import Path
from monai_inpaint.io import atomic
target, folder, moved = Path(sys.argv[1]), sys.argv[2] == "folder", sys.argv[3]
calls = []
replace = Path.replace
def slowly(self, final):
    if str(len(calls)) == moved:
        print("here", flush=True)
        time.sleep(60)
    calls.append(final)
    return replace(self, final)
Path.replace = slowly
with atomic.staged(target, folder=folder, overwrite=True) as place:
    if folder:
        (place / "slice.dcm").write_text("new")
    else:
        place.write_text("new")
        place.with_suffix(".zraw").write_text("new")
    if moved == "none":
        print("here", flush=True)
        time.sleep(60)
"""


def _started(*args: object) -> subprocess.Popen[str]:
    """A process that has come to where it is to wait."""
    process = subprocess.Popen([sys.executable, "-c", _STAGE, *map(str, args)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    return process


def _killed(*args: object) -> None:
    with _started(*args) as process:
        process.send_signal(signal.SIGKILL)


def _hidden(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def _write_next(folder: Path) -> None:
    with staged(folder / "other.txt", overwrite=True) as place:
        place.write_text("other")


def test_what_a_killed_process_left_goes_with_the_next_output_of_the_folder(tmp_path: Path) -> None:
    _killed(tmp_path / "a.mhd", "file", "none")
    assert len(_hidden(tmp_path)) == 1

    _write_next(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["other.txt"]


def test_a_stage_of_a_living_process_stays(tmp_path: Path) -> None:
    with _started(tmp_path / "a.mhd", "file", "none") as process:
        _write_next(tmp_path)
        assert len(_hidden(tmp_path)) == 1
        with staged(tmp_path / "b.txt") as place:  # ours
            place.write_text("b")
            remove_abandoned(tmp_path)
            assert place.read_text() == "b"
        process.kill()


@pytest.mark.parametrize("moved", range(4))
def test_an_old_pair_of_files_is_whole_again_after_a_kill_while_it_was_replaced(moved: int, tmp_path: Path) -> None:
    for name in ("a.mhd", "a.zraw"):
        (tmp_path / name).write_text(f"old {name}")
    before = tree(tmp_path)

    _killed(tmp_path / "a.mhd", "file", moved)
    remove_abandoned(tmp_path)

    assert tree(tmp_path) == before


@pytest.mark.parametrize("moved", range(2))
def test_an_old_folder_is_there_again_after_a_kill_while_it_was_replaced(moved: int, tmp_path: Path) -> None:
    (tmp_path / "series").mkdir()
    (tmp_path / "series" / "slice.dcm").write_text("old")
    before = tree(tmp_path)

    _killed(tmp_path / "series", "folder", moved)
    remove_abandoned(tmp_path)

    assert tree(tmp_path) == before


def test_nothing_of_a_users_is_taken_for_a_stage(tmp_path: Path) -> None:
    (tmp_path / ".mine.partial").mkdir()
    (tmp_path / ".mine.partial" / "notes.txt").write_text("mine")
    (tmp_path / ".file.partial").write_text("mine")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "owner").write_text("mine")
    (tmp_path / ".link.partial").symlink_to(elsewhere)
    (tmp_path / "series.partial").mkdir()
    (tmp_path / "series.partial" / "owner").write_text("mine")
    linked = tmp_path / ".odd.partial"
    linked.mkdir()
    (linked / "owner").symlink_to(elsewhere / "owner")
    before = tree(tmp_path)

    remove_abandoned(tmp_path)

    assert tree(tmp_path) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list anything")
def test_a_folder_that_may_not_be_listed_can_be_written_to(tmp_path: Path) -> None:
    tmp_path.chmod(0o300)
    try:
        _write_next(tmp_path)
    finally:
        tmp_path.chmod(0o700)


_WAIT_WHILE_WRITING = """
import sys, time
import monai_inpaint.io.{module} as module
def slowly(image, path, derived):
    print("writing", flush=True)
    time.sleep(60)
module.write = slowly
from monai_inpaint.cli import main
sys.exit(main())
"""


def _killed_while_writing(module: str, *args: object) -> None:
    command = [sys.executable, "-c", _WAIT_WHILE_WRITING.format(module=module), *map(str, args)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while process.stdout.readline() not in ("writing\n", ""):
            pass
        process.send_signal(signal.SIGKILL)


def test_the_next_fill_removes_what_a_killed_one_left(tmp_path: Path, capfd) -> None:
    args = ["fill", picture(tmp_path / "a.png"), picture_hole(tmp_path / "hole.png"), tmp_path / "o.png"]
    args += ["--bundle", "cxr", "--report", tmp_path / "o.json"]
    _killed_while_writing("pictures", *args)
    assert len(_hidden(tmp_path)) == 2

    assert run(capfd, *args).code == 0

    assert {path.name for path in tmp_path.iterdir()} == {"a.png", "hole.png", "o.png", "o.json"}


def test_the_next_batch_removes_what_a_killed_one_left_though_its_row_fails_now(tmp_path: Path, capfd) -> None:
    picture(tmp_path / "a.png")
    picture_hole(tmp_path / "hole.png")
    (tmp_path / "pairs.csv").write_text("image,hole,output\na.png,hole.png,deep/a.png\n")
    args = ["batch", tmp_path / "pairs.csv", tmp_path / "out", "--bundle", "cxr"]
    _killed_while_writing("pictures", *args)
    assert len(_hidden(tmp_path / "out" / "deep")) == 1
    (tmp_path / "a.png").unlink()

    assert run(capfd, *args, "--resume").code == 2

    assert not _hidden(tmp_path / "out" / "deep")


def test_the_next_series_removes_what_a_killed_one_left(tmp_path: Path, capfd) -> None:
    import numpy as np

    from monai_inpaint import read_image

    series = ct_series(tmp_path / "series")
    marked = np.zeros((SIDE, SIDE, 4), np.uint8)
    marked[30:50, 30:50, 1] = 1
    args = ["fill", series, nifti(tmp_path / "hole.nii", marked, read_image(series).affine), tmp_path / "filled"]
    _killed_while_writing("dicom.write", *args)
    assert len(_hidden(tmp_path)) == 1

    assert run(capfd, *args).code == 0

    assert {path.name for path in tmp_path.iterdir()} == {"series", "hole.nii", "filled"}


_TEMPORARY = """
import time
from monai_inpaint.io.stage import temporary_folder
with temporary_folder("images") as folder:
    (folder / "patient.nii").write_text("voxels")
    print("here", flush=True)
    time.sleep(60)
"""


def test_temporary_files_of_a_killed_process_are_removed_by_the_next_and_those_of_a_living_one_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", _TEMPORARY], stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with temporary_folder("images"):
            assert len(_hidden(tmp_path)) == 2
            assert oct((tmp_path / _hidden(tmp_path)[0]).stat().st_mode)[-3:] == "700"
        assert len(_hidden(tmp_path)) == 1
        process.send_signal(signal.SIGKILL)
        process.wait()
    with temporary_folder("images") as folder:
        assert _hidden(tmp_path) == [folder.parent.name]
        assert not list(folder.iterdir())
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root gives files away")
def test_what_another_user_laid_out_like_a_stage_is_left_alone(tmp_path: Path) -> None:
    stage = tmp_path / ".a.nii.0.partial"
    for name in ("old", "new"):
        (stage / name).mkdir(parents=True)
        (stage / name / "a.nii").write_text("theirs")
    (stage / "owner").touch()
    os.chown(stage, 12345, 12345)

    remove_abandoned(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == [stage.name]
