"""The published systems train by their committed configs: alone, resumed, in two processes, with any hole."""

from __future__ import annotations

import csv
import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from training_samples import ROOT, data_set, enlarge_films, image_features, run_bundle

from monai_inpaint.registry.training_cost import read_training_cost

SYSTEMS = {
    "ip_medgan": {
        "network_def#features": 2,
        "network_def#blocks": 1,
        "whole_def#channels": 2,
        "patch_def#channels": 2,
    },
    "cxr_context_encoder": {"network_def#features": 2, "discriminator_def#features": 2, "ring": 4},
    "cxr_context_encoder_patches": {"network_def#features": 2, "discriminator_def#features": 2, "points": 2},
    "glcic": {
        "network_def#features": 2,
        "discriminator_def#features": 2,
        "generator_epochs": 1,
        "discriminator_epochs": 0,
    },
    "medgan": {"network_def#features": 2, "network_def#blocks": 1, "whole_def#channels": 2},
    "partial_conv": {"network_def#features": 2},
    "slices_context_encoder": {"network_def#features": 2, "discriminator_def#features": 2},
}  # slim enough for a test
SYSTEMS |= {f"cxr_{name}": SYSTEMS[name] for name in ("glcic", "partial_conv")}
TINY = {"epoch_length": 2, "max_epochs": 2}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return enlarge_films(data_set(tmp_path_factory.mktemp("data")))


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return image_features(tmp_path_factory.mktemp("features"))


def config(name: str, file: str) -> Path:
    return ROOT / "bundles" / name / "configs" / file


def train(name: str, data: Path, out: Path, *files: str | Path, processes: int = 0, **settings: Any) -> str:
    """By the committed config and what overrides it: files of the bundle, or any others."""
    given: dict[str, Any] = {"batch_size": 2} if "patches" not in name else {"films_a_step": 1}
    return run_bundle(
        config(name, "train.json"), *(config(name, "train.json").parent / file for file in files), processes=processes,
        bundle_root=ROOT / "bundles" / name, dataset_dir=data, output_dir=out, ckpt_dir=out,
        **TINY | given | SYSTEMS[name] | settings,
    )  # fmt: skip


def more(name: str, features: Path) -> dict[str, Any]:
    return {"features": features} if "load_features" in config(name, "train.json").read_text() else {}


def rows_of(out: Path) -> list[dict[str, str]]:
    with (out / "curves.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
@pytest.mark.parametrize("name", SYSTEMS)
def test_the_committed_config_trains_validates_tells_its_effort_and_saves(
    name: str, data: Path, features: Path, tmp_path: Path
) -> None:
    train(name, data, tmp_path, **more(name, features))

    rows = rows_of(tmp_path)
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert all(math.isfinite(float(row["loss"])) and float(row["hole_psnr"]) > 0 for row in rows)
    assert float(rows[1]["cpu_minutes"]) > float(rows[0]["cpu_minutes"]) > 0
    effort = read_training_cost(tmp_path)
    assert effort is not None
    assert (effort.steps, effort.images) == (4, 8)
    weights = torch.load(tmp_path / "model.pt", weights_only=True)
    assert all(torch.isfinite(values).all() for values in weights.values())


@pytest.mark.slow
def test_a_stopped_training_goes_on_with_discriminators_and_curves_and_ends_by_its_budget(
    data: Path, features: Path, tmp_path: Path
) -> None:
    name = "ip_medgan"
    train(name, data, tmp_path, **more(name, features))
    train(name, data, tmp_path, **more(name, features) | {"max_epochs": 9, "cpu_minutes": 0.001})

    rows = rows_of(tmp_path)
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert all(-20 < float(row["patch_value"]) < 0 for row in rows)
    saved = torch.load(max(tmp_path.glob("resume_*.pt"), key=lambda path: path.stat().st_mtime), weights_only=False)
    steps = {int(state["step"]) for state in saved["patch_optimizer"]["state"].values()}
    assert steps == {6}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ip_medgan", "cxr_context_encoder"])
def test_two_processes_train_as_one_and_keep_their_discriminators_alike(
    name: str, data: Path, features: Path, tmp_path: Path
) -> None:
    alike = "$print('discriminators', " + ", ".join(
        f"float(sum(p.detach().double().abs().sum() for p in @{discriminator}.parameters()))"
        for discriminator in (("whole", "patch") if name == "ip_medgan" else ("discriminator",))
    ) + ")"  # fmt: skip
    watched = tmp_path / "watched.json"
    watched.write_text(json.dumps({"run": ["$@train#trainer.run()", alike]}))
    log = train(name, data, tmp_path / "out", "multi_gpu_train.json", watched, processes=2, **more(name, features))

    counts = re.findall(r"discriminators ([\d. ]+)", log)
    assert len(counts) == 2
    assert counts[0] == counts[1]
    assert [row["epoch"] for row in rows_of(tmp_path / "out")] == ["1", "2"]
    effort = read_training_cost(tmp_path / "out")
    assert effort is not None
    assert effort.images == 16


@pytest.mark.slow
def test_two_processes_end_together_when_the_budget_is_spent(data: Path, tmp_path: Path) -> None:
    name = "cxr_context_encoder"
    train(name, data, tmp_path, "multi_gpu_train.json", processes=2, cpu_minutes=0.001, max_epochs=9)

    assert [row["epoch"] for row in rows_of(tmp_path)] == ["1"]


@pytest.mark.parametrize("name", ["cxr_glcic", "cxr_partial_conv"])
def test_systems_on_films_see_the_healthy_films_of_the_context_encoder_with_the_same_part_hidden(
    name: str, data: Path, tmp_path: Path
) -> None:
    from monai.bundle import ConfigParser

    index = (data / "index.csv").read_text().splitlines()
    sick = [line.replace("nih-train", "sick").replace("made up", "Pneumonia") for line in index if "nih_train" in line]
    well = [line.replace("made up", "NORMAL") for line in index]
    (tmp_path / "index.csv").write_text("\n".join([well[0], *(f"{data}/{line}" for line in [*well[1:], *sick])]) + "\n")
    windows = []
    for bundle in (name, "cxr_context_encoder"):
        parser = ConfigParser()
        parser.read_config(str(config(bundle, "train.json")))
        parser.update({"dataset_dir": str(tmp_path)})
        windows.append(list(parser.get_parsed_content("validate#dataset")))
        assert {Path(entry["image"]).name for entry in parser.get_parsed_content("films")} == {
            "nih_train.png",
            "kermany_train.png",
        }

    for ours, theirs in zip(*windows, strict=True):
        assert torch.equal(ours["image"], theirs["image"])
        assert torch.equal(ours["label"], theirs["label"])
        assert int(ours["label"][1].sum()) == 64 * 64


@pytest.mark.parametrize("name", ["ip_medgan", "glcic", "cxr_context_encoder", "partial_conv"])
def test_the_published_size_is_one_override_away(name: str) -> None:
    from monai.bundle import ConfigParser

    parser = ConfigParser()
    parser.read_config([str(config(name, "train.json")), str(config(name, "full.json"))])
    published = {"ip_medgan": 326_446_854, "glcic": 6_068_353, "partial_conv": 32_852_298}
    with torch.device("meta"):
        network = parser.get_parsed_content("network_def")

    assert sum(p.numel() for p in network.parameters()) == published.get(name, 357_069_824)


@pytest.mark.parametrize(
    ("name", "windows", "epochs"),
    [("cxr_context_encoder", 1, 20), ("cxr_context_encoder_patches", 20, 90), ("glcic", 1, 200)],
)
def test_the_published_effort_is_one_override_away(name: str, windows: int, epochs: int, tmp_path: Path) -> None:
    """Every epoch shows as many windows as published of all images."""
    from monai.bundle import ConfigParser

    parser = ConfigParser()
    parser.read_config([str(config(name, "train.json")), str(config(name, "full.json"))])
    parser["dataset_dir"] = str(data_set(tmp_path))
    count = len(parser.get_parsed_content("train#dataset"))
    steps, batch = parser.get_parsed_content("epoch_length"), parser.get_parsed_content("batch_size")

    assert parser.get_parsed_content("max_epochs") == epochs
    assert count
    assert count * windows <= steps * batch < count * windows + batch


@pytest.mark.parametrize("name", ["cxr_lesion_painting", "cxr_lesion_inpainting"])
def test_mats_published_training_is_one_override_away(name: str) -> None:
    """A million films of 512 pixels, two discriminators with R1 of weight 10 and no loss of pixels (MAT, section 4)."""
    from monai.bundle import ConfigParser

    parser = ConfigParser()
    parser.read_config([str(config(name, file)) for file in ("train.json", "full.json")])
    shown = {key: parser.get_parsed_content(key) for key in ("batch_size", "epoch_length", "max_epochs", "sides")}
    with torch.device("meta"):
        network = parser.get_parsed_content("network_def")

    assert shown["batch_size"] * shown["epoch_length"] * shown["max_epochs"] == 1_000_000
    assert shown["sides"] == [512]
    assert parser.get_parsed_content("penalty") == 10
    assert parser.get_parsed_content("reconstruction") == 0
    assert set(parser["iteration#discriminators"]) == {"discriminator", "first"}
    assert [len(stage.blocks) for stage in network.stages] == [2, 3, 4, 3, 2]
    assert [stage.blocks[0].window for stage in network.stages] == [8, 16, 16, 16, 8]


@pytest.mark.parametrize("name", ["ip_medgan", "medgan"])
@pytest.mark.parametrize(("files", "seen"), [(["train.json"], "fill"), (["train.json", "full.json"], "predicted")])
def test_medgans_losses_see_the_complete_output_at_the_published_size(name: str, files: list[str], seen: str) -> None:
    from monai.bundle import ConfigParser

    parser = ConfigParser()
    parser.read_config([str(config(name, file)) for file in files])

    for part in ("terms#0", "discriminators#whole"):
        assert parser.get_parsed_content(f"iteration#{part}#on") == seen


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ip_medgan", "medgan"])
def test_the_published_training_takes_slices_of_volumes_at_one_millimetre(
    name: str, data: Path, features: Path, tmp_path: Path
) -> None:
    from monai.bundle import ConfigParser

    at_hand = {"ct#shares": {"tcia_ct": 0.5}, "mr#shares": {"sarcoma": 0.5}}
    parser = ConfigParser()
    parser.read_config([str(config(name, "train.json")), str(config(name, "full.json"))])
    parser.update({"dataset_dir": str(data), **at_hand})
    (window,) = parser.get_parsed_content("ct#dataset")[0]
    train(name, data, tmp_path, "full.json", **more(name, features) | at_hand | {"max_epochs": 1})

    assert parser.get_parsed_content("epoch_length") * parser.get_parsed_content("batch_size") >= 200  # of 2 volumes
    assert window["image"].shape == (2, 256, 256)
    assert len(rows_of(tmp_path)) == 1


@pytest.mark.slow
def test_without_features_the_style_loss_says_what_to_give(data: Path, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="add --features FILE"):
        train("medgan", data, tmp_path)
    assert not list(tmp_path.iterdir())


def test_squares_lie_in_the_body_where_a_level_is_given() -> None:
    from monai_inpaint.transforms import RandSquareHoled

    window = np.zeros((256, 256), np.float32)
    window[:, 160:] = 200.0
    square = RandSquareHoled("image", side=64, level=12)
    square.set_random_state(0)
    for _ in range(20):
        hole = square({"image": window})["image"][1].numpy() > 0
        assert (window[hole] > 12).mean() >= 0.5


@pytest.mark.parametrize("shown", [0, 20, 31])
def test_a_window_with_no_more_than_an_edge_of_the_body_gets_a_square_anywhere(shown: int) -> None:
    from monai_inpaint.transforms import RandSquareHoled

    window = np.zeros((256, 256), np.float32)
    window[:, 256 - shown :] = 200.0
    square = RandSquareHoled("image", side=64, level=12)
    square.set_random_state(0)

    starts = {int(np.argmax(square({"image": window})["image"][1].any(0))) for _ in range(20)}

    assert len(starts) > 10


@pytest.mark.slow
def test_the_losses_but_the_adversarial_one_are_left_out_by_an_override(data: Path, tmp_path: Path) -> None:
    train("cxr_context_encoder", data, tmp_path, **{"iteration#terms": "[]", "iteration#schedule#generator_epochs": 0})

    assert len(rows_of(tmp_path)) == 2
