"""Each benchmark runs in its tiny mode and prints its table; no figure is looked at."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from printed_tables import table_of
from scipy.ndimage import binary_dilation

from benchmarks import downstream
from benchmarks.__main__ import main
from benchmarks.deploy.app import PYTHON
from benchmarks.quality import ROWS
from monai_inpaint import Image, write_image
from monai_inpaint.evaluation.case import EvaluationCase
from monai_inpaint.evaluation.protocol_interface import Method

pytest.importorskip("skimage")
pytest.importorskip("cv2")

NEEDS_APP = pytest.mark.skipif(not PYTHON.exists(), reason="needs what make test-deploy installs")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A list of two films, a CT and an MR slice; only the films can stand in the table of quality."""
    rng = np.random.default_rng(0)
    i, j = np.mgrid[:256, :256] / 256
    lines = ["path,source,modality,patient,split"]
    for name, source, modality in (("a", "nih", "CR"), ("b", "nih", "CR"), ("c", "x", "CT"), ("d", "x", "MR")):
        smooth = 120 + 80 * np.sin(5 * i + len(lines)) * np.cos(7 * j) + rng.normal(0, 5, i.shape)
        write_image(Image(np.clip(smooth, 0, 255).astype(np.uint8)), tmp_path / f"{name}.png")
        lines.append(f"{name}.png,{source},{modality},patient-{name},val")
    path = tmp_path / "data.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("speed", 5),
        ("start", 4),
        pytest.param("at_scale", 2, marks=pytest.mark.slow),
        ("cohort", 2),
        ("read_back", 6),
        pytest.param("volume", 4, marks=pytest.mark.slow),
        pytest.param("deploy.kills", 1, marks=pytest.mark.slow),
        pytest.param("deploy.app", 3, marks=[pytest.mark.slow, pytest.mark.deploy, NEEDS_APP]),
    ],
)
def test_a_benchmark_prints_its_table_with_hardware_and_date(
    name: str, rows: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([name, "--tiny"]) == 0
    printed = capsys.readouterr().out
    assert len(table_of(printed)) >= rows
    assert "hardware: " in printed
    assert "date: " in printed


def test_precision_has_a_row_for_each_bundle(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["precision", "--tiny", "--data", str(data)]) == 0
    in_bfloat16, in_half = map(table_of, capsys.readouterr().out.split("## ")[1:])
    for rows in (in_bfloat16, in_half):
        assert [row[0].split(",")[0] for row in rows] == ["cxr", "ct", "mr"]
        assert [row[1] for row in rows] == ["4", "0", "1"]  # the CT is an 8-bit picture, which holds no HU


def test_trust_has_a_row_for_each_protocol(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trust", "--tiny", "--data", str(data), "--limit", "1"]) == 0
    rows = table_of(capsys.readouterr().out)
    assert rows[0][:2] == ["cxr, cxr-centre", "2"]
    assert rows[0][2].endswith(" %")


def test_find_has_a_row_for_each_artifact_and_leaves_files_of_labels_out(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = data.parent / "t1_seg_gif.png"
    shutil.copyfile(data.parent / "d.png", labels)
    with data.open("a", encoding="utf-8") as file:
        file.write(f"{labels.name},y,MR,patient-e,val\n")

    assert main(["find", "--data", str(data), "--limit", "2"]) == 0

    rows = {row[0]: row[1:] for row in table_of(capsys.readouterr().out)}
    assert [*rows] == [
        f"{modality}, {kind}"
        for modality, first in (("cxr", "metal"), ("mr", "voids"))  # the CT is a picture, without Hounsfield units
        for kind in (first, "bars", "text", "no artifact")
    ]
    assert [rows[f"{modality}, no artifact"][0] for modality in ("cxr", "mr")] == ["2 / 2", "1 / 1"]
    assert all(re.fullmatch(r"[01]\.\d\d ± [01]\.\d\d", row[1]) for name, row in rows.items() if "no art" not in name)


def test_downstream_has_a_row_for_each_variant(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["downstream", "--tiny", "--data", str(data), "--limit", "2"]) == 0
    rows = table_of(capsys.readouterr().out)
    assert [row[:3] for row in rows[:4]] == [
        ["cxr, cxr-centre, all hidden", "2 / 2", "0"],
        ["cxr, cxr-centre, ring visible", "2 / 2", "0"],
        ["ct, slice-square", "0 / 0", "0"],  # the CT is an 8-bit picture, which holds no HU
        ["ct, ellipsoid", "0 / 0", "0"],
    ]
    assert [row[0] for row in rows[4:]] == ["mr, slice-square, square", "mr, lesion, lesion"]
    assert all(0 <= float(cell) <= 1 for cell in rows[0][3:6])
    assert re.fullmatch(r"[+-]0\.\d{3} ± 0\.\d{3}", rows[0][7])
    assert re.fullmatch(r"lung [+-]\d+\.\d, rest [+-]\d+\.\d", rows[0][9])


def halves(modality: str, left: float, right: float) -> EvaluationCase:
    """A noisy image of two halves, with a hole in the middle of it."""
    truth = np.full((64, 64), left, np.float32)
    truth[:, 32:] = right
    truth += np.random.default_rng(0).normal(0, 1, truth.shape).astype(np.float32)
    hole = np.zeros(truth.shape, bool)
    hole[16:48, 16:48] = True
    return EvaluationCase("a", "patient-a", truth, hole, 0, 255, modality, "square")


@pytest.mark.parametrize("modality", ["cxr", "mr", "ct"])
def test_downstream_thresholds_never_see_the_truth_inside_the_hole(modality: str) -> None:
    case = halves(modality, 50, 200)
    other = replace(case, truth=np.where(case.hole, 1e4, case.truth).astype(np.float32))
    thresholds = downstream.thresholds_of(case)
    assert thresholds is not None
    assert len(thresholds) == len(downstream.CLASSES[modality]) - 1
    assert modality == "mr" or 50 < thresholds[-1] < 200
    np.testing.assert_array_equal(downstream.thresholds_of(other), thresholds)


def test_downstream_tells_a_true_fill_from_one_that_is_off_by_a_known_area() -> None:
    case = halves("cxr", 50, 200)
    shifted = np.roll(case.truth, -8, axis=1)  # a quarter of the hole more of the bright class
    true = Method("true", "", (), lambda case: case.truth)
    off = Method("off", "", (), lambda case: np.where(case.hole, shifted, case.truth))
    measured = downstream._measured(case, [true, off])
    assert measured is not None
    assert measured.dice == pytest.approx([1, (2 / 3 + 4 / 5) / 2], abs=0.02)
    np.testing.assert_allclose(measured.areas, [[0, 0], [-25, 25]], atol=1)


def test_a_class_with_few_voxels_does_not_count_downstream() -> None:
    truth = np.repeat([0, 1, 2], [500, 495, 5])
    fill = np.repeat([0, 1], [500, 500])
    assert downstream.present_in(truth) == [0, 1]
    assert downstream.mean_dice(truth, fill) == pytest.approx((1 + 2 * 495 / 995) / 2)


@pytest.mark.parametrize("modality", ["cxr", "ct", "mr"])
def test_a_hole_without_a_boundary_is_left_out_downstream(modality: str) -> None:
    case = halves(modality, 50, 200)
    around = binary_dilation(case.hole, iterations=6)  # farther than the smoothing before the thresholds reaches
    flat = replace(case, truth=np.where(around, -100, case.truth).astype(np.float32))
    nothing = replace(case, truth=np.full_like(case.truth, 50))  # no thresholds either, but for CT
    fill = Method("fill", "", (), lambda case: case.voided)
    assert downstream._measured(flat, [fill]) is None
    assert downstream._measured(nothing, [fill]) is None


def test_quality_has_the_rows_that_the_list_allows_and_names_the_others(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept"
    assert main(["quality", "--tiny", "--data", str(data), "--output", str(kept)]) == 0
    printed = capsys.readouterr().out
    rows = table_of(printed)
    # two variants of cxr-centre, and free-form; the films are too small for cxr-patch
    protocols = [protocol for row in rows for protocol in ("cxr-centre", "free-form") if protocol in row[0]]
    assert protocols == ["cxr-centre", "cxr-centre", "free-form"]
    assert all(row[1] == "2 / 2" for row in rows)
    assert printed.count("not measured: ") == len(ROWS) - 2
    assert len(list(kept.glob("*/index.html"))) == 2


@pytest.mark.parametrize("words", [["nothing"], ["quality"]])
def test_an_unknown_name_or_missing_data_is_reported(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert all(name in said for name in ("precision", "quality"))


def test_leaving_rows_out_keeps_the_names_that_seed_the_holes(tmp_path):
    from benchmarks.quality import Row, listed
    from monai_inpaint.evaluation.datalist import read_data_list

    for name in ("kept/a.png", "left/b.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "list.csv").write_text("path,modality\nkept/a.png,CT\nleft/b.png,CT\n")
    (tmp_path / "scratch").mkdir()
    options = SimpleNamespace(data=tmp_path / "list.csv")

    (entry,) = read_data_list(listed(Row("", "", "ct", without="left/"), options, tmp_path / "scratch"))

    assert entry.name == "kept/a.png"
    assert entry.path.read_bytes() == b"x"
