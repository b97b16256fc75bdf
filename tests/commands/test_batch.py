"""`monai-inpaint batch`: a table of cases, what is left of each, and how it goes on after a stop."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_samples import SIDE, box, ct_series, nifti, picture, picture_hole, run, tree
from PIL import Image as Pillow

from monai_inpaint import read_image
from monai_inpaint.commands.journal import Journal, JournalEntry


def _table(folder: Path, *rows: str) -> Path:
    """pairs.csv beside a.png, b.png, a.jpg and hole.png."""
    picture(folder / "a.png")
    picture(folder / "b.png", seed=1)
    Pillow.open(folder / "a.png").save(folder / "a.jpg")
    picture_hole(folder / "hole.png")
    table = folder / "pairs.csv"
    table.write_text("\n".join(["image,hole", *rows]) + "\n")
    return table


def _journal(folder: Path) -> list[dict[str, Any]]:
    first, *rows = map(json.loads, (folder / "batch.jsonl").read_text().splitlines())
    assert set(first) == {"monai_inpaint", "options"}
    return rows


def test_a_batch_goes_on_after_a_failed_case(tmp_path: Path, capfd) -> None:
    table = _table(tmp_path, "a.png,hole.png", "nowhere.png,hole.png", "b.png,hole.png")

    ran = run(capfd, "batch", table, tmp_path / "out", "--bundle", "cxr")

    assert ran.code == 2
    assert len(ran.lines) == 1
    assert "nowhere.png" in ran.lines[0]
    assert ran.out.startswith("2 done, 1 input error")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a.png", "b.png", "batch.jsonl"}
    last = {row["output"]: row for row in _journal(tmp_path / "out")}
    assert {name: row["status"] for name, row in last.items()} == {
        "a.png": "done",
        "nowhere.png": "input error",
        "b.png": "done",
    }
    assert "nowhere.png does not exist" in last["nowhere.png"]["sentence"]


def test_a_fault_of_ours_in_a_batch_is_code_1_and_the_rest_goes_on(tmp_path: Path, capfd, monkeypatch) -> None:
    from monai_inpaint.fill.filler import Filler

    call, calls = Filler.__call__, []

    def broken_once(self, *args, **kwargs):
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError("division by zero")
        return call(self, *args, **kwargs)

    monkeypatch.setattr(Filler, "__call__", broken_once)
    table = _table(tmp_path, "a.png,hole.png", "b.png,hole.png")

    ran = run(capfd, "batch", table, tmp_path / "out", "--bundle", "cxr")

    assert (ran.code, ran.out.partition(";")[0]) == (1, "1 our error, 1 done")
    assert (tmp_path / "out" / "b.png").exists()


def test_a_resumed_batch_leaves_out_what_is_done_and_tries_the_rest_again(tmp_path: Path, capfd) -> None:
    table, out = _table(tmp_path, "a.png,hole.png", "late.png,hole.png"), tmp_path / "out"
    assert run(capfd, "batch", table, out, "--bundle", "cxr").code == 2
    written = (out / "a.png").stat().st_mtime_ns
    picture(tmp_path / "late.png")

    ran = run(capfd, "batch", table, out, "--bundle", "cxr", "--resume")

    assert (ran.code, ran.out.partition(";")[0]) == (0, "1 skipped, 1 done")
    assert (out / "a.png").stat().st_mtime_ns == written
    assert (out / "late.png").exists()


def test_a_sentence_names_its_image_once(tmp_path: Path, capfd) -> None:
    table = _table(tmp_path, "bad.png,hole.png", "missing.png,hole.png")
    (tmp_path / "bad.png").write_text("no picture")

    ran = run(capfd, "batch", table, tmp_path / "out", "--bundle", "cxr")

    assert ran.code == 2
    assert [line.count("bad.png") + line.count("missing.png") for line in ran.lines] == [1, 1]


def test_a_batch_killed_before_its_note_is_taken_up_again(tmp_path: Path, capfd) -> None:
    table, out = _table(tmp_path, "a.png,hole.png", "b.png,hole.png"), tmp_path / "out"
    assert run(capfd, "batch", table, out, "--bundle", "cxr").code == 0
    journal = out / "batch.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:-1]) + b'{"image": "b.png", "ho')  # b.png lies there, its note was cut short

    ran = run(capfd, "batch", table, out, "--bundle", "cxr", "--resume")

    assert (ran.code, ran.out.partition(";")[0]) == (0, "1 skipped, 1 done")
    assert [row["status"] for row in _journal(out)] == ["started", "done", "started", "started", "done"]


def test_a_resumed_batch_never_replaces_a_file_it_did_not_write(tmp_path: Path, capfd) -> None:
    table, out = _table(tmp_path, "late.png,hole.png"), tmp_path / "out"
    assert run(capfd, "batch", table, out, "--bundle", "cxr").code == 2
    picture(tmp_path / "late.png")
    (out / "late.png").write_text("mine")

    assert run(capfd, "batch", table, out, "--bundle", "cxr", "--resume").code == 2
    assert (out / "late.png").read_text() == "mine"


def test_a_batch_takes_modality_and_output_names_case_by_case(tmp_path: Path, capfd) -> None:
    series = ct_series(tmp_path / "series.v2")
    affine = read_image(series).affine
    nifti(tmp_path / "hole.nii", box((SIDE, SIDE, 4)), affine)
    table = tmp_path / "pairs.csv"
    table.write_text("Image, Hole, Output\nseries.v2,hole.nii,\nseries.v2,hole.nii,deep/er/filled.nii.gz\n")

    assert run(capfd, "batch", table, tmp_path / "out").code == 0

    first, second = read_image(tmp_path / "out" / "series.v2"), read_image(tmp_path / "out" / "deep/er/filled.nii.gz")
    assert np.array_equal(first.units(), second.units())


def test_a_failed_case_leaves_no_folder_of_its_own(tmp_path: Path, capfd) -> None:
    table = tmp_path / "pairs.csv"
    table.write_text("image,hole,output\nnowhere.png,nowhere.png,deep/er/filled.png\n")

    assert run(capfd, "batch", table, tmp_path / "out", "--bundle", "cxr").code == 2
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["batch.jsonl"]


@pytest.mark.parametrize(
    ("rows", "word"),
    [
        ("picture,hole\na.png,hole.png", "columns"),
        ("image;hole\na.png;hole.png", "separated by commas"),
        ("image,hole", "no images"),
        ("image,hole\na.png,", "line 2 names no hole"),
        ("image,hole\na.png,hole.png,b.png", "line 2"),
        ("image,hole\na.png,hole.png\na.png,hole.png", "both go to a.png"),
        ("image,hole,output\na.png,hole.png,x.png\nb.png,hole.png,X.png", "both go to X.png"),
        ("image,hole,output\na.png,hole.png,x.png\nb.png,hole.png,./x.png", "both go to x.png"),
        ("image,hole,output\na.png,hole.png,../x.png", "../x.png"),
        ("image,hole,output\na.png,hole.png,/tmp/x.png", "/tmp/x.png"),
        ("image,hole,output\na.png,hole.png,link/x.png", "link/x.png"),
        ("image,hole,output\na.png,hole.png,batch.jsonl", "batch.jsonl"),
        ("image,hole,output\na.png,hole.png,x.jpg", "x.jpg"),
        ("image,hole\na.jpg,hole.png", "a.jpg"),
        ("image,hole\n\x00,\x00", "pairs.csv"),
        ("image,hole,output\na.png,hole.png,batch.jsonl/x.png", "batch.jsonl"),
        ("image,hole,output\na.png,hole.png,x.png\nb.png,hole.png,x.png/y.png", "inside of another output"),
        ("image,hole,output\na.png,hole.png," + "x" * 300 + ".png", "longer than a path may be"),
        ("image,hole,output\na.png,hole.png,round/x.png", "loop of symbolic links"),
        ("image,hole\n" + "a" * 200_000 + ",hole.png", "pairs.csv"),
    ],
)
def test_a_bad_table_is_refused_before_anything_starts(rows: str, word: str, tmp_path: Path, capfd) -> None:
    table = _table(tmp_path)
    table.write_text(rows + "\n")
    out = tmp_path / "out"
    out.mkdir()
    (out / "link").symlink_to(tmp_path)
    (out / "round").symlink_to(out / "round")
    before = tree(tmp_path)

    ran = run(capfd, "batch", table, out, "--bundle", "cxr")

    assert (ran.code, len(ran.lines)) == (2, 1)
    assert word in ran.lines[0]
    assert tree(tmp_path) == before


def test_a_batch_into_the_folder_of_its_images_is_refused(tmp_path: Path, capfd) -> None:
    ran = run(capfd, "batch", _table(tmp_path, "a.png,hole.png"), tmp_path, "--bundle", "cxr", "--overwrite")

    assert (ran.code, len(ran.lines)) == (2, 1)
    assert "a.png is an input" in ran.lines[0]


def test_a_second_batch_in_a_folder_asks_for_resume(tmp_path: Path, capfd) -> None:
    table = _table(tmp_path, "a.png,hole.png")
    run(capfd, "batch", table, tmp_path / "out", "--bundle", "cxr")

    ran = run(capfd, "batch", table, tmp_path / "out", "--bundle", "cxr")

    assert ran.code == 2
    assert "--resume" in ran.lines[0]


def test_two_batches_do_not_fill_one_folder_at_a_time(tmp_path: Path, capfd) -> None:
    table, out = _table(tmp_path, "a.png,hole.png"), tmp_path / "out"
    out.mkdir()
    held = Journal(out / "batch.jsonl")
    held.start({"bundle": "cxr", "engine": "auto", "sample": False, "seed": 0})
    before = tree(tmp_path)

    for options in ([], ["--resume"], ["--overwrite"]):
        ran = run(capfd, "batch", table, out, "--bundle", "cxr", *options)
        assert (ran.code, len(ran.lines)) == (2, 1)
        assert ran.lines[0].startswith(f"monai-inpaint: Another batch fills {out}; ")
    assert tree(tmp_path) == before

    held.close()
    assert run(capfd, "batch", table, out, "--bundle", "cxr", "--resume").code == 0


def test_a_batch_that_was_killed_lets_the_next_one_in(tmp_path: Path, capfd) -> None:
    table, out = _table(tmp_path, "a.png,hole.png"), tmp_path / "out"
    out.mkdir()
    code = (
        "import sys, time; from pathlib import Path; from monai_inpaint.commands.journal import Journal;"
        "journal = Journal(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(out / "batch.jsonl")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        assert run(capfd, "batch", table, out, "--bundle", "cxr").code == 2
        other.kill()

    assert run(capfd, "batch", table, out, "--bundle", "cxr").code == 0


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_a_journal_that_is_no_file_is_refused(kind: str, tmp_path: Path, capfd) -> None:
    table, out = _table(tmp_path, "a.png,hole.png"), tmp_path / "out"
    out.mkdir()
    (tmp_path / "mine.txt").write_text("mine")
    make = {
        "link": lambda path: path.symlink_to(tmp_path / "mine.txt"),
        "pipe": os.mkfifo,
        "folder": Path.mkdir,
    }
    make[kind](out / "batch.jsonl")

    ran = run(capfd, "batch", table, out, "--bundle", "cxr", "--overwrite")

    assert (ran.code, len(ran.lines)) == (2, 1)
    assert "batch.jsonl" in ran.lines[0]
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert [path.name for path in out.iterdir()] == ["batch.jsonl"]


def test_a_row_whose_image_is_a_loop_of_links_fails_alone(tmp_path: Path, capfd) -> None:
    table = _table(tmp_path, "loop.png,hole.png", "a.png,loop.png", "b.png,hole.png")
    (tmp_path / "loop.png").symlink_to("loop.png")

    ran = run(capfd, "batch", table, tmp_path / "out", "--bundle", "cxr")

    assert (ran.code, ran.out.partition(";")[0]) == (2, "2 input error, 1 done")
    assert len(ran.lines) == 2
    assert all("loop.png is a loop of symbolic links" in line for line in ran.lines)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"b.png", "batch.jsonl"}


def test_a_journal_takes_names_that_are_no_text(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "batch.jsonl")
    journal.start({})
    journal.add(JournalEntry("a.png", "hole.png", "a.png", "input error", "caf\udce9 is not there."))
    assert journal.read({})["a.png"].sentence == "caf\udce9 is not there."
    journal.close()


def test_names_with_line_ends_and_two_spaces_are_reported_in_one_line_and_known_again(tmp_path: Path, capfd) -> None:
    table = _table(tmp_path, '"no\nsuch.png",hole.png,x.png', "a  b.png,hole.png,c  d.png")
    table.write_text(table.read_text().replace("image,hole\n", "image,hole,output\n"))
    picture(tmp_path / "a  b.png")

    ran = run(capfd, "batch", table, tmp_path / "out", "--bundle", "cxr")
    assert (ran.code, len(ran.lines)) == (2, 1)
    again = run(capfd, "batch", table, tmp_path / "out", "--bundle", "cxr", "--resume")

    assert again.out.partition(";")[0] == "1 input error, 1 skipped"


def test_a_batch_that_finds_no_room_for_its_journal_leaves_nothing(tmp_path, capfd, monkeypatch):
    picture(tmp_path / "a.png")
    picture_hole(tmp_path / "hole.png")
    (tmp_path / "pairs.csv").write_text("image,hole\na.png,hole.png\n")
    before = tree(tmp_path)

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("monai_inpaint.commands.journal.os.write", full)
    ran = run(capfd, "batch", tmp_path / "pairs.csv", tmp_path / "out", "--bundle", "cxr")

    assert ran.code == 2
    assert len(ran.lines) == 1
    assert "No space left" in ran.lines[0]
    assert tree(tmp_path) == before
