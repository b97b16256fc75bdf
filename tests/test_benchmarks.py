"""Each benchmark runs in its tiny mode and prints its table; no figure is looked at."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.__main__ import main
from benchmarks.quality import ROWS
from monai_inpaint import Image, write_image

pytest.importorskip("skimage")
pytest.importorskip("cv2")


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


def table_of(printed: str) -> list[list[str]]:
    """Cells of the rows under the heading; every row must be as wide as the heading."""
    rows = [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in printed.splitlines()
        if line.startswith("|")
    ]
    assert len({len(row) for row in rows}) == 1
    return rows[2:]


@pytest.mark.parametrize(
    ("name", "rows"), [("speed", 5), ("start", 3), pytest.param("volume", 4, marks=pytest.mark.slow)]
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
    rows = table_of(capsys.readouterr().out)
    assert [row[0].split(",")[0] for row in rows] == ["cxr", "ct", "mr"]
    assert [row[1] for row in rows] == ["4", "0", "1"]  # the CT is an 8-bit picture, which holds no HU


def test_trust_has_a_row_for_each_protocol(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trust", "--tiny", "--data", str(data), "--limit", "1"]) == 0
    rows = table_of(capsys.readouterr().out)
    assert rows[0][:2] == ["cxr, cxr-centre", "2"]
    assert rows[0][2].endswith(" %")


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
def test_an_unknown_name_or_missing_data_is_told(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert all(name in said for name in ("precision", "quality"))


def test_leaving_rows_out_keeps_the_names_that_seed_the_holes(tmp_path):
    from benchmarks.quality import Row, _listed
    from monai_inpaint.evaluation.datalist import read_data_list

    for name in ("kept/a.png", "left/b.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "list.csv").write_text("path,modality\nkept/a.png,CT\nleft/b.png,CT\n")
    (tmp_path / "scratch").mkdir()
    options = SimpleNamespace(data=tmp_path / "list.csv")

    (entry,) = read_data_list(_listed(Row("", "", "ct", without="left/"), options, tmp_path / "scratch"))

    assert entry.name == "kept/a.png"
    assert entry.path.read_bytes() == b"x"
