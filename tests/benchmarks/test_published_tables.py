"""The tables of two papers on made-up images; no figure is looked at."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from evaluation_samples import phantom_ct, smooth, square_hole

from benchmarks.__main__ import main
from benchmarks.cases import COPIES, cases_of
from benchmarks.published import films, measured, papers, patches, slices, training_cost
from benchmarks.setting import Options
from monai_inpaint import Image, write_image
from monai_inpaint.datasets import FindingBox
from monai_inpaint.evaluation.case import EvaluationCase
from monai_inpaint.evaluation.classical import METHODS
from monai_inpaint.evaluation.protocol_interface import Method
from monai_inpaint.registry import find_bundle
from monai_inpaint.registry.training_cost import TrainingCost, write_training_cost

pytest.importorskip("skimage")
pytest.importorskip("cv2")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A list of a healthy film, one with a box beside the list, one with a finding unboxed, a CT and an MR slice."""
    lines = ["path,source,modality,patient,split,note"]
    for number, (split, note) in enumerate((("val", "No Finding"), ("val-unhealthy", "Mass"), ("val", "Mass"))):
        write_image(Image(np.rint(smooth((520, 530), number)).astype(np.uint8)), tmp_path / f"film-{number}.png")
        lines.append(f"film-{number}.png,nih,CR,patient-{number},{split},{note}")
    write_image(Image(phantom_ct().astype(np.int16), np.eye(4)), tmp_path / "ct.nii.gz")
    write_image(Image(np.rint(smooth((260, 250), 9)).astype(np.uint8)), tmp_path / "mr.png")
    lines += ["ct.nii.gz,tcga,CT,patient-ct,val,", "mr.png,figshare,MR,patient-mr,val,"]
    path = tmp_path / "data.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "boxes.csv").write_text("image,label,x,y,w,h\nfilm-1.png,Mass,300,200,90,110\n", encoding="utf-8")
    return path


def sections_of(printed: str) -> dict[str, list[list[str]]]:
    """The rows under the heading of each table, by its title; every row must be as wide as its heading."""
    tables = {}
    for section in re.split(r"^## ", printed, flags=re.MULTILINE)[1:]:
        rows = [
            [cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line.startswith("|")
        ]
        assert len({len(row) for row in rows}) == 1
        tables[section.partition("\n")[0]] = rows[2:]
    return tables


def test_the_tables_have_the_methods_and_the_published_rows_marked(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    boxes = str(data.with_name("boxes.csv"))
    assert main(["published", "--data", str(data), "--boxes", boxes, "--methods", "ring,telea,cxr"]) == 0
    printed = capsys.readouterr().out
    patch, difference, film, ct, mr = sections_of(printed).values()

    assert [row[0] for row in patch] == [f"{papers.MARK}context encoder", "ring", "telea", "cxr"]
    assert patch[0][1:7] == [
        "30.88 ± 3.61", "79.20 ± 129.16", "0.81 ± 0.09", "27.06 ± 3.25", "164.82 ± 122.95", "0.76 ± 0.08"
    ]  # fmt: skip
    assert [row[0] for row in difference] == [row[0] for row in film] == ["ring", "telea", "cxr"]
    for table, published in ((ct, "0.8346"), (mr, "0.3818")):
        assert [row[0].startswith(papers.MARK) for row in table] == [True] * 4 + [False] * 2
        assert table[3][:2] == [f"{papers.MARK}ip-MedGAN", published]
        assert [row[0] for row in table[4:]] == ["ring", "telea"]
    assert printed.count(papers.OTHER_DATA) == 3
    assert "healthy: 8 patches of 1 patients" in printed
    assert "unhealthy: 8 patches of 1 patients" in printed
    assert "off the finding: 8 patches of 1 patients" in printed
    assert f"{slices.DRAWS['ct']} squares of 1 patients" in printed
    assert "2 films of 2 patients" in printed


def test_every_method_sees_the_same_cases_each_time(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, list[EvaluationCase]] = {}

    def recorder(name: str) -> Method:
        def fill(case: EvaluationCase) -> np.ndarray:
            seen.setdefault(name, []).append(case)
            return case.voided

        return Method(name, "", (), fill)

    options = Options(data, boxes=data.with_name("boxes.csv"))
    for module, tables in ((patches, patches.patch_tables), (slices, slices.slice_tables)):
        for names in (("one", "other"), ("again",)):
            monkeypatch.setattr(module, "methods_for", lambda *_, names=names: (list(map(recorder, names)), []))
            list(tables(options))

    assert len(seen["one"]) == 24 + slices.DRAWS["ct"] + slices.DRAWS["mr"]
    for name in ("other", "again"):
        for case, same in zip(seen["one"], seen[name], strict=True):
            assert (case.name, case.variant) == (same.name, same.variant)
            np.testing.assert_array_equal(case.truth, same.truth)
            np.testing.assert_array_equal(case.hole, same.hole)
    squares = [case.hole for case in seen["one"][24 : 24 + slices.DRAWS["ct"]]]
    assert not any(np.array_equal(squares[0], square) for square in squares[1:])


def test_bundles_that_are_missing_are_named_and_no_other_row_is_lost(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module, bundles in ((patches, ("gone",)), (films, ("gone",)), (slices, {"ct": ("gone",), "mr": ("gone",)})):
        monkeypatch.setattr(module, "BUNDLES", bundles)
        monkeypatch.setattr(module, "METHODS", {"ring": METHODS["ring"]})
    assert main(["published", "--data", str(data)]) == 0
    printed = capsys.readouterr().out
    assert printed.count("not measured: gone: there is no such bundle\n") == 5
    assert all(table[-1][0] == "ring" for table in sections_of(printed).values())
    assert main(["published", "--data", str(data), "--methods", "ring,gone"]) == 2
    assert capsys.readouterr().err.startswith("published: gone: there is no such bundle")


def test_what_a_bundle_tells_of_its_training_stands_beside_its_figures(data: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "other_bundle"
    shutil.copytree(find_bundle("cxr").path, bundle)
    write_training_cost(TrainingCost(91.5, 180, 2, 4000, 64_000, 11.66, "some processor", "2026-11-21"), bundle)
    methods, missing = measured.methods_for("cxr", (), Options(methods=("ring", str(bundle))))
    summary = measured.measured(cases_of(Options(data), "cxr", "cxr-centre", 1), methods)

    assert missing == []
    assert training_cost.effort_cells(summary, "ring")[1:] == ["0", *["-"] * 6]
    assert training_cost.effort_cells(summary, str(bundle))[1:] == [
        "3.91 M", "92", "180", "some processor, threads: 2", "4,000", "64,000", "11.7",
    ]  # fmt: skip


def test_a_damaged_list_or_effort_is_reported_in_one_sentence(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = tmp_path / "other_bundle"
    shutil.copytree(find_bundle("cxr").path, bundle)
    (bundle / "docs" / "training.json").write_text("{}")
    for words in (["--data", str(tmp_path / "gone.csv")], ["--data", str(data), "--methods", str(bundle)]):
        assert main(["published", *words]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_boxes_are_drawn_where_they_lie_and_end_with_the_film() -> None:
    inside = FindingBox("a", "", 40, 10, 20, 30)
    over = FindingBox("a", "", 190.4, 95.6, 50, 50)
    expected = np.zeros((100, 200), bool)
    expected[10:40, 40:60] = True
    expected[96:, 190:] = True
    np.testing.assert_array_equal(patches.box_mask((100, 200), [inside, over]), expected)


def test_cases_have_their_lesions_and_none_is_a_copy_of_train(data: Path) -> None:
    folder = data.parent
    (folder / COPIES).mkdir(parents=True)
    shutil.copyfile(folder / "ct.nii.gz", folder / COPIES / "copy.nii.gz")
    write_image(Image(square_hole((300, 280), 120, 60, 30).astype(np.uint8), np.eye(4)), folder / "lesion.nii.gz")
    data.write_text(
        f"path,modality,split,mask\nct.nii.gz,CT,val,lesion.nii.gz\n{COPIES}copy.nii.gz,CT,val,\n", encoding="utf-8"
    )
    (case,) = cases_of(Options(data), "ct", "lesion", 5)
    assert case.name.startswith("ct.nii.gz")
    assert case.name.endswith("@mirrored")
