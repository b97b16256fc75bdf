"""The command line: what a user types, what lies there afterwards, what the exit code says."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
from cli_samples import (
    SIDE,
    box,
    ct_series,
    interrupted_while_writing,
    json_lines,
    nifti,
    picture,
    picture_hole,
    run,
    smooth,
    tree,
)
from dicom_hole_samples import sources, structures

from monai_inpaint import __version__, read_image
from monai_inpaint.cli import make_parser
from monai_inpaint.progress import LineProgress

OUTSIDE = box((SIDE, SIDE)) == 0


@pytest.fixture
def film(tmp_path: Path) -> tuple[Path, Path]:
    """A picture and its hole."""
    return picture(tmp_path / "film.png"), picture_hole(tmp_path / "hole.png")


# --- fill


def test_fill_writes_which_voxels_were_computed_the_grown_ones_too(tmp_path: Path, capfd) -> None:
    image, hole = (
        nifti(tmp_path / "head.nii.gz", (1000 * smooth((SIDE, SIDE, 8))).astype(np.int16)),
        nifti(tmp_path / "hole.nii.gz", box((SIDE, SIDE, 8))),
    )
    words = [image, hole, tmp_path / "filled.nii.gz", "--bundle", "mr", "--grow", 2]

    assert run(capfd, "fill", *words, "--computed", tmp_path / "computed.nii.gz").code == 0

    before, after, computed = (read_image(tmp_path / f"{name}.nii.gz") for name in ("head", "filled", "computed"))
    assert computed.voxels.dtype == np.uint8
    assert np.array_equal(computed.affine, before.affine)
    assert np.array_equal(before.voxels[computed.voxels == 0], after.voxels[computed.voxels == 0])
    assert computed.voxels[box((SIDE, SIDE, 8)) > 0].all()
    assert (computed.voxels > 0).sum() > (box((SIDE, SIDE, 8)) > 0).sum()


def test_fill_writes_the_output_the_difference_and_the_report_together(film, tmp_path: Path, capfd) -> None:
    output, difference, report = (tmp_path / name for name in ("filled.png", "difference.tif", "report.json"))

    ran = run(capfd, "fill", *film, output, "--bundle", "cxr", "--difference", difference, "--report", report)

    assert (ran.code, ran.out, ran.lines) == (0, "", [])
    source, filled, change = (read_image(path).voxels for path in (film[0], output, difference))
    assert np.array_equal(filled[OUTSIDE], source[OUTSIDE])
    assert change.dtype == np.float32
    assert np.array_equal(change, filled.astype(np.float32) - source)
    assert change[~OUTSIDE].any()
    facts = json.loads(report.read_text())
    assert facts["versions"]["monai_inpaint"] == __version__
    assert facts["files"] == {"image": "film.png", "hole": "hole.png", "output": "filled.png"}
    assert {"read", "fill", "write", "total"} <= set(facts["seconds"])
    assert facts["untouched"]["before"] == facts["untouched"]["after"]
    assert "Research use only" in facts["notice"]


def test_a_report_holds_no_patient_data_and_no_folders(tmp_path: Path, capfd) -> None:
    series = ct_series(tmp_path / "series")
    hole = nifti(tmp_path / "hole.nii", box((SIDE, SIDE, 4)), read_image(series).affine)
    report = tmp_path / "report.json"

    assert run(capfd, "fill", series, hole, tmp_path / "filled", "--report", report).code == 0

    text = report.read_text()
    assert not [word for word in ("Doe", "P1", "1.2.3", str(tmp_path)) if word in text]


def test_a_dicom_series_gives_a_derived_series_by_its_own_modality(tmp_path: Path, capfd) -> None:
    series = ct_series(tmp_path / "series")
    hole = nifti(tmp_path / "hole.nii", box((SIDE, SIDE, 4)), read_image(series).affine)

    assert run(capfd, "fill", series, hole, tmp_path / "filled", "--difference", tmp_path / "d.nii.gz").code == 0

    source, filled = read_image(series), read_image(tmp_path / "filled")
    outside = box((SIDE, SIDE, 4)) == 0
    assert np.array_equal(filled.voxels[outside], source.voxels[outside])
    assert np.allclose(read_image(tmp_path / "d.nii.gz").affine, source.affine, atol=1e-4)
    assert {str(dataset.SyntheticData) for dataset in filled.header.datasets} == {"YES"}


def test_nothing_that_a_library_warns_of_stands_beside_our_one_sentence(tmp_path: Path, capfd) -> None:
    series = ct_series(tmp_path / "ct")
    dataset = sources(series)[0]
    square = np.array([[0.0, 0, 0], [9, 0, 0], [9, 9, 0]]) + np.array(dataset.ImagePositionPatient, float)
    path = structures(tmp_path / "rt.dcm", dataset, {"L\u00e4sion": [square], "Lunge": [square]})
    changed = pydicom.dcmread(path)
    changed.SpecificCharacterSet = "ISO_IR 192"  # in which the name is not a text
    changed.save_as(path)

    ran = run(capfd, "fill", series, path, tmp_path / "o.nii.gz")

    assert ran.code == 2
    assert len(ran.lines) == 1


def test_an_image_is_not_its_own_hole(film, tmp_path: Path, capfd) -> None:
    ran = run(capfd, "fill", film[0], film[0], tmp_path / "filled.png", "--bundle", "cxr")

    assert ran.code == 2
    assert "both IMAGE and HOLE" in ran.lines[0]
    assert not (tmp_path / "filled.png").exists()


def test_an_output_is_replaced_only_with_overwrite(film, tmp_path: Path, capfd) -> None:
    output = tmp_path / "filled.png"
    output.write_text("mine")

    assert run(capfd, "fill", *film, output, "--bundle", "cxr").code == 2
    assert output.read_text() == "mine"
    assert run(capfd, "fill", *film, output, "--bundle", "cxr", "--overwrite").code == 0
    assert read_image(output).voxels.shape == (SIDE, SIDE)


def test_a_dicom_series_is_replaced_only_with_overwrite(tmp_path: Path, capfd) -> None:
    series = ct_series(tmp_path / "series")
    hole = nifti(tmp_path / "hole.nii", box((SIDE, SIDE, 4)), read_image(series).affine)
    ct_series(tmp_path / "old", 6)

    assert run(capfd, "fill", series, hole, tmp_path / "old").code == 2
    assert run(capfd, "fill", series, hole, tmp_path / "old", "--overwrite").code == 0
    assert len(list((tmp_path / "old").iterdir())) == 4


def test_json_progress_is_one_object_a_line(film, tmp_path: Path, capfd) -> None:
    ran = run(capfd, "fill", *film, tmp_path / "filled.png", "--bundle", "cxr", "--progress", "json")

    steps = json_lines(ran.lines)
    assert all(set(line) == {"stage", "done", "total", "seconds"} for line in steps)
    assert list(dict.fromkeys(line["stage"] for line in steps)) == ["read", "fill", "write"]
    assert all(line["done"] <= line["total"] for line in steps)
    assert [line["seconds"] for line in steps] == sorted(line["seconds"] for line in steps)


def test_a_line_of_progress_appears_after_two_seconds_and_goes_away(monkeypatch) -> None:
    from io import StringIO

    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    stream = StringIO()
    progress = LineProgress(stream)

    progress("fill", 1, 9)
    assert stream.getvalue() == ""
    now[0] = 2.5
    progress("fill", 4, 9)
    assert stream.getvalue() == "\rfill: 4 of 9, 2 s"
    progress.clear()
    assert stream.getvalue().endswith("\r" + " " * len("fill: 4 of 9, 2 s") + "\r")


def test_a_fault_of_ours_is_one_line_and_code_1(film, tmp_path: Path, capfd, monkeypatch) -> None:
    def broken(*_, **__) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("monai_inpaint.fill.filler.Filler.__call__", broken)
    before = tree(tmp_path)

    ran = run(capfd, "fill", *film, tmp_path / "filled.png", "--bundle", "cxr")

    assert ran.code == 1
    assert len(ran.lines) == 1
    assert "ZeroDivisionError" in ran.lines[0]
    assert "test_cli.py, line" in ran.lines[0]
    assert "MONAI_INPAINT_DEBUG=1" in ran.lines[0]
    assert tree(tmp_path) == before


def test_a_fault_of_ours_shows_its_trace_when_asked(film, tmp_path: Path, capfd, monkeypatch) -> None:
    def broken(*_, **__) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("monai_inpaint.fill.filler.Filler.__call__", broken)
    monkeypatch.setenv("MONAI_INPAINT_DEBUG", "1")

    assert "Traceback" in "\n".join(run(capfd, "fill", *film, tmp_path / "filled.png", "--bundle", "cxr").lines)


def test_when_one_output_cannot_be_written_none_appears(film, tmp_path: Path, capfd, monkeypatch) -> None:
    def broken(*_, **__) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("monai_inpaint.jobs.run_job.report_text", broken)
    before = tree(tmp_path)

    ran = run(capfd, "fill", *film, tmp_path / "filled.png", "--bundle", "cxr", "--report", tmp_path / "report.json")

    assert (ran.code, len(ran.lines)) == (2, 1)
    assert "report.json" in ran.lines[0]
    assert tree(tmp_path) == before


def test_when_a_rename_fails_what_was_renamed_before_is_taken_back(film, tmp_path: Path, capfd, monkeypatch) -> None:
    replace, done = os.replace, []

    def once(source: Path, target: Path) -> None:
        if Path(target).parent == tmp_path:
            if done:
                raise OSError(5, "Input/output error")
            done.append(target)
        replace(source, target)

    monkeypatch.setattr("os.replace", once)
    before = tree(tmp_path)

    ran = run(capfd, "fill", *film, tmp_path / "filled.png", "--bundle", "cxr", "--report", tmp_path / "report.json")

    assert (ran.code, len(ran.lines)) == (2, 1)
    assert done == [tmp_path / "report.json"]
    assert tree(tmp_path) == before


# --- interrupted and killed

_DIE_BEFORE_THE_RENAME = """
import os, signal, sys
os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
from monai_inpaint.cli import main
sys.exit(main())
"""


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_while_writing_leaves_nothing(sign: signal.Signals, film, tmp_path: Path) -> None:
    before = tree(tmp_path)
    args = ["fill", *film, tmp_path / "filled.png", "--bundle", "cxr", "--report", tmp_path / "report.json"]
    assert interrupted_while_writing("pictures", args, sign) == (130, "monai-inpaint: interrupted\n")
    assert tree(tmp_path) == before


def test_a_kill_between_writing_and_renaming_leaves_no_output(film, tmp_path: Path) -> None:
    args = ["fill", *film, tmp_path / "filled.png", "--bundle", "cxr", "--report", tmp_path / "report.json"]

    process = subprocess.run([sys.executable, "-c", _DIE_BEFORE_THE_RENAME, *map(str, args)], check=False, timeout=60)

    assert process.returncode == -signal.SIGKILL
    assert {path.name for path in tmp_path.iterdir() if path.suffix != ".partial"} == {"film.png", "hole.png"}


# --- info and help


def test_info_names_versions_engines_and_bundles(capfd) -> None:
    ran = run(capfd, "info", "--json")

    facts = json.loads(ran.out)
    assert (ran.code, facts["version"]) == (0, __version__)
    assert "openvino" in facts["engines"]
    assert facts["defaults"] == {m: f"{m}_inpainting" for m in ("cxr", "ct", "mr")}
    assert {"name", "modality", "version", "description", "path"} <= set(facts["bundles"][0])
    text = run(capfd, "info").out
    assert all(bundle["name"] in text for bundle in facts["bundles"])


@pytest.mark.parametrize(
    ("arguments", "prog"),
    [
        (["fill", "a", "b", "c", "--bogus"], "monai-inpaint fill"),
        (["metal", "a", "b", "--bundle="], "monai-inpaint metal"),
        (["info", "extra"], "monai-inpaint info"),
        (["--bogus"], "monai-inpaint"),
    ],
)
def test_a_wrong_argument_points_to_the_help_of_its_command(arguments: list[str], prog: str, capfd) -> None:
    ran = run(capfd, *arguments)

    assert (ran.code, len(ran.lines)) == (2, 1)
    assert ran.lines[0].endswith(f"; see {prog} --help.")


def test_no_command_takes_an_empty_text_for_an_absent_one() -> None:
    (commands,) = (action.choices for action in make_parser()._actions if isinstance(action.choices, dict))

    for name, command in commands.items():
        for action in command._actions:
            if action.nargs == 0 or action.choices:
                continue
            assert action.type not in (None, str, Path), f"{name}: {action.dest}"
            with pytest.raises((ValueError, argparse.ArgumentTypeError)):
                action.type("")


@pytest.mark.parametrize("command", [[], ["fill"], ["batch"], ["evaluate"], ["info"]])
def test_help_says_that_it_is_for_research_only(command: list[str], capfd) -> None:
    with pytest.raises(SystemExit) as stopped:
        run(capfd, *command, "--help")

    assert stopped.value.code == 0
    assert "Research use only" in capfd.readouterr().out
