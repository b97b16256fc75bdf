"""The whole of an evaluation on small synthetic images."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from chromium import needs_chromium, shown
from evaluation_samples import list_of_films, phantom_head
from scipy.stats import wilcoxon

from monai_inpaint.errors import InputError

pytest.importorskip("skimage")
pytest.importorskip("cv2")

from monai_inpaint.evaluation import evaluate, fill_methods, run
from monai_inpaint.evaluation.classical import METHODS, fill_ring_mean
from monai_inpaint.evaluation.gain_charts import gain_charts, ticks
from monai_inpaint.evaluation.measure import MEASURES
from monai_inpaint.evaluation.summary import Result, Summary, label_among
from monai_inpaint.evaluation.tables import tables
from monai_inpaint.reports import comparison_page

CLASSICAL = list(METHODS)


@pytest.fixture
def films(tmp_path) -> Path:
    return list_of_films(tmp_path / "data")


def test_an_evaluation_writes_tables_and_a_page_with_pictures(films, tmp_path):
    steps = []
    summary = evaluate(
        films, "cxr-centre", CLASSICAL, tmp_path / "out", split="val", progress=lambda *step: steps.append(step)
    )
    out = tmp_path / "out"
    written = sorted(path.name for path in out.iterdir())
    assert written == ["cases.csv", "index.html", "skipped.csv", "summary.csv", "summary.md"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "out"]
    assert steps[0] == (0, 5)
    assert steps[-1] == (5, 5)

    rows = list(csv.DictReader(io.StringIO((out / "cases.csv").read_text())))
    assert len(rows) == 4 * 2 * len(CLASSICAL)
    assert {row["method"] for row in rows} == set(CLASSICAL)
    mean = np.mean([float(r["psnr"]) for r in rows if r["method"] == "telea" and r["variant"] == "all hidden"])
    assert summary.average("telea", "psnr", "all hidden").mean == pytest.approx(mean)

    text = (out / "summary.md").read_text()
    for words in (
        "cxr-centre",
        "seed 0",
        "split val",
        "8 of 3 patients",
        "0-255",
        "telea",
        "hardware",
        "date",
        "numpy",
    ):
        assert words in text
    assert "Not measured (1)" in text
    assert str(tmp_path) not in text
    assert [name for name, _ in summary.skipped] == ["notes.txt"]

    page = (out / "index.html").read_text()
    assert "Research use only" in page
    assert "best of telea" in page
    assert "worst of ring" in page
    assert page.count("data:image/png;base64,") >= 2 * (2 + 2 * len(CLASSICAL))
    assert 'src="http' not in page


def test_an_evaluation_of_volumes_shows_three_planes_and_says_what_was_left_out(tmp_path):
    from monai_inpaint import write_image

    (tmp_path / "data").mkdir()
    write_image(phantom_head(), tmp_path / "data" / "head.nii.gz")
    write_image(phantom_head((96, 88, 7)), tmp_path / "data" / "thin.nii.gz")
    (tmp_path / "data" / "list.csv").write_text("path,modality\nhead.nii.gz,MR\nthin.nii.gz,MR\n")
    summary = evaluate(tmp_path / "data" / "list.csv", "ellipsoid", CLASSICAL, tmp_path / "out")
    assert summary.failed == []
    assert summary.variants == ["20 mm", "35 mm"]
    assert len({(result.case, result.variant) for result in summary.results}) == 4
    assert summary.skipped == [("thin.nii.gz", "7 slices, and the protocol needs at least 8.")]
    page = (tmp_path / "out" / "index.html").read_text()
    assert "axial, coronal and sagittal" in page
    assert page.count('class="row wide"') == page.count("<section>")


def test_the_same_evaluation_gives_the_same_figures(films, tmp_path):
    first, second = (
        evaluate(films, "free-form", ["ring"], tmp_path / name, modality="CR", limit=3, seed=2) for name in ("a", "b")
    )
    assert [r.figures for r in first.results] == [r.figures for r in second.results]


def test_the_figures_of_an_image_do_not_depend_on_the_rest_of_the_list(films, tmp_path):
    every = evaluate(films, "free-form", ["ring"], tmp_path / "a", modality="CR")
    some = evaluate(films, "free-form", ["ring"], tmp_path / "b", modality="CR", split="train")
    psnr = {result.case: result.figures["psnr"] for result in every.results}
    assert all(psnr[result.case] == result.figures["psnr"] for result in some.results)


def test_a_method_that_fails_on_a_case_is_reported_and_the_rest_goes_on(films, tmp_path, monkeypatch):
    def moody(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
        if image.shape == (128, 128) and hole.sum() < 4000:
            raise RuntimeError("no mood for rings")
        return fill_ring_mean(image, hole)

    monkeypatch.setitem(fill_methods.METHODS, "moody", moody)
    summary = evaluate(films, "cxr-centre", ["ring", "moody"], tmp_path / "out", source="here", split="train")
    assert len(summary.failed) == 2
    assert len(summary.of("moody")) == 2
    assert len(summary.of("ring")) == 4
    assert "RuntimeError: no mood for rings" in (tmp_path / "out" / "cases.csv").read_text()
    assert "Failed (2)" in (tmp_path / "out" / "summary.md").read_text()


def test_an_image_that_cannot_be_used_does_not_count_against_the_limit(films, tmp_path):
    rows = films.read_text().splitlines()
    films.write_text(
        "\n".join([rows[0], *(f"missing{n}.png," + ",".join(rows[1].split(",")[1:]) for n in range(20)), *rows[1:]])
    )
    summary = evaluate(films, "cxr-centre", ["ring"], tmp_path / "out", limit=2)
    assert len({result.case for result in summary.results}) == 2


def test_an_image_whose_own_modality_is_not_the_protocols_is_left_out(films, tmp_path, monkeypatch):
    rows = films.read_text().splitlines()
    films.write_text("\n".join(["path", *(row.partition(",")[0] for row in rows[1:4])]))
    as_read = run.read_image

    def read(path):
        return replace(as_read(path), modality="ct" if path.name == "0.png" else "cxr")

    monkeypatch.setattr(run, "read_image", read)
    summary = evaluate(films, "cxr-centre", ["ring"], tmp_path / "out")
    assert summary.skipped == [("films/0.png", "it is ct, protocol cxr-centre is for cxr.")]


def test_a_smaller_limit_takes_some_of_the_same_cases(films, tmp_path):
    few, more = (
        {r.case: r.figures for r in evaluate(films, "free-form", ["ring"], tmp_path / str(n), limit=n).results}
        for n in (2, 4)
    )
    assert (len(few), len(more)) == (2, 4)
    assert few.items() <= more.items()


def test_a_limit_reads_no_more_images_than_it_needs(films, tmp_path, monkeypatch):
    read = []
    as_read = run.read_image
    monkeypatch.setattr(run, "read_image", lambda path: read.append(path) or as_read(path))
    summary = evaluate(films, "cxr-centre", ["ring"], tmp_path / "out", limit=2, split="train")
    assert len(set(read)) == 2 == len({result.case for result in summary.results})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"protocol": "circle"}, "cxr-centre"),
        ({"methods": []}, "telea"),
        ({"methods": ["ring", "ring"]}, "twice"),
        ({"limit": 0}, "limit"),
        ({"seed": -1}, "negative"),
        ({"source": "there", "protocol": "slice-square"}, "none.png"),
        ({"source": "there"}, "is for cxr"),
        ({"features": "none.safetensors"}, "none.safetensors"),
        ({"output": "data"}, "exists"),
        ({"output": "missing/out"}, "does not exist"),
    ],
)
def test_bad_arguments_are_the_users_fault_and_leave_nothing_behind(films, tmp_path, options, words):
    if "features" in options:
        pytest.importorskip("torch")
    given = {"protocol": "cxr-centre", "methods": ["ring"], "output": "out"} | options
    given["output"] = tmp_path / given["output"]
    with pytest.raises(InputError, match=words) as caught:
        evaluate(films, given.pop("protocol"), given.pop("methods"), given.pop("output"), **given)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_gain_compares_images_that_both_methods_filled():
    def result(case: str, method: str, psnr: float | None) -> Result:
        figures = {} if psnr is None else {"psnr": psnr}
        return Result(case, case, "mr", "v", 0, 1, 9, method, 0.1, figures, "" if figures else "failed")

    results = [result("a", "ring", 10), result("b", "ring", 20), result("a", "net", 13), result("b", "net", None)]
    summary = Summary({}, results, ["ring", "net"], ["ring"], [], Path())
    assert summary.best_classical() == "ring"
    assert summary.gain("net", "ring").mean == 3
    assert summary.gain("net", "ring").count == 1
    assert summary.average("ring", "psnr").deviation == 5
    assert np.isnan(summary.told_apart("ring"))


def test_the_table_says_how_many_fills_are_told_apart_from_the_truth():
    rng = np.random.default_rng(0)

    def result(number: int, method: str, shift: float) -> Result:
        features = (shift + rng.normal(0, 1, 8)).astype(np.float32)
        return Result(f"{number}", f"{number}", "mr", "v", 0, 1, 9, method, 0.1, {"psnr": 9}, features=features)

    results = [result(number, name, shift) for number in range(40) for name, shift in (("bad", 9), ("good", 0))]
    (table,) = tables(Summary({}, results, ["bad", "good"], [], [], Path()))
    column = table.heading.index("told apart %")
    shares = {row[0]: int(row[column]) for row in table.rows}
    assert shares["bad"] == 100
    assert 25 < shares["good"] < 75


def gains_of(gains: dict[str, list[float]], sizes: list[int] | None = None) -> Summary:
    """A method whose gain over "ring" is each patient's; holes of these sizes, or all alike."""
    results = []
    for patient, found in gains.items():
        for number, gain in enumerate(found):
            pixels = sizes[len(results) // 2] if sizes else 9
            for method, psnr in (("ring", 10.0), ("some/where/net", 10.0 + gain)):
                case = f"{patient}-{number}"
                results.append(Result(case, patient, "mr", "v", 0, 1, pixels, method, 0.1, {"psnr": psnr}))
    return Summary({}, results, ["ring", "some/where/net"], ["ring"], [], Path())


def test_the_table_compares_by_patient_with_an_interval_and_a_paired_test():
    gains = {f"{n}": [n / 10, n / 10 + 2] for n in range(1, 9)}
    (table,) = tables(gains_of(gains))
    row = dict(zip(table.heading, table.rows[1], strict=True))
    mean, low, high = (float(part) for part in re.findall(r"[+-][\d.]+", row["mean by patient, 95 %"]))
    exact = wilcoxon([np.mean(found) for found in gains.values()]).pvalue

    assert row["method"] == "net"
    assert mean == pytest.approx(1.45)
    assert low < mean < high
    assert float(row["p"]) == pytest.approx(exact, abs=1e-3)
    assert (table.rows[0][-3], table.rows[0][-2]) == ("", "")  # the classical method itself


@pytest.mark.slow
@needs_chromium
def test_all_columns_fit_a_window_of_1280_pixels_and_no_figure_is_parted_from_its_deviation(tmp_path):
    methods = ["navier-stokes", "cxr_context_encoder_patches:sample"]
    figures = {
        "ssim": 0.5,
        "uqi": 0.5,
        "lpips": 0.5,
        "sharpness": 100.5,
        "mse": 1234.5,
        "mae": 99.5,
        "mae_units": 999.5,
    }
    results = [
        Result(f"case {n}", f"{n}", "cxr", "v", 0, 4095, 9, method, 1.2345, {"psnr": 20.0 + n + m * n / 9, **figures})
        for m, method in enumerate(methods)
        for n in range(8)
    ]
    compared = tables(Summary({}, results, methods, methods[:1], [], Path()))
    (tmp_path / "page.html").write_text(comparison_page("Evaluation", [], tables=compared), encoding="utf-8")
    with shown(tmp_path / "page.html") as page:
        wide, room = page.evaluate("""() => { const table = document.querySelector("table");
            return [table.scrollWidth, table.parentElement.clientWidth]; }""")
        lines = [line for cell in page.locator("td").all_inner_texts() for line in cell.splitlines()]
        heights = page.evaluate("[...document.querySelectorAll('td')].map((one) => one.clientHeight)")

    assert len(compared[0].heading) == len(MEASURES) + 6
    assert wide <= room < 1280
    assert "±\u00a00.00" in "".join(lines)
    assert max(heights) < 90  # three lines


def test_too_few_patients_are_not_tested():
    (table,) = tables(gains_of({"one": [1.0, 2.0]}))
    row = dict(zip(table.heading, table.rows[1], strict=True))
    assert (row["mean by patient, 95 %"], row["p"]) == ("+1.50", "-")


def test_gains_are_drawn_by_case_and_where_holes_differ_by_their_size():
    alike, differing = gains_of({"a": [1, -1, 3]}), gains_of({"a": [1, -1, 3]}, sizes=[100, 900, 4000])

    assert len(gain_charts(alike)) == 1
    by_case, by_size = gain_charts(differing)
    assert "gain of each case" in by_case
    assert by_size.count("<circle") == 3
    assert gain_charts(gains_of({"a": [1, 2]})) == []


@pytest.mark.parametrize(("low", "high"), [(0, 0.3), (-2.4, 7), (0, 0), (-0.01, 0.02), (-130, 12)])
def test_the_numbers_of_an_axis_are_round_and_enclose_the_values(low, high):
    found = ticks(low, high)
    assert found[0] <= low
    assert found[-1] >= high
    assert 1 <= len(found) <= 11
    assert np.allclose(np.diff(found), found[1] - found[0] if len(found) > 1 else 0)


def test_a_bundle_given_by_its_path_goes_by_its_folder_unless_another_has_the_same_name():
    assert label_among("/home/me/net", ["ring", "/home/me/net"]) == "net"
    assert label_among("C:\\me\\net\\", ["ring", "C:\\me\\net\\"]) == "net"
    assert label_among("a/net", ["a/net", "b/net"]) == "a/net"
    assert label_among("ring", ["ring", "a/net"]) == "ring"
