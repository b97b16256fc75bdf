"""The recipe of 0.3.0 and today's: both train from random weights, and every protocol has its line."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from printed_tables import table_of
from training_samples import data_set

from benchmarks import formulations
from benchmarks.__main__ import main
from benchmarks.setting import Options
from monai_inpaint.registry import find_bundle
from monai_inpaint.registry.training_cost import TrainingCost, write_training_cost

BEFORE, TODAY = (row for row in formulations.ROWS if row.bundle == "cxr")


@pytest.mark.slow
@pytest.mark.parametrize("row", [BEFORE, replace(TODAY, sampler=1)], ids=["before", "today"])
def test_a_recipe_trains_every_bundle_that_shares_its_weights_and_is_not_trained_twice(
    row: formulations.Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    twins = ("cxr", "cxr_inpainting")
    monkeypatch.setattr(formulations, "SHARED", {"cxr": twins})  # two names of one bundle, smaller than CT and MR
    options = Options(data=data_set(tmp_path / "data") / "index.csv", tiny=True)
    formulations.train(row, tmp_path / "row", options)

    graphs = {path.relative_to(tmp_path / "row").as_posix() for path in tmp_path.glob("row/*/models/*.onnx")}
    names = ["model", "sampler"] if row.sampler else ["model"]
    assert graphs == {f"{bundle}/models/{name}.onnx" for bundle in twins for name in names}
    times = [path.stat().st_mtime_ns for path in sorted(tmp_path.glob("row/*/models/*"))]
    formulations.train(row, tmp_path / "row", options)
    assert [path.stat().st_mtime_ns for path in sorted(tmp_path.glob("row/*/models/*"))] == times


def test_every_recipe_is_in_the_table() -> None:
    recipes = {path.stem for path in Path(formulations.__file__).parent.glob("*.json")}

    assert recipes == {row.recipe for row in formulations.ROWS if row.recipe}
    assert {row.bundle for row in formulations.ROWS} == {*formulations.SHARED}


def test_formulations_have_a_line_for_each_evaluation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").mkdir()
    data = data_set(tmp_path / "data") / "index.csv"

    def trained(row: formulations.Row, folder: Path, _: Options) -> None:
        shutil.copytree(find_bundle("cxr").path, folder / "cxr")
        for output in ("runs", "runs of the sampler"):
            (folder / "cxr" / output).mkdir()
            if output == "runs" or row.sampler:
                cost = TrainingCost(5.0, 4.0, 1, 9, 33_280, 99.0, "a processor", "2026-12-01")
                write_training_cost(cost, folder / "cxr" / output)
            (folder / "cxr" / output / "curves.csv").write_text(
                "epoch,minutes,cpu_minutes,loss,hole_psnr\n1,2.0,2.0,0.5,20\n2,5.0,4.0,0.4,\n"
            )

    monkeypatch.setattr(formulations, "train", trained)
    monkeypatch.setattr(formulations, "ROWS", [row for row in formulations.ROWS if row.bundle == "cxr"])
    monkeypatch.setattr(formulations, "MEASURED", [("cxr-centre", "nih")])

    assert main(["formulations", "--tiny", "--data", str(data), "--output", str(tmp_path / "out")]) == 0

    before, today = table_of(capsys.readouterr().out)
    assert before[:7] == ["films, recipe of 0.3.0", "4", "33,280", "-", "-", before[5], "1 / 1"]
    assert today[:7] == ["films, today's recipe", "4", "33,280", "4", "33,280", before[5], "1 / 1"]
    assert before[7:11] == today[7:11]  # the same network here
    assert before[11:] == ["-"] * 3
    assert today[11].endswith("%")
    assert (tmp_path / "out" / "curves.png").stat().st_size > 1000
    assert main(["formulations", "--data", str(data)]) == 2
