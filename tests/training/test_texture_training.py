"""The texture networks learn by MONAI's trainer, with their discriminator, and obey the density that they saw."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from monai.bundle import ConfigParser
from monai.engines import SupervisedTrainer
from PIL import Image
from scipy.ndimage import gaussian_filter
from torch import nn
from training_samples import ROOT, image_features, run_bundle

from monai_inpaint.cli import main
from monai_inpaint.errors import InputError
from monai_inpaint.losses import HoleL1, PerceptualLoss, ValidHoleL1
from monai_inpaint.networks import TextureDiscriminator, TextureGenerator, load_pools
from monai_inpaint.training import (
    AdversarialIteration,
    DiscriminatorTask,
    LossTerm,
    WithCondition,
    autocast_validation,
    boxed_nodules,
)
from monai_inpaint.transforms import CutBoxedNoduled
from monai_inpaint.transforms.pyramid import make_pyramid

SIDE = 32
ROWS = ROOT / "bundles" / "nodule_texture_ct" / "configs"


def batch(seed: int) -> dict[str, torch.Tensor]:
    """Squares in noisy lung, as bright as they are dense: -600 to 0 HU."""
    torch.manual_seed(seed)
    density = torch.rand(4, 1, 1, 1)
    mask = torch.zeros(4, 1, SIDE, SIDE)
    mask[..., 10:22, 8:20] = 1
    truth = -870.0 + 20.0 * torch.randn(4, 1, SIDE, SIDE)
    truth = torch.where(mask > 0, -600.0 + 600.0 * density + 20.0 * torch.randn_like(truth), truth)
    image = torch.cat((truth * (1 - mask), mask, density * mask), dim=1)
    return {"image": image, "label": torch.cat((truth, mask), dim=1)}


def trained(steps: int, features: Path | None = None) -> tuple[TextureGenerator, list[float]]:
    torch.manual_seed(0)
    net, discriminator = TextureGenerator(4, limits=(-1000.0, 500.0)), TextureDiscriminator(3, 2)
    terms = [LossTerm(HoleL1(), on="coarse"), LossTerm(HoleL1())]
    if features:
        terms.append(LossTerm(PerceptualLoss(load_pools(features)), region=False, side=SIDE))
    task = DiscriminatorTask(
        discriminator,
        torch.optim.Adam(discriminator.parameters(), 1e-4),
        WithCondition(),
        0.1,
        criterion="least_squares",
    )
    losses: list[float] = []
    trainer = SupervisedTrainer(
        device=torch.device("cpu"), max_epochs=1, train_data_loader=[batch(n) for n in range(steps)], network=net,
        optimizer=torch.optim.Adam(net.parameters(), 3e-3), loss_function=nn.Identity(),
        iteration_update=AdversarialIteration(terms, {"patches": task}),
    )  # fmt: skip
    trainer.add_event_handler("ITERATION_COMPLETED", lambda e: losses.append(float(e.state.output[0]["loss"])))
    trainer.run()
    return net.eval(), losses


def test_training_lowers_the_loss_and_a_denser_nodule_is_brighter() -> None:
    net, losses = trained(120)
    x = batch(999)["image"]
    inside = x[:, 1:2] > 0
    levels = []
    for density in (0.0, 0.25, 0.5, 0.75, 1.0):
        x[:, 2:] = density * x[:, 1:2]
        with torch.no_grad():
            levels.append(float(net(x)[inside].mean()))

    assert sum(losses[-10:]) < 0.5 * sum(losses[:10])
    assert levels == sorted(levels)
    assert levels[-1] - levels[0] > 200


def test_the_perceptual_loss_is_one_of_the_terms(tmp_path: Path) -> None:
    _, losses = trained(2, image_features(tmp_path))

    assert all(torch.isfinite(torch.tensor(losses)))


def test_the_perceptual_loss_is_nothing_for_the_truth_and_grows_with_style(tmp_path: Path) -> None:
    pools = load_pools(image_features(tmp_path))
    truth = torch.rand(2, 1, 48, 48) * 2 - 1
    fill = truth.flip(2)

    assert float(PerceptualLoss(pools)(truth, truth)) == 0
    assert float(PerceptualLoss(pools, style=1.0)(fill, truth)) > float(PerceptualLoss(pools)(fill, truth)) > 0


def test_l1_in_the_hole_and_around_it() -> None:
    truth, hole = torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 4)
    hole[..., :2] = 1
    target = torch.cat((truth, hole), dim=1)
    fill = torch.where(hole > 0, 3.0, 1.0)

    assert float(HoleL1()(fill, target)) == 3
    assert float(ValidHoleL1(valid=10, hole=60)(fill, target)) == pytest.approx((60 * 3 + 10 * 1) / 2)


def test_validation_shows_a_network_of_three_channels_what_it_takes() -> None:
    class Engine:
        network, state, non_blocking, to_kwargs = TextureGenerator(4), type("State", (), {"device": "cpu"})(), False, {}
        inferer = staticmethod(lambda image, network: network(image))
        prepare_batch = staticmethod(lambda data, *_a, **_k: (data["image"], data["label"]))
        fire_event = staticmethod(lambda _event: None)

    assert autocast_validation(Engine(), batch(0))["pred"].shape == (4, 1, SIDE, SIDE)


@pytest.mark.parametrize("name", [None, *sorted(path.stem for path in (ROWS / "rows").glob("*.json"))])
def test_every_row_of_the_papers_tables_learns_from_its_config(name: str | None, tmp_path: Path) -> None:
    parser = ConfigParser()
    parser.read_config([str(ROWS / "train.json"), *([str(ROWS / "rows" / f"{name}.json")] if name else [])])
    parser.update({"features": str(image_features(tmp_path)), "device": "$torch.device('cpu')"})
    network = parser.get_parsed_content("network")
    iteration = parser.get_parsed_content("iteration")
    optimizer = parser.get_parsed_content("optimizer")
    made = {key: torch.nn.functional.interpolate(values, 64) for key, values in batch(0).items()}
    if not parser.get("hole").get("density", True):
        made["image"] = made["image"][:, :2]
    before = [values.detach().clone() for values in network.parameters()]
    trainer = SupervisedTrainer(
        device=torch.device("cpu"), max_epochs=1, train_data_loader=[made], network=network, optimizer=optimizer,
        loss_function=nn.Identity(), iteration_update=iteration,
    )  # fmt: skip
    trainer.run()

    changed = [not torch.equal(old, new) for old, new in zip(before, network.parameters(), strict=True)]
    assert sum(changed) > 0.8 * len(changed)
    assert json.loads((ROWS / "full.json").read_text())["learning_rate"] == 1e-4


@pytest.mark.slow
def test_the_texture_of_films_is_learned_from_boxed_nodules_of_node21(tmp_path: Path) -> None:
    folder, random = tmp_path / "data", np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    films = [f"n{number:04}.mha" for number in range(12)]
    for name in films:
        film = gaussian_filter(random.normal(size=(200, 180)), 8)
        film = (4000 * (film - film.min()) / np.ptp(film)).astype(np.uint16)
        sitk.WriteImage(sitk.GetImageFromArray(film), str(folder / "images" / name))
    rows = [f"{n},30,{name},{n % 2},{24 + n},{60 + n},80" for n, name in enumerate(films)]
    (folder / "metadata.csv").write_text("\n".join([",height,img_name,label,width,x,y", *rows]) + "\n")
    assert main(["index", "node21", str(folder), "--output", str(folder / "index.csv"), "--val", "0.4"]) == 0

    bundle = ROOT / "bundles" / "nodule_texture_cxr"
    run_bundle(
        bundle / "configs" / "train.json", bundle / "configs" / "node21.json", bundle_root=bundle, dataset_dir=folder,
        output_dir=tmp_path / "out", ckpt_dir=tmp_path / "out", features=image_features(tmp_path), epoch_length=2,
        max_epochs=2, batch_size=2,
    )  # fmt: skip

    with (tmp_path / "out" / "curves.csv").open(newline="") as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    assert len(losses) == 2
    assert np.isfinite(losses).all()
    assert (tmp_path / "out" / "model.pt").is_file()


def test_the_mask_of_a_boxed_nodule_is_the_ellipse_in_its_box_wherever_it_lies_and_however_large() -> None:
    film = np.add.outer(np.arange(400.0), 1000.0 * np.arange(300.0)).astype(np.float32)
    pyramid = make_pyramid(film, 4)
    small = CutBoxedNoduled()({"image": pyramid, "box": (100.0, 50.0, 20.0, 31.0)})
    corner = CutBoxedNoduled()({"image": pyramid, "box": (0.0, 0.0, 12.0, 12.0)})
    large = CutBoxedNoduled()({"image": pyramid, "box": (20.0, 40.0, 224.0, 224.0)})

    (mask,) = small["masks"]
    assert mask.sum() == pytest.approx(np.pi / 4 * 20 * 31, rel=0.03)
    middle = small["image"][63:65, 63:65].mean()
    assert middle == pytest.approx(1000 * 109.5 + 65.0, abs=1.0)  # of columns 100 to 119 and rows 50 to 80
    assert np.isfinite(corner["image"]).all()
    assert large["masks"].sum() == pytest.approx(np.pi / 4 * 112**2, rel=0.03)


def test_films_without_boxes_are_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "index.csv").write_text("path,source,modality,patient,split,mask,note\na.png,x,CR,a,train,,Nodule\n")
    (tmp_path / "boxes.csv").write_text("image,label,x,y,w,h\nother.png,Nodule,1,2,3,4\n")
    Image.new("L", (9, 9)).save(tmp_path / "a.png")

    with pytest.raises(InputError, match="no film of split train"):
        boxed_nodules(tmp_path / "index.csv", tmp_path / "boxes.csv", "train")
