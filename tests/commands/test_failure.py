"""Errors are reported in one short line, by whose fault they are."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_samples import picture, picture_hole, run

from monai_inpaint import failure
from monai_inpaint.errors import InputError
from monai_inpaint.failure import OUR_FAULT, USERS_INPUT, explain

NAMED = ("EACCES", "EPERM", "ENOENT", "ENOTDIR", "EISDIR", "ELOOP", "ENAMETOOLONG", "ENXIO", "ENODEV", "EBUSY")


@pytest.mark.parametrize("name", NAMED)
def test_what_the_system_refuses_of_a_named_place_is_the_places_fault(name: str) -> None:
    code, sentence = explain(OSError(getattr(errno, name), "no", "/some/where.nii"))
    assert code == USERS_INPUT
    assert (
        sentence
        == f"/some/where.nii: {os.strerror(getattr(errno, name))}; check the path, its permissions and its disk."
    )


@pytest.mark.parametrize("name", ["ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EIO"])
def test_a_full_or_broken_disk_is_not_our_fault_even_without_a_name(name: str) -> None:
    assert explain(OSError(getattr(errno, name), "no"))[0] == USERS_INPUT


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOENT, "no"),
        OSError(errno.ENOENT, "no", failure.__file__),
        OSError(errno.EBADF, "no", "/some/where"),
        ValueError("no"),
    ],
)
def test_anything_else_is_ours(error: Exception) -> None:
    assert explain(error)[0] == OUR_FAULT


def test_a_sentence_is_one_short_line_that_changes_nothing_on_a_terminal() -> None:
    _, sentence = explain(InputError("a\nb \x1b[31m\x07 caf\udce9 \u202e" + "x" * 10_000 + " do this."))
    assert sentence.startswith(r"a b \x1b[31m\x07 caf\udce9 \u202e")
    assert sentence.endswith("x do this.")
    assert len(sentence) < 1100


def test_names_that_are_no_text_are_written_and_reported(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9")
    image, hole = picture(tmp_path / f"{name}.png"), tmp_path / f"{name}_hole.png"
    report = tmp_path / "report.json"
    command = ["fill", image, hole, tmp_path / f"{name}_o.png", "--bundle", "cxr", "--report", report]

    ran = subprocess.run(
        [sys.executable, "-m", "monai_inpaint", *map(str, command), "--burned-in", "20,20,20,20"],
        capture_output=True, check=False,
    )  # fmt: skip

    assert (ran.returncode, ran.stderr) == (0, b"")
    assert json.loads(report.read_text())["files"]["image"] == image.name
    assert hole.exists()


def test_what_is_shown_of_names_is_text_though_they_are_none(tmp_path: Path, capfd) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    picture(tmp_path / "image.png")
    picture_hole(tmp_path / "hole.png")

    ran = run(capfd, "fill", tmp_path / "image.png", tmp_path / "hole.png", tmp_path / name / "o.png", "--bundle", "mr")

    assert (ran.code, len(ran.lines)) == (2, 1)
    assert r"caf\udce9.png" in ran.lines[0]


@pytest.mark.parametrize(("command", "code"), [(["info", "--json"], 130), (["nothing"], 2)])
def test_a_reader_that_has_gone_is_no_fault(command: list[str], code: int) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    silent = {"stdout": theirs, "stderr": subprocess.PIPE} if code == 130 else {"stderr": theirs}
    ran = subprocess.run([sys.executable, "-m", "monai_inpaint", *command], check=False, **silent)
    os.close(theirs)
    assert ran.returncode == code
    assert not ran.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_below_what_is_printed_is_reported() -> None:
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "monai_inpaint", "info"], check=False, stdout=full, stderr=subprocess.PIPE
        )
    assert ran.returncode == 2
    assert ran.stderr.startswith(b"monai-inpaint: The disk: No space left on device")
    assert ran.stderr.count(b"\n") == 1
