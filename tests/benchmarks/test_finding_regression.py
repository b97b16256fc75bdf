"""How place and size of a finding are regressed from maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lung_samples import LEFT, RIGHT, film
from printed_tables import table_of

from benchmarks.__main__ import main
from benchmarks.finding_regression import centre_error, left_out, mean_box, moments, peak_box, ridge_box, shared
from monai_inpaint import Image, write_image


def _films(tmp_path: Path, count: int) -> list[str]:
    lines, boxes = ["path,modality,split"], ["image,label,x,y,w,h"]
    for number in range(count):
        pixels = film(RIGHT, LEFT, shape=(128, 128)).astype(float)
        pixels[40 : 70 + 2 * number, 20:50] += 40
        write_image(Image(pixels.clip(0, 255).astype(np.uint8)), tmp_path / f"film{number}.png")
        lines.append(f"film{number}.png,CR,val")
        boxes.append(f"film{number}.png,nodule,20,40,30,{30 + 2 * number}")
    (tmp_path / "data.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "boxes.csv").write_text("\n".join(boxes) + "\n", encoding="utf-8")
    return ["finding_regression", "--data", str(tmp_path / "data.csv"), "--boxes", str(tmp_path / "boxes.csv")]


def test_the_table_has_a_row_for_each_prediction(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(_films(tmp_path, 4)) == 0

    rows = table_of(capsys.readouterr().out)
    assert [row[0].split()[0] for row in rows] == ["mean", "highest", "ridge", "ridge"]
    assert all(row[3].endswith(" of 4") for row in rows)
    assert rows[0][3] == "4 of 4"  # boxes that hardly differ are found by their mean


def test_two_films_are_too_few(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(_films(tmp_path, 2)) == 2

    assert "at least 3 films with boxes are needed, there are 2" in capsys.readouterr().err


def test_a_film_is_predicted_without_its_own_box() -> None:
    rng = np.random.default_rng(0)
    features, boxes = rng.normal(size=(6, 6)), rng.normal(size=(6, 4))
    other = boxes.copy()
    other[2] += 100

    for predictor in (mean_box, peak_box, ridge_box):
        assert np.array_equal(left_out(predictor, features, boxes)[2], left_out(predictor, features, other)[2])


def test_ridge_regression_finds_what_depends_on_the_map_linearly() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(400, 6))
    boxes = features @ rng.normal(size=(6, 4)) + 3.0

    assert np.abs(left_out(ridge_box, features, boxes) - boxes).max() < 0.1


def test_moments_are_the_place_and_spread_of_the_map() -> None:
    values = np.zeros((100, 200))
    values[20:40, 100:140] = 1.0
    values[25, 110] = 2.0

    x, y, wide, high, *highest = moments(values)

    assert (x, y) == pytest.approx((0.6, 0.15), abs=0.002)
    assert (wide, high) == pytest.approx((0.2 / np.sqrt(12), 0.1 / np.sqrt(12)), rel=0.02)
    assert highest == [110.5 / 200, 25.5 / 200]


def test_errors_are_those_of_the_boxes() -> None:
    box = np.array([0.5, 0.5, np.log(0.2), np.log(0.2)])
    beside = np.array([0.6, 0.5, np.log(0.2), np.log(0.2)])

    assert centre_error(beside, box) == pytest.approx(0.1)
    assert shared(beside, box) == pytest.approx(1 / 3)
    assert shared(box, box) == pytest.approx(1.0)
