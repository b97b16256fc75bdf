"""The benchmark for GPUs, rehearsed on a CPU; no figure is looked at."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tensorrt" / "benchmark.py"


@pytest.mark.slow
def test_engines_are_measured_beside_each_other_and_one_that_cannot_run_is_reported(tmp_path: Path, capsys) -> None:
    engines = "openvino,onnxruntime-cuda,tensorrt"
    arguments = ["--bundles", "glcic", "--engines", engines, "--batches", "1", "--seconds", "0"]

    assert runpy.run_path(str(SCRIPT))["main"]([*arguments, "--output", str(tmp_path)]) == 0

    said = capsys.readouterr().err
    assert "glcic, onnxruntime-cuda: onnxruntime computes on the CPU here" in said
    assert "glcic, tensorrt: The engine tensorrt " in said
    rows = json.loads((tmp_path / "benchmark.json").read_text())["rows"]
    assert [row["engine"] for row in rows] == ["torch, eager float32", "openvino"]
    assert (rows[0]["largest_difference"], rows[0]["psnr_of_difference"]) == (0.0, None)
    table = [line for line in (tmp_path / "benchmark.md").read_text().splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in table}) == 1
