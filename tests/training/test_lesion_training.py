"""The bundles that paint are trained by their committed configs: around findings, on findings of films, on masses."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lesion_layouts import vindr_cxr, vindr_mammo
from training_samples import PAINTING, ROOT, data_set, image_features, run_bundle

from monai_inpaint.cli import main
from monai_inpaint.errors import InputError
from monai_inpaint.io.table import read_table
from monai_inpaint.training import boxed_findings, data_list
from monai_inpaint.transforms import FixedLesionFilmd, RandLesionFilmd, ReadPyramidd
from monai_inpaint.transforms.pyramid import make_pyramid

INPAINTING = "cxr_lesion_inpainting"
NETWORK = {
    "_target_": "monai_inpaint.networks.MAT",
    **{"features": 8, "heads": 2, "depths": [1] * 5, "windows": [4] * 5, "widths": [8, 8, 8], "refining": [8, 8, 8]},
    **{"style": 8, "places": True, "side": 32, "limits": [0, 255]},
}
TINY = {
    **{"side": 32, "sides": json.dumps([32]), "batch_size": 2, "epoch_length": 1, "max_epochs": 1},
    **{"val_interval": 1, "generator_epochs": 0, "network_def": json.dumps(NETWORK)},
    **{"discriminator_def#features": 4, "discriminator_def#levels": 2},
}  # one step, of all losses


def listed(layout: str, folder: Path) -> Path:
    assert main(["index", layout, str(folder), "-o", str(folder / "index.csv"), "--val", "0.3"]) == 0
    return folder


def train(bundle: str, data: Path, out: Path, *overrides: str) -> None:
    features = image_features(out.parent)
    root = ROOT / "bundles" / bundle
    places = {"bundle_root": root, "dataset_dir": data, "output_dir": out, "ckpt_dir": out}
    run_bundle(*(root / "configs" / file for file in ("train.json", *overrides)), **places, features=features, **TINY)


def assert_trained(out: Path) -> None:
    with (out / "curves.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert math.isfinite(float(row["loss"]))
    assert float(row["minus_frechet"]) < 0
    weights = torch.load(out / "model.pt", weights_only=True)
    assert all(torch.isfinite(values).all() for values in weights.values())


@pytest.mark.slow
def test_films_without_a_finding_train_outpainting(tmp_path: Path) -> None:
    train(PAINTING, data_set(tmp_path), tmp_path / "out")

    assert_trained(tmp_path / "out")


@pytest.mark.slow
def test_boxed_films_of_vindr_train_the_painting_of_findings(tmp_path: Path) -> None:
    train(INPAINTING, listed("vindr-cxr", vindr_cxr(tmp_path / "films")), tmp_path / "out")

    assert_trained(tmp_path / "out")


@pytest.mark.slow
def test_mammograms_with_a_mass_train_the_painting_of_masses(tmp_path: Path) -> None:
    train(INPAINTING, listed("vindr-mammo", vindr_mammo(tmp_path / "images")), tmp_path / "out", "mammography.json")

    assert_trained(tmp_path / "out")


def test_findings_are_chosen_by_their_label_and_split(tmp_path: Path) -> None:
    folder = listed("vindr-mammo", vindr_mammo(tmp_path / "images"))
    index, boxes = folder / "index.csv", folder / "index_boxes.csv"
    chosen = [boxed_findings(index, boxes, split, label="Mass", modality="MG") for split in ("train", "val")]

    assert [len(entries) for entries in chosen] == [2, 1]  # the exam of the test split is in neither
    assert {box for entries in chosen for entry in entries for box in entry["boxes"]} == {(20.0, 30.0, 30.0, 40.0)}
    with pytest.raises(InputError, match=r"has a box of Asymmetry\."):
        boxed_findings(index, boxes, "train", label="Asymmetry", modality="MG")


def test_the_index_is_read_once_for_its_films_with_findings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = listed("vindr-mammo", vindr_mammo(tmp_path / "images"))
    index, read = folder / "index.csv", list[Path]()

    def counting(path: Path, *args: Any) -> list[dict[str, str]]:
        read.append(path)
        return read_table(path, *args)

    monkeypatch.setattr(data_list, "read_table", counting)

    assert len(boxed_findings(index, folder / "index_boxes.csv", "train", label="Mass", modality="MG")) == 2
    assert read == [index]


def test_a_hole_covers_its_finding_in_every_window_and_shows_it_in_the_truth() -> None:
    film = np.zeros((120, 90), np.float32)
    film[30:60, 70:88] = 200
    cut = RandLesionFilmd(side=64, mirror=0.5)
    covered, sizes = [], []
    for seed in range(30):
        cut.set_random_state(seed)
        made = cut({"image": make_pyramid(film, 2), "boxes": [(70.0, 30.0, 18.0, 30.0)]})
        hole, truth = made["label"][1] > 0, made["label"][0]
        lesion = truth > 100
        assert lesion.any()
        covered.append(float(hole[lesion].float().mean()))
        sizes.append(float(hole.float().mean()) / float(lesion.float().mean()))
        assert not made["image"][0][hole].any()

    assert min(covered) > 0.7  # the corners of a box are outside its ellipse
    assert np.mean(covered) > 0.9
    assert 0.7 < min(sizes) < 1.1
    assert 1.3 < max(sizes) < 2.0


def test_the_hole_of_a_small_finding_is_never_empty() -> None:
    film = make_pyramid(np.zeros((3000, 3000), np.float32), 4)
    cut = RandLesionFilmd(side=64)
    for seed in range(60):
        cut.set_random_state(seed)
        assert (cut({"image": film, "boxes": [(37.0 * seed, 41.0 * seed, 30.0, 30.0)]})["label"][1] > 0).any()


def test_boxes_of_several_readers_around_one_finding_are_one_hole() -> None:
    boxes = [(10.0, 10.0, 20.0, 20.0), (25.0, 25.0, 20.0, 20.0), (70.0, 70.0, 10.0, 10.0)]
    entry = {"image": [np.zeros((100, 100), np.float32)], "boxes": boxes}
    holes = [FixedLesionFilmd(side=100)({**entry, "name": str(n)})["label"][1] > 0 for n in range(12)]
    marked = {(bool(hole[12, 12]), bool(hole[40, 40]), bool(hole[75, 75])) for hole in holes}

    assert marked == {(True, True, False), (False, False, True)}


def test_validation_shows_the_whole_film_and_the_same_hole_each_time() -> None:
    film = np.tile(np.linspace(0, 255, 80, dtype=np.float32), (120, 1))
    entry = {"image": make_pyramid(film, 2), "boxes": [(20.0, 30.0, 20.0, 30.0)], "name": "a"}
    first, again = (FixedLesionFilmd(side=40)(entry) for _ in range(2))

    assert torch.equal(first["image"], again["image"])
    rows, columns = np.nonzero(first["label"][1].numpy())
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (9, 20, 9, 20)  # 1.15 times 10 of 40 pixels
    assert float(first["label"][0].max()) > 250


def test_inverted_films_are_read_as_they_are_shown(tmp_path: Path) -> None:
    folder = vindr_mammo(tmp_path / "images")
    shown = [
        ReadPyramidd("image", levels=1, percentile=0.5)({"image": folder / f"images/study{n}/mass{n}.dicom"})
        for n in (0, 1)
    ]

    for entry in shown:  # the second is MONOCHROME1
        (film,) = entry["image"]
        assert film[40:60, 25:45].min() > 200
        assert film[:20].max() < 60
