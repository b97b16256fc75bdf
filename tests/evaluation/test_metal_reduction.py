"""Corrections of metal compared on simulated pairs, in Python and on the command line."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from cli_samples import nifti, run
from metal_samples import MM, pelvis

from monai_inpaint.errors import InputError
from monai_inpaint.evaluation import evaluate

pytest.importorskip("astra")
pytest.importorskip("xraydb")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A list of a pelvis, an empty slice, an MR and a film of text."""
    folder = tmp_path_factory.mktemp("slices")
    geometry = np.diag([MM, MM, 3.0, 1.0])
    slice_hu = np.rint(pelvis()[20:-20, 4:-4])[..., None].astype(np.int16)
    nifti(folder / "pelvis.nii.gz", slice_hu, geometry)
    nifti(folder / "mr.nii.gz", slice_hu + np.int16(1000), geometry)
    nifti(folder / "text.nii.gz", (slice_hu > 300).astype(np.int16), geometry)
    table = "path,modality,patient,split\npelvis.nii.gz,CT,one,val\ntext.nii.gz,CT,two,val\nmr.nii.gz,MR,three,val\n"
    (folder / "data.csv").write_text(table)
    return folder / "data.csv"


@pytest.fixture(scope="module")
def evaluated(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("evaluated") / "metal"
    evaluate(data, "metal", ["none", "li"], output)
    return output


def test_every_implant_is_corrected_by_every_method_and_measured(evaluated: Path) -> None:
    with (evaluated / "cases.csv").open() as file:
        rows = list(csv.DictReader(file))

    assert [(row["implant"], row["method"]) for row in rows] == [
        (implant, method) for implant in ("hip", "filling", "screw", "clip") for method in ("none", "li")
    ]
    worst = {row["method"]: float(row["rmse"]) for row in rows if row["implant"] == "hip"}
    assert 0 < worst["li"] < worst["none"]


def test_what_could_not_be_used_is_reported_with_its_reason(evaluated: Path) -> None:
    assert "text.nii.gz" in (evaluated / "skipped.csv").read_text()
    assert "grey values" in (evaluated / "summary.md").read_text()


def test_the_page_shows_the_truth_and_each_method_of_each_implant(evaluated: Path) -> None:
    page = (evaluated / "index.html").read_text()

    assert page.count("<figcaption>truth, metal outlined") == 4
    assert "Research use only" in page


def test_the_command_gives_the_same_figures_again(capfd, data: Path, evaluated: Path, tmp_path: Path) -> None:
    ran = run(capfd, "evaluate", data, "--protocol", "metal", "--methods", "none", "--output", tmp_path / "again")

    assert ran.code == 0
    assert "AAPM CT-MAR" in ran.out
    first, again = (
        [row["rmse"] for row in csv.DictReader((folder / "cases.csv").open()) if row["method"] == "none"]
        for folder in (evaluated, tmp_path / "again")
    )
    assert first == again


@pytest.mark.parametrize(
    ("methods", "why"),
    [("telea", "compares none, inpaint, li, nmar"), ("li,li", "each method once"), ("", "each method once")],
)
def test_methods_are_those_for_metal_named_once(data: Path, tmp_path: Path, methods: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        evaluate(data, "metal", [name for name in methods.split(",") if name], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_other_modalities_and_features_are_refused(capfd, data: Path, tmp_path: Path) -> None:
    common = ("evaluate", data, "--protocol", "metal", "--methods", "li", "--output", tmp_path / "out")

    ran = run(capfd, *common, "--modality", "MR")

    assert ran.code == 2
    assert "protocol metal is for ct" in ran.lines[-1]

    ran = run(capfd, *common, "--features", tmp_path / "features.safetensors")

    assert ran.code == 2
    assert "measures no LPIPS" in ran.lines[-1]
