"""How abnormality maps are measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lung_samples import LEFT, RIGHT, film
from printed_tables import table_of

from benchmarks.__main__ import main
from benchmarks.abnormality import FALSE_POSITIVES, Boxed, auroc, boxed_of, froc_area, overlap
from monai_inpaint import Image, write_image
from monai_inpaint.anomaly import Candidate


def test_the_table_has_a_row_for_each_map(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["path,modality,split"]
    for name in ("boxed", "NORMAL_a", "PNEUMONIA_a"):
        pixels = film(RIGHT, LEFT, shape=(128, 128)) + 10 * len(lines)
        write_image(Image(pixels.clip(0, 255).astype(np.uint8)), tmp_path / f"{name}.png")
        lines.append(f"{name}.png,CR,val")
    (tmp_path / "data.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "boxes.csv").write_text("image,label,x,y,w,h\nboxed.png,nodule,20,40,30,30\n", encoding="utf-8")
    words = ["abnormality", "--tiny", "--data", str(tmp_path / "data.csv"), "--boxes", str(tmp_path / "boxes.csv")]

    assert main(words) == 0

    printed = capsys.readouterr().out
    rows = table_of(printed)
    assert [row[0] for row in rows] == ["raw difference", "raw difference, smoothed", "abnormality map"]
    assert all(row[1].endswith(" of 1") for row in rows)
    assert "hardware: " in printed


def test_without_boxes_only_sick_and_healthy_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pixels = film(RIGHT, LEFT, shape=(128, 128))
    write_image(Image(pixels.clip(0, 255).astype(np.uint8)), tmp_path / "film.png")
    (tmp_path / "data.csv").write_text("path,modality,split\nfilm.png,CR,val\n", encoding="utf-8")

    assert main(["abnormality", "--tiny", "--data", str(tmp_path / "data.csv")]) == 0

    assert {tuple(row[1:]) for row in table_of(capsys.readouterr().out)} == {("0 of 0", "-", "-")}


def test_froc_counts_each_box_once_and_false_positives_a_film() -> None:
    films = [
        Boxed(True, [(5.0, {0}), (4.0, set()), (2.0, {0})], 1),
        Boxed(False, [(3.0, set()), (1.0, {0})], 1),
    ]

    # half of the boxes up to one false positive a film, all from there on
    assert froc_area(films) == pytest.approx((0.5 + (FALSE_POSITIVES - 1)) / FALSE_POSITIVES)
    assert froc_area([Boxed(False, [(1.0, set())] * 9, 1)]) == 0


def test_the_peak_and_the_candidates_are_held_against_the_boxes() -> None:
    values = np.zeros((40, 40))
    values[10:20, 10:20] = 2
    values[30:35, 30:35] = 1

    film = boxed_of(values, [(12, 8, 22, 18), (0, 30, 5, 35)])

    assert (film.pointed, film.found, film.boxes) == (False, [(2.0, {0}), (1.0, set())], 2)
    assert boxed_of(values, [(9, 9, 14, 14)]).pointed


def test_overlap_is_intersection_over_union() -> None:
    assert overlap(Candidate(0, 0, 10, 10, 1.0), (5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert overlap(Candidate(0, 0, 10, 10, 1.0), (20, 0, 30, 10)) == 0


def test_auroc_counts_ties_for_half() -> None:
    assert auroc([0.0, 1.0], [1.0, 2.0]) == pytest.approx(3.5 / 4)
