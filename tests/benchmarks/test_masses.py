"""Masses are painted into breasts, and the benchmark of the detector prints its arms and goes on where it was ended."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from lesion_layouts import vindr_mammo
from printed_tables import table_of

from benchmarks import masses
from benchmarks.__main__ import main
from benchmarks.setting import Options
from monai_inpaint.cli import main as command
from monai_inpaint.datasets.boxed_images import read_pixels

pytestmark = pytest.mark.usefixtures("painting_home")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Six exams: some to train, some of val, one of test."""
    folder = vindr_mammo(tmp_path / "mammo", 6)
    assert command(["index", "vindr-mammo", str(folder), "-o", str(folder / "index.csv"), "--val", "0.4"]) == 0
    return folder / "index.csv"


def options(data: Path) -> Options:
    return Options(data, boxes=data.with_name("index_boxes.csv"), bundle="cxr_lesion_painting", tiny=True)


def test_mammograms_with_a_mass_and_without_a_finding_are_taken_of_a_split(data: Path) -> None:
    train, val = (masses._mammograms(options(data), split) for split in ("train", "val"))

    assert [bool(image.boxes) for image in train] == [True] * 3 + [False] * 3
    assert len(val) == 4
    assert not {image.patient for image in train} & {image.patient for image in val}
    assert train[0].boxes == ((20.0, 30.0, 30.0, 40.0),)


def test_a_mass_is_painted_into_each_healthy_mammogram_and_its_file_is_marked(data: Path, tmp_path: Path) -> None:
    real = masses._mammograms(options(data), "train")

    painted = masses._painted(real, "cxr_lesion_painting", tmp_path / "painted", 0)
    before = [image.path.stat().st_mtime_ns for image in painted if image.path]
    again = masses._painted(real, "cxr_lesion_painting", tmp_path / "painted", 0)

    assert len(painted) == 3
    assert [image.path.stat().st_mtime_ns for image in again if image.path] == before
    for image, source in zip(painted, real[3:], strict=True):
        assert image.patient == source.patient
        assert image.path is not None
        assert image.path.suffix == ".dcm"
        assert "Synthetic finding" in pydicom.dcmread(image.path).DerivationDescription
        changed = read_pixels(image) != read_pixels(source)
        ((left, top, width, height),) = image.boxes
        inside = np.zeros_like(changed)
        inside[int(top) : int(top + height), int(left) : int(left + width)] = True
        assert not changed[~inside].any()
        assert changed[inside].mean() > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("detector", ["retinanet", "cascade-rcnn"])
def test_the_table_has_the_arms_of_the_paper(
    detector: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torchvision", reason="needs what make setup-detection installs")
    words = ["masses", "--tiny", "--data", str(data), "--boxes", str(data.with_name("index_boxes.csv"))]
    words += ["--bundle", "cxr_lesion_painting", "--output", str(tmp_path / "out"), "--detectors", detector]

    assert main(words) == 0
    first = table_of(capsys.readouterr().out)
    assert main(words) == 0
    second = table_of(capsys.readouterr().out)

    arms = [("none", "0"), ("50 %", "2"), ("100 %", "3")]
    assert [row[:2] for row in first] == [[f"{detector}, {arm}", count] for arm, count in arms]
    assert [row[3] for row in first] == ["0.228", "0.281", "0.297"]
    assert first == second


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--boxes", "index_boxes.csv"), "none is shipped"),
        (("--boxes", "index_boxes.csv", "--bundle", "b", "--arms", "25"), "no arm '25'"),
        (("--boxes", "index_boxes.csv", "--bundle", "b", "--split", "later"), "must name mammograms"),
    ],
)
def test_what_is_missing_is_reported(
    data: Path, words: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    places = [str(data.with_name(word)) if word.endswith(".csv") else word for word in words]

    assert main(["masses", "--data", str(data), *places]) == 2
    assert message in capsys.readouterr().err
