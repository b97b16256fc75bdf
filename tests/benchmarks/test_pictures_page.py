"""The page of pictures: cut out of the pages of `evaluate`, of images that may be shown or of one's own list."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from evaluation_samples import list_of_films, smooth, square_hole
from PIL import Image as Picture

pytest.importorskip("skimage")
pytest.importorskip("cv2")

from benchmarks import quality, samples
from benchmarks.__main__ import main
from benchmarks.quality import Row
from benchmarks.strips import CAPTION, GAP, HEIGHT, shown, strip
from monai_inpaint import read_image
from monai_inpaint.reports import Comparison, compare

ROW = HEIGHT + CAPTION + GAP


@pytest.fixture
def quick_films(monkeypatch: pytest.MonkeyPatch) -> None:
    """Films that need not be computed from a thorax, which takes seconds."""
    monkeypatch.setattr(samples, "chest_film", lambda seed: (16 * smooth((512, 512), seed)).astype(np.uint16))


def case(title: str, shape: tuple[int, int] = (200, 180)) -> Comparison:
    truth, hole = smooth(shape), square_hole(shape, 80, 60, 40)
    fills = {"ring": truth + hole, "mr": truth - hole}
    return compare(title, truth, hole, fills, low=0, high=255, truth=truth, note=f"worst of {title}")


def test_cases_are_shown_without_their_differences() -> None:
    cases = [shown(case("a & b - square")), shown(case("c - square"))]
    assert [(one.title, one.note) for one in cases] == [
        ("a & b - square", "worst of a & b - square"),
        ("c - square", "worst of c - square"),
    ]
    assert list(cases[0].pictures) == ["source, hole covered", "truth, hole outlined", "ring", "mr"]
    assert cases[0].pictures["mr"].size == (180, 200)


def test_a_strip_has_a_row_for_each_case_cut_to_what_lies_around_its_hole() -> None:
    whole = strip([shown(case("a")), shown(case("b"))])
    # a hole of 40 pixels amid 200 x 180: rows and columns are cut alike
    assert whole.size == (4 * (HEIGHT + GAP), 2 * ROW)


def test_planes_of_volumes_stand_a_method_under_the_other_and_a_case_beside_the_other() -> None:
    truth = np.tile(smooth((100, 100)), 4)
    hole = np.tile(square_hole((100, 100), 30, 30, 40), 4)
    volume = compare("a", truth, hole, {"mr": truth}, low=0, high=255, truth=truth, note="best of mr")
    whole = strip([shown(volume), shown(volume)])
    assert whole.height == 3 * ROW
    assert whole.width > 2 * 2 * HEIGHT


def test_without_a_list_the_page_shows_images_that_packages_carry_or_that_are_computed(
    quick_films: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("nilearn")
    monkeypatch.setattr(samples, "ROWS", (Row("CT slice", "slice-square", "ct", "ct"),))
    assert main(["pictures", "--output", str(tmp_path / "made")]) == 0
    page = (tmp_path / "made" / "index.md").read_text(encoding="utf-8")
    assert str(tmp_path / "made" / "index.md") in capsys.readouterr().out
    assert "Research use only" in page
    (name,) = re.findall(r"!\[[^]]*\]\((.*?)\)", page)
    with Picture.open(tmp_path / "made" / name) as whole:
        assert whole.height == 3 * ROW
    shown = [line for line in page.splitlines() if line.startswith(("| 1 |", "| 2 |", "| 3 |"))]
    assert all("slice-" in line and "-1000 to 1000" in line for line in shown)
    for method in ("ring", "telea", "navier-stokes", "biharmonic", "ct", "ct:sample"):
        assert all(sum(f"{rank} of {method} (" in line for line in shown) == 1 for rank in ("best", "median", "worst"))
    assert not list((tmp_path / "made").glob("*.html"))


def test_with_a_list_whole_pages_are_kept_too_and_rows_it_has_no_images_for_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = (Row("films", "cxr-centre", "cxr", "here"), Row("slices", "slice-square", "mr", "there"))
    monkeypatch.setattr(quality, "ROWS", rows)
    data = list_of_films(tmp_path / "data")
    assert main(["pictures", "--data", str(data), "--output", str(tmp_path / "made")]) == 0
    page = (tmp_path / "made" / "index.md").read_text(encoding="utf-8")
    linked = re.findall(r"\]\((.*?)\)", page)
    assert sorted(linked) == sorted(path.name for path in (tmp_path / "made").iterdir() if path.name != "index.md")
    assert "not shown: slices, slice-square" in capsys.readouterr().out


def test_the_samples_are_a_data_list_of_images_that_can_be_read(quick_films: None, tmp_path: Path) -> None:
    pytest.importorskip("nilearn")
    data = samples.write_samples(tmp_path / "samples")
    with data.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["source"] for row in rows} == {row.source for row in samples.ROWS}
    for row in rows:
        image = read_image(data.parent / row["path"])
        assert min(image.voxels.shape[:2]) >= 128


def test_without_a_folder_for_the_pictures_one_sentence_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pictures"]) == 2
    assert "--output" in capsys.readouterr().err
