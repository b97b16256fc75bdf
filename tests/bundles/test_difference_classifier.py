"""The bundle that classifies films by their difference from a healthy fill: input, a step of training, files."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from bundle_schema import METADATA
from lung_samples import LEFT, RIGHT, film
from monai.bundle import ConfigWorkflow, verify_metadata, verify_net_in_out
from printed_tables import table_of
from training_samples import ROOT

from benchmarks.__main__ import main
from monai_inpaint import Filler, Image, InputError, write_image
from monai_inpaint.anomaly.difference_channels import difference_channels
from monai_inpaint.engines import load_engine
from monai_inpaint.registry import find_bundle
from monai_inpaint.training import class_weights, labelled_films

BUNDLE = ROOT / "bundles" / "cxr_difference_classifier"
TINY = {"epoch_length": 1, "max_epochs": 1, "batch_size": 2, "val_interval": 1}


@pytest.fixture(autouse=True)
def own_import_path(monkeypatch: pytest.MonkeyPatch) -> None:
    # MONAI adds the bundle's root to it.
    monkeypatch.setattr(sys, "path", sys.path.copy())


def lungs(seed: int, *, opacity: bool = False) -> np.ndarray:
    pixels = film(RIGHT, LEFT, shape=(128, 128)) + np.random.default_rng(seed).normal(0, 3, (128, 128))
    if opacity:
        pixels[50:66, 32:46] += 70
    return pixels.clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two films of each kind to train and to validate, of children and adults by turns, and one of another finding."""
    folder = tmp_path_factory.mktemp("films")
    rows = ["path,source,modality,patient,split,note"]
    for split in ("train", "val"):
        for number in range(4):
            note = ("NORMAL", "Pneumonia boxed")[number % 2]
            name = f"{split}{number}.png"
            write_image(Image(lungs(number, opacity=number % 2 == 1)), folder / name)
            mark = "-unhealthy" if number % 2 else ""
            rows.append(f"{name},{('kermany', 'nih')[number // 2]},CR,{split}{number},{split}{mark},{note}")
    rows.append("train0.png,nih,CR,other,train-unhealthy,Mass")
    (folder / "index.csv").write_text("\n".join(rows) + "\n")
    return folder


def workflow(kind: str, *files: str, **settings: object) -> ConfigWorkflow:
    configs = [str(BUNDLE / "configs" / file) for file in files]
    made = ConfigWorkflow(configs, workflow_type=kind, logging_file=False, bundle_root=str(BUNDLE), **{**settings})
    made.initialize()
    return made


def test_the_channels_show_an_opacity_and_nothing_outside_the_lungs() -> None:
    filler = Filler("cxr")
    ill, well = (difference_channels(filler, Image(lungs(0, opacity=opacity)), 64) for opacity in (True, False))

    assert ill.shape == (3, 64, 64)
    assert ill.dtype == np.float32
    np.testing.assert_allclose(well[0], lungs(0).reshape(64, 2, 64, 2).mean((1, 3)) / 255, atol=1e-3)
    place = np.s_[26:32, 17:22]  # of the opacity
    assert ill[1][place].mean() > well[1][place].mean() + 0.05
    assert ill[2][place].mean() > well[2][place].mean()
    assert not ill[1:, :, :4].any()
    with pytest.raises(InputError):
        difference_channels(filler, Image(np.zeros((80, 80, 4), np.uint8), np.eye(4)), 64)


def test_films_are_labelled_by_their_notes_and_each_class_of_a_source_has_the_same_weight(data: Path) -> None:
    films = labelled_films(data / "index.csv", "train")

    assert [float(film["label"]) for film in films] == [0, 1, 0, 1]
    assert class_weights([*films, films[0]]) == [0.5, 1, 1, 1, 0.5]
    assert len(labelled_films(data / "index.csv", "train", sources=["nih"])) == 2
    with pytest.raises(InputError, match="some with effusion"):
        labelled_films(data / "index.csv", "train", finding="effusion")


def test_the_metadata_keeps_the_schema_and_the_network_takes_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "schema.json").write_text(json.dumps(METADATA))
    files = {name: str(BUNDLE / "configs" / f"{name}.json") for name in ("metadata", "inference")}

    verify_metadata(meta_file=files["metadata"], filepath=str(tmp_path / "schema.json"))
    verify_net_in_out(net_id="network_def", device="cpu", meta_file=files["metadata"], config_file=files["inference"])


def test_it_is_said_that_it_neither_fills_nor_runs_in_an_engine() -> None:
    with pytest.raises(InputError, match="does not fill images, it tells healthy from ill"):
        Filler(BUNDLE)
    with pytest.raises(InputError, match="no engine runs a bundle for classification|network is missing"):
        load_engine("onnxruntime", find_bundle(BUNDLE))


@pytest.mark.slow
def test_one_step_trains_evaluates_and_classifies(data: Path, tmp_path: Path) -> None:
    out, cache = tmp_path / "out", str(tmp_path / "cache")
    places = {"dataset_dir": str(data), "output_dir": str(out), "ckpt_dir": str(out), "cache_dir": cache}
    training = workflow("train", "train.json", **places, **TINY)
    assert training.check_properties() == []
    training.run()
    weights = torch.load(out / "model.pt", weights_only=True)
    assert all(torch.isfinite(values).all() for values in weights.values())
    alone = tmp_path / "film"
    workflow(
        "train", "train.json", "film.json", **places | {"output_dir": str(alone), "ckpt_dir": str(alone)}, **TINY
    ).run()
    first = {path: torch.load(path / "model.pt", weights_only=True)["features.conv0.weight"] for path in (out, alone)}
    assert [values.shape[1] for values in first.values()] == [2, 1]

    given = {**places, "output_dir": str(tmp_path / "eval"), "ckpt_path": str(out / "model.pt")}
    workflow("train", "train.json", "evaluate.json", **given).run()
    label, value = (tmp_path / "eval" / "metrics.csv").read_text().strip().split(",")
    assert label == "auroc"
    assert 0 <= float(value) <= 1

    (tmp_path / "images.csv").write_text(f"image\n{data}/val0.png\n{data}/val1.png\n")
    classified = str(tmp_path / "classified")
    inference = workflow(
        "infer", "inference.json", dataset_dir=str(tmp_path), output_dir=classified, ckpt_path=str(out / "model.pt")
    )
    assert inference.check_properties() == []
    inference.run()
    with (tmp_path / "classified" / "predictions.csv").open() as file:
        rows = list(csv.reader(file))
    assert [Path(row[0]).name for row in rows] == ["val0.png", "val1.png"]
    assert all(0 < float(row[1]) < 1 for row in rows)


@pytest.mark.slow
def test_the_benchmark_has_a_row_for_each_input_and_children_and_adults_apart(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["difference_classifier", "--tiny", "--data", str(data / "index.csv"), "--output", str(tmp_path)]

    assert main(words) == 0

    printed = capsys.readouterr().out
    rows = table_of(printed)
    assert [row[0] for row in rows] == ["film", "difference and map", "film, difference and map"]
    assert all(0 <= float(row[column].split()[0]) <= 1 for row in rows for column in (1, 2))
    assert "children: 2 films, adults: 2 films" in printed
