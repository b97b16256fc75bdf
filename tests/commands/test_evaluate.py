"""`monai-inpaint evaluate`: what it prints and writes, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_samples import ct_voxels, nifti, picture, run, tree


def test_evaluate_prints_the_table_it_wrote(tmp_path: Path, capfd) -> None:
    nifti(tmp_path / "slice.nii.gz", ct_voxels((256, 256, 1)))
    (tmp_path / "data.csv").write_text("path,modality\nslice.nii.gz,CT\n")
    out = tmp_path / "out"

    ran = run(
        capfd, "evaluate", tmp_path / "data.csv", "--protocol", "slice-square", "--methods", "ring,ct", "--output", out
    )

    assert (ran.code, ran.lines) == (0, [])
    assert ran.out.strip() == (out / "summary.md").read_text().strip()
    assert "ring" in ran.out
    assert (out / "index.html").is_file()


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--methods", "ring,magic"], "magic"),
        (["--methods", ""], "method"),
        (["--protocol", "guess"], "guess"),
        (["--split", "test"], "split"),
        (["--limit", "0"], "limit"),
        (["--seed", "x"], "--seed"),
        (["--features", "nowhere.safetensors"], "nowhere.safetensors"),
    ],
)
def test_evaluate_refuses_bad_options_in_one_sentence(options: list[str], word: str, tmp_path: Path, capfd) -> None:
    picture(tmp_path / "film.png")
    (tmp_path / "data.csv").write_text("path,modality\nfilm.png,CR\n")
    before = tree(tmp_path)
    defaults = ["--protocol", "free-form", "--methods", "ring", "--output", tmp_path / "out"]

    ran = run(capfd, "evaluate", tmp_path / "data.csv", *defaults, *options)

    assert (ran.code, ran.out, len(ran.lines)) == (2, "", 1), ran.lines
    assert word in ran.lines[0]
    assert tree(tmp_path) == before


def test_evaluate_overwrites_nothing_but_an_evaluation(tmp_path: Path, capfd) -> None:
    picture(tmp_path / "film.png")
    (tmp_path / "data.csv").write_text("path,modality\nfilm.png,CR\n")
    before = tree(tmp_path)
    options = ["--protocol", "free-form", "--methods", "ring", "--output", tmp_path, "--overwrite"]

    ran = run(capfd, "evaluate", tmp_path / "data.csv", *options)

    assert (ran.code, len(ran.lines)) == (2, 1)
    assert tree(tmp_path) == before
