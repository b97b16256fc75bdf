"""`detect score`: tables, curves and a page of any detector's boxes; nothing by halves."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
from boxed_samples import drawn, write_pictures
from cli_samples import run

from monai_inpaint.datasets.node21 import write_node21
from monai_inpaint.datasets.node21_json import write_node21_json


@pytest.fixture
def data(tmp_path: Path) -> tuple[Path, Path]:
    """Detections and their truth."""
    true, made = drawn(30)
    folder = write_pictures(true, tmp_path / "data")
    write_node21(true, folder)
    write_node21_json(made, tmp_path / "nodules.json")
    return tmp_path / "nodules.json", folder


def test_the_measures_are_printed_and_written_with_a_page(capfd: Any, data: tuple[Path, Path]) -> None:
    out = data[0].parent / "score"

    ran = run(capfd, "detect", "score", *data, "--output", out)

    assert (ran.code, ran.lines) == (0, [])
    assert "Research use only" in ran.out
    measures = json.loads((out / "score.json").read_text())["measures"]
    rows = {row["measure"]: row for row in csv.DictReader((out / "score.csv").open())}
    assert set(rows) == set(measures)
    assert {"AUC of images", "NODE21 score", "mAP@50", "sensitivity at 0.25"} <= set(measures)
    for name, figure in measures.items():
        low, high = figure["interval"]
        assert low <= figure["value"] <= high
        assert float(rows[name]["value"]) == figure["value"]
        assert f"{figure['value']:.4f}" in ran.out
    page = (out / "index.html").read_text()
    assert page.count("<svg") == 3
    assert "Missed: " in page
    assert "False positive: " in page
    assert not re.findall(r"(?:src|href)=.(?!data:)", page)
    nodules = sum(len(image.boxes) for image in drawn(30)[0])
    assert len(list(csv.DictReader((out / "nodules.csv").open()))) == nodules


def test_it_is_scored_without_the_images(capfd: Any, data: tuple[Path, Path]) -> None:
    table = data[0].parent / "table" / "metadata.csv"
    table.parent.mkdir()
    table.write_bytes((data[1] / "metadata.csv").read_bytes())

    with_images, without = run(capfd, "detect", "score", *data), run(capfd, "detect", "score", data[0], table)

    assert with_images.code == without.code == 0
    assert with_images.out.partition("## ")[2].split("## Nod")[0] == without.out.partition("## ")[2].split("## Nod")[0]


def test_a_score_is_only_replaced_where_asked_for(capfd: Any, data: tuple[Path, Path]) -> None:
    out = data[0].parent / "score"
    run(capfd, "detect", "score", *data, "--output", out)

    refused = run(capfd, "detect", "score", *data, "--output", out)
    replaced = run(capfd, "detect", "score", *data, "--output", out, "--iou", "0.5", "--overwrite")
    other = run(capfd, "detect", "score", *data, "--output", data[1], "--overwrite")

    assert (refused.code, replaced.code, other.code) == (2, 0, 2)
    assert json.loads((out / "score.json").read_text())["iou"] == 0.5
    assert "contains other things than a score" in other.lines[0]


def test_bad_input_is_one_sentence_and_leaves_nothing(capfd: Any, data: tuple[Path, Path]) -> None:
    bad, out = data[0].parent / "bad.json", data[0].parent / "score"
    bad.write_text("no json")
    for arguments, said in (
        ((bad, data[1]), "cannot be read as JSON"),
        ((data[0], data[0].parent / "nowhere"), "does not exist"),
        ((*data, "--iou", "2"), "is not an overlap"),
    ):
        ran = run(capfd, "detect", "score", *arguments, "--output", out)

        assert (ran.code, len(ran.lines)) == (2, 1)
        assert said in ran.lines[0]
        assert not out.exists()
