"""Samples and their spread on the command line, with the shipped bundles."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pydicom
import pytest
from cli_samples import SIDE, box, ct_series, nifti, picture, picture_hole, run, tree

from monai_inpaint import Filler, read_image
from monai_inpaint.engines import available

INSIDE = box((SIDE, SIDE)) > 0


@pytest.fixture
def film(tmp_path: Path) -> tuple[Path, Path]:
    """A picture and its hole."""
    return picture(tmp_path / "film.png"), picture_hole(tmp_path / "hole.png")


def test_the_same_seed_writes_the_same_sample_and_another_seed_another(film, tmp_path: Path, capfd) -> None:
    outputs = [tmp_path / f"{n}.png" for n in range(3)]
    for output, seed in zip(outputs, (3, 3, 4), strict=True):
        assert run(capfd, "fill", *film, output, "--bundle", "cxr", "--sample", "--seed", seed).code == 0

    source, first, again, other = (read_image(path).voxels for path in (film[0], *outputs))
    assert np.array_equal(first, again)
    assert (first[INSIDE] != other[INSIDE]).mean() > 0.5
    assert np.array_equal(first[~INSIDE], source[~INSIDE])


def test_the_spread_lies_in_the_hole_and_the_report_says_what_it_means(film, tmp_path: Path, capfd) -> None:
    output, plain, spread, report = (tmp_path / name for name in ("a.png", "b.png", "spread.tif", "report.json"))
    asked = ["--samples", 3, "--spread", spread, "--report", report]

    assert run(capfd, "fill", *film, output, "--bundle", "cxr", *asked).code == 0
    assert run(capfd, "fill", *film, plain, "--bundle", "cxr").code == 0

    values = read_image(spread).voxels
    assert values.dtype == np.float32
    assert (values[INSIDE] > 0).all()
    assert not values[~INSIDE].any()
    assert output.read_bytes() == plain.read_bytes()  # still the best estimate
    facts = json.loads(report.read_text())
    assert facts["drawn"] == {"fill": "best estimate", "samples": 3, "seed": 0}
    assert facts["doubt"]["expected_rmse"] == pytest.approx(np.sqrt(np.mean(values[INSIDE] ** 2)), rel=1e-3)
    assert "biharmonic" in facts["doubt"]["verdict"]


def test_a_sampled_series_says_that_it_is_one(tmp_path: Path, capfd) -> None:
    series = ct_series(tmp_path / "series")
    hole = nifti(tmp_path / "hole.nii", box((SIDE, SIDE, 4)), read_image(series).affine)

    assert run(capfd, "fill", series, hole, tmp_path / "filled", "--sample", "--seed", 7).code == 0

    descriptions = {str(pydicom.dcmread(path).DerivationDescription) for path in (tmp_path / "filled").iterdir()}
    assert descriptions == {"Region filled by monai-inpaint (one sample, seed 7)"}


def test_a_batch_of_samples_is_many_fills_with_its_seed(film, tmp_path: Path, capfd) -> None:
    picture(tmp_path / "other.png", seed=1)
    table, out = tmp_path / "pairs.csv", tmp_path / "out"
    table.write_text("image,hole\nfilm.png,hole.png\nother.png,hole.png\n")

    assert run(capfd, "batch", table, out, "--bundle", "cxr", "--sample", "--seed", 3).code == 0

    for name in ("film.png", "other.png"):
        alone, plain = tmp_path / f"alone_{name}", tmp_path / f"plain_{name}"
        asked = ["fill", tmp_path / name, film[1], "--bundle", "cxr"]
        assert run(capfd, *asked[:3], alone, *asked[3:], "--sample", "--seed", 3).code == 0
        assert run(capfd, *asked[:3], plain, *asked[3:]).code == 0
        assert (out / name).read_bytes() == alone.read_bytes()
        assert (out / name).read_bytes() != plain.read_bytes()


@pytest.mark.parametrize(("seed", "said"), [("-1", "must be 0 or more"), ("three", "must be a whole number")])
def test_a_bad_seed_is_refused_before_a_batch_begins(film, tmp_path: Path, capfd, seed: str, said: str) -> None:
    table = tmp_path / "pairs.csv"
    table.write_text("image,hole\nfilm.png,hole.png\n")
    before = tree(tmp_path)

    ran = run(capfd, "batch", table, tmp_path / "out", "--bundle", "cxr", "--sample", "--seed", seed)

    assert (ran.code, len(ran.lines)) == (2, 1)
    assert said in ran.lines[0]
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--spread", "spread.tif"], "add --samples N"),
        (["--samples", "1"], "at least 2"),
        (["--sample", "--seed", "-1"], "must be 0 or more"),
        (["--samples", "4", "--spread", "spread.png"], "cannot store float32"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_one_sentence(film, tmp_path: Path, capfd, monkeypatch, asked, said) -> None:
    monkeypatch.chdir(tmp_path)
    before = tree(tmp_path)

    ran = run(capfd, "fill", *film, "out.png", "--bundle", "cxr", *asked)

    assert ran.code == 2
    assert len(ran.lines) == 1
    assert said in ran.lines[0]
    assert tree(tmp_path) == before


@pytest.mark.parametrize("bundle", ["cxr", "mr"])
def test_a_sample_is_the_same_on_every_engine_within_its_arithmetic(bundle: str) -> None:
    y, x = np.mgrid[-1:1:160j, -1:1:160j]
    image = (((x / 0.7) ** 2 + (y / 0.85) ** 2 < 1) * (600 + 200 * np.sin(6 * x) * np.cos(5 * y))).astype(np.float32)
    hole = np.zeros(image.shape, bool)
    hole[60:100, 60:100] = True
    drawn = {name: Filler(bundle, engine=name)(image, hole, sample=True, seed=5) for name in available()}

    for name, fill in drawn.items():
        rounded = fill.report["engine"]["arithmetic"] == "bf16"
        apart = np.abs(fill.image - drawn["torch"].image)[hole].mean()
        assert apart < (0.02 if rounded else 1e-3) * np.ptp(image), name
