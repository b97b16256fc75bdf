"""Training with the committed configs: it runs, goes on after a stop, runs in two processes, counts what it should."""

from __future__ import annotations

import csv
import json
import math
import re
import shutil
import sqlite3
import subprocess
import time
from pathlib import Path
from typing import Any

import monai
import numpy as np
import pytest
import torch
from cli_samples import nifti, smooth
from monai.engines import SupervisedTrainer
from PIL import Image as Pillow
from training_samples import TINY, bundle, bundle_command, data_set, quiet_environment, run_bundle

from monai_inpaint.errors import InputError
from monai_inpaint.losses import HoleRMSE
from monai_inpaint.networks import InpaintUNet
from monai_inpaint.registry.training_cost import read_training_cost
from monai_inpaint.training import (
    HolePSNR,
    autocast_iteration,
    flow_iteration,
    sample_weights,
    training_slices,
    training_volumes,
)
from monai_inpaint.transforms import ReadPyramidd, ReadVolumed

EPOCHS = 8  # of the stopped run: enough that it is still running when it is stopped
STEPS = TINY["epoch_length"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return data_set(folder)


def places(name: str, data: Path) -> dict[str, Any]:
    beside = data.parent
    # Making a head takes seconds.
    one_head = {} if name == "cxr_inpainting" else {"synthetic#slices": "$training.synthetic_volumes(1)"}
    return {
        "bundle_root": bundle(name).path,
        "dataset_dir": data,
        "output_dir": beside / "out",
        "ckpt_dir": beside / "ckpt",
        **one_head,
    }


def config(name: str, file: str) -> Path:
    return bundle(name).path / "configs" / file


def newest(folder: Path) -> tuple[int, Path]:
    """The last epoch that was saved, and its file."""
    return max((int(path.stem.partition("=")[2]), path) for path in folder.glob("resume_checkpoint_epoch=*.pt"))


def load(path: Path) -> dict[str, Any]:
    return torch.load(path, map_location="cpu", weights_only=True)


def state_of(name: str) -> dict[str, torch.Tensor]:
    defined = json.loads(config(name, "train.json").read_text())["network_def"]
    return InpaintUNet(**{key: value for key, value in defined.items() if key != "_target_"}).state_dict()


def curves(folder: Path) -> list[dict[str, str]]:
    with (folder / "curves.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def trained_epochs(log: str) -> list[int]:
    return [int(n) for n in re.findall(r"SupervisedTrainer - INFO - Epoch\[(\d+)\] Complete", log)]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ct_inpainting", "cxr_inpainting", "mr_inpainting"])
def test_the_committed_config_trains_validates_and_saves(name: str, data: Path) -> None:
    log = run_bundle(config(name, "train.json"), **places(name, data), **TINY)

    assert trained_epochs(log) == [1, 2]
    assert len(re.findall(r"Epoch\[\d\] Metrics -- hole_psnr", log)) == 2
    epoch, saved = newest(data.parent / "out")
    assert epoch == 2
    best = load(data.parent / "ckpt" / "model.pt")
    assert best.keys() == load(saved)["network"].keys() == state_of(name).keys()
    assert best["head.weight"].abs().sum() > 0  # it starts at zero


@pytest.mark.slow
def test_a_training_leaves_its_curves_and_goes_on_with_them(data: Path) -> None:
    name, out = "cxr_inpainting", data.parent / "out"
    settings = places(name, data) | TINY | {"max_epochs": 3, "val_interval": 2}
    run_bundle(config(name, "train.json"), **settings)
    first = curves(out)
    newest(out)[1].unlink()  # as if it had been stopped in the last epoch
    run_bundle(config(name, "train.json"), **settings)
    rows = curves(out)

    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert rows[:2] == first[:2]
    assert all(float(row["loss"]) > 0 for row in rows)
    assert [bool(row["hole_psnr"]) for row in rows] == [False, True, False]
    assert 0 < float(rows[0]["minutes"]) <= float(rows[1]["minutes"]) <= float(rows[2]["minutes"])
    with Pillow.open(out / "curves.png") as picture:
        assert len(np.unique(np.asarray(picture.convert("L")))) > 10


@pytest.mark.slow
def test_mlflow_tracks_a_training(data: Path) -> None:
    pytest.importorskip("mlflow")
    name, out = "cxr_inpainting", data.parent / "out"
    run_bundle(config(name, "train.json"), **places(name, data), **TINY, tracking="mlflow")

    with sqlite3.connect(out / "mlruns.db") as tracked:
        found = tracked.execute("SELECT key, step, value FROM metrics WHERE value > 0").fetchall()
    psnr = {step: value for key, step, value in found if key == "hole_psnr"}
    expected = {int(row["epoch"]): float(row["hole_psnr"]) for row in curves(out)}
    assert psnr == pytest.approx(expected, abs=1e-3)
    assert {step for key, step, _ in found if "loss" in key} >= {1, 2, 3, 4}  # every iteration


@pytest.mark.slow
def test_a_stopped_training_goes_on_after_the_last_whole_epoch(data: Path) -> None:
    name, out = "mr_inpainting", data.parent / "out"
    settings = places(name, data) | TINY | {"max_epochs": EPOCHS}
    run = subprocess.Popen(
        bundle_command(config(name, "train.json"), **settings),
        env=quiet_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while run.poll() is None and not list(out.glob("resume_*.pt")):
        time.sleep(0.005)
    run.kill()
    run.wait()
    stopped, saved = newest(out)
    assert stopped < EPOCHS, "it was stopped too late to show anything"
    assert load(saved)["scheduler"]["last_epoch"] == stopped * STEPS

    log = run_bundle(config(name, "train.json"), **settings)

    assert trained_epochs(log) == list(range(stopped + 1, EPOCHS + 1))
    state = load(newest(out)[1])
    # As many steps as if it had never been stopped: the optimizer and the scheduler went on, too.
    assert {int(of["step"]) for of in state["optimizer"]["state"].values()} == {EPOCHS * STEPS}
    assert state["scheduler"]["last_epoch"] == EPOCHS * STEPS
    assert (state["trainer"]["epoch_length"], state["trainer"]["iteration"]) == (STEPS, EPOCHS * STEPS)


@pytest.mark.slow
def test_two_processes_train_the_network_that_one_does_and_one_goes_on_from_their_checkpoint(data: Path) -> None:
    name, half, beside = "mr_inpainting", TINY["batch_size"], data.parent
    configs = config(name, "train.json"), config(name, "multi_gpu_train.json")
    descent = {"_target_": "torch.optim.SGD", "params": "$@network.parameters()", "lr": 1.0}
    settings = places(name, data) | TINY | {"optimizer": json.dumps(descent)}
    log = run_bundle(*configs, processes=2, **settings)
    alone = {"batch_size": 2 * half, "output_dir": beside / "alone", "ckpt_dir": beside / "alone"}
    run_bundle(configs[0], **settings | alone)
    shutil.copytree(beside / "out", beside / "on")
    newest(beside / "on")[1].unlink()
    on = run_bundle(configs[0], **settings | alone | {"output_dir": beside / "on"})

    assert sorted(trained_epochs(log)) == [1, 1, 2, 2]
    assert trained_epochs(on) == [2]
    assert len(re.findall(r"Epoch\[\d\] Metrics -- hole_psnr", log)) == 2  # only the first process tells and saves
    best = re.findall(r"best metric of hole_psnr: ([\d.]+)", log)
    assert len(best) == 2 * len(set(best))  # both have the mean over all windows, not over their own
    names = state_of(name).keys()
    assert load(beside / "ckpt" / "model.pt").keys() == names
    weights = [load(newest(beside / folder)[1])["network"] for folder in ("out", "alone", "on")]
    assert weights[0].keys() == names
    start = weights_at_the_start(name)
    steps = [torch.cat([(state[key] - start[key]).flatten() for key in names]) for state in weights]
    assert steps[0].norm() > 1e-3
    for step in steps[1:]:
        assert (step - steps[0]).norm() < 0.02 * steps[0].norm()  # bfloat16, where the processor has it
    effort = read_training_cost(beside / "out")
    assert effort is not None
    assert effort.steps == 4  # of both
    assert effort.images >= 16  # a slab gives several slices


def weights_at_the_start(name: str) -> dict[str, torch.Tensor]:
    """As `train.json` makes them from its seed."""
    monai.utils.set_determinism(seed=json.loads(config(name, "train.json").read_text())["seed"])
    try:
        return state_of(name)
    finally:
        monai.utils.set_determinism(seed=None)


@pytest.mark.slow
def test_evaluation_writes_the_metric_and_touches_no_weights(data: Path) -> None:
    name = "cxr_inpainting"
    weights = bundle(name).path / "models" / "model.pt"
    before = weights.read_bytes()
    run_bundle(config(name, "train.json"), config(name, "evaluate.json"), **places(name, data), side=64)

    label, value = (data.parent / "out" / "metrics.csv").read_text().strip().split(",")
    assert label == "hole_psnr"
    assert 0 < float(value) < 100
    assert weights.read_bytes() == before
    assert not list(data.parent.rglob("*.pt"))


@pytest.mark.parametrize("iteration", [flow_iteration, autocast_iteration])
def test_a_loss_that_is_no_number_ends_the_training_and_says_what_to_change(iteration) -> None:
    network = torch.nn.Conv2d(5 if iteration is flow_iteration else 2, 1, 1)
    image, label = torch.ones(1, 2, 8, 8), torch.ones(1, 2, 8, 8)
    before = network.weight.detach().clone()
    trainer = SupervisedTrainer(
        device=torch.device("cpu"),
        max_epochs=1,
        train_data_loader=[{"image": image, "label": label}],
        network=network,
        optimizer=torch.optim.SGD(network.parameters(), lr=1.0),
        loss_function=lambda output, _: output.sum() * math.nan,
        iteration_update=iteration,
    )

    with pytest.raises(FloatingPointError, match=r"The loss became nan; lower the learning rate"):
        trainer.run()

    assert torch.equal(network.weight, before)


def test_the_loss_is_the_error_inside_the_hole_whatever_its_size() -> None:
    truth = torch.zeros(2, 1, 8, 8)
    region = torch.zeros(2, 1, 8, 8)
    region[0, :, :1, :1], region[1, :, :4, :8] = 1, 1  # 1 voxel, 32 voxels
    fill = torch.full((2, 1, 8, 8), 3.0)
    fill[region == 0] = 1e6  # does not count

    loss = HoleRMSE(scale=2.0, floor=0.0)(fill, torch.cat((truth, region), dim=1))

    assert loss.item() == pytest.approx(1.5)


def test_the_loss_is_the_mean_of_the_windows_errors() -> None:
    region = torch.ones(2, 1, 2, 2)
    truth = torch.zeros(2, 1, 2, 2)
    fill = torch.stack((torch.full((1, 2, 2), 2.0), torch.tensor([[[0.0, 0.0], [0.0, 12.0]]])))

    loss = HoleRMSE(floor=0.0)(fill, torch.cat((truth, region), dim=1))

    assert loss.item() == pytest.approx((2.0 + 6.0) / 2)


def test_the_loss_has_a_finite_slope_where_the_fill_is_right() -> None:
    fill = torch.zeros(1, 1, 4, 4, requires_grad=True)
    HoleRMSE()(fill, torch.cat((torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4)), dim=1)).backward()

    assert torch.isfinite(fill.grad).all()


def test_psnr_counts_the_hole_only_and_leaves_windows_without_one_out() -> None:
    label = torch.zeros(3, 2, 8, 8)
    label[0, 1, :2], label[1, 1, 4:] = 1, 1  # the third window has no hole
    fill = torch.full((3, 1, 8, 8), 1e6)
    fill[0, :, :2], fill[1, :, 4:] = 2.0, 20.0
    metric = HolePSNR(data_range=200.0)
    metric(y_pred=fill, y=label)

    assert metric.aggregate().item() == pytest.approx((40.0 + 20.0) / 2)  # 200 is 100 and 10 times the error


def test_each_source_is_drawn_with_its_share(data: Path) -> None:
    slices = training_slices(data / "index.csv", {"figshare": 0, "sarcoma": 0, "msd": 0}, "train", modality="MR")
    weights = sample_weights(slices, {"figshare": 0.6, "sarcoma": 0.3, "msd": 0.1})
    drawn = {entry["source"]: 0.0 for entry in slices}
    for entry, weight in zip(slices, weights, strict=True):
        drawn[entry["source"]] += weight

    assert drawn == pytest.approx({"figshare": 0.6, "sarcoma": 0.3, "msd": 0.1})


def test_the_ends_of_a_volume_are_left_out(data: Path) -> None:
    slices = training_slices(data / "index.csv", {"msd": 0.2}, "val", modality="MR")

    assert [entry["slice"] for entry in slices] == [2, 3, 4, 5, 6, 7]


def test_a_limit_keeps_slices_from_end_to_end(data: Path) -> None:
    slices = training_slices(data / "index.csv", {"msd": 0}, "val", modality="MR", limit=5)

    assert [entry["slice"] for entry in slices] == [0, 2, 4, 6, 8]


def noted(folder: Path, *notes: str) -> Path:
    """A list of films of one source with these notes, all to train on."""
    lines = [f"{number}.png,clinic,CR,p{number},train,,{note}" for number, note in enumerate(notes)]
    index = folder / "noted.csv"
    index.write_text("\n".join(["path,source,modality,patient,split,mask,note", *lines]))
    return index


def names(slices: list[dict[str, Any]]) -> list[str]:
    return [entry["name"] for entry in slices]


def test_films_that_show_a_finding_are_not_trained_on(tmp_path: Path) -> None:
    index = noted(tmp_path, "No_findings", "Pneumonia", "NORMAL", "")

    assert names(training_slices(index, {"clinic": 0}, "train", modality="CR")) == ["0.png", "2.png", "3.png"]
    assert len(training_slices(index, {"clinic": 0}, "train", modality="CR", healthy=False)) == 4


def test_notes_are_no_findings_where_none_says_that_there_is_none(tmp_path: Path) -> None:
    index = noted(tmp_path, "portable", "1024x1024")

    assert len(training_slices(index, {"clinic": 0}, "train", modality="CR")) == 2


def test_images_that_a_list_marks_as_unhealthy_are_taken_only_where_health_does_not_matter(tmp_path: Path) -> None:
    index = noted(tmp_path, "a", "b")
    index.write_text(index.read_text().replace("p1,train,", "p1,train-unhealthy,"))

    assert names(training_slices(index, {"clinic": 0}, "train", modality="CR")) == ["0.png"]
    assert len(training_slices(index, {"clinic": 0}, "train", modality="CR", healthy=False)) == 2


def test_files_of_labels_are_no_images(tmp_path: Path) -> None:
    index = tmp_path / "index.csv"
    files = ("t1.png", "t1_seg_gif.png", "mask-0.png", "tumour-label.png", "segment.png", "unmasked.png")
    index.write_text("path,source,modality,split,mask\n" + "".join(f"{name},s,MR,train,\n" for name in files))

    found = training_slices(index, {"s": 0}, "train", modality="MR")

    assert names(found) == ["segment.png", "t1.png", "unmasked.png"]


def test_a_lesion_with_a_mask_is_neither_shown_nor_asked_for(tmp_path: Path) -> None:
    image, mask = smooth((48, 40, 3)), np.zeros((48, 40, 3), np.uint8)
    mask[10:20, 5:12, 1] = 1
    nifti(tmp_path / "image.nii.gz", (1000 * image).astype(np.int16))
    nifti(tmp_path / "mask.nii.gz", mask)
    index = tmp_path / "index.csv"
    rows = "image.nii.gz,s,MR,train,mask.nii.gz\nmask.nii.gz,s,MR,train,\n"
    index.write_text(f"path,source,modality,split,mask\n{rows}")
    slices = training_slices(index, {"s": 0}, "train", modality="MR")
    (volume,) = training_volumes(index, ["s"], "train", modality="MR")

    unknown = [np.isnan(ReadPyramidd("image")(entry)["image"][0]).sum() for entry in slices]

    assert unknown == [0, 70, 0]
    assert np.array_equal(np.isnan(ReadVolumed("image")(volume)["image"].voxels), mask > 0)


def test_a_missing_index_is_reported_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such index file"):
        training_slices(tmp_path / "index.csv", {"msd": 0}, "val", modality="MR")


def test_an_index_without_a_column_is_reported_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "index.csv").write_text("path,source,modality,mask\na.png,msd,MR,\n")

    with pytest.raises(InputError, match="index.csv: has no column 'split', .* monai-inpaint index"):
        training_slices(tmp_path / "index.csv", {"msd": 0}, "val", modality="MR")
