"""Training for hours in pieces: what is kept between them, how the rate and the windows change, and how Muon steps."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.engines import SupervisedTrainer
from monai.transforms import Compose
from torch import nn
from training_samples import TINY, bundle, data_set, run_bundle

from monai_inpaint.errors import InputError
from monai_inpaint.registry.training_cost import read_training_cost
from monai_inpaint.training import (
    GrowWindows,
    Muon,
    WindowSideHandler,
    keep_state,
    load_initial_weights,
    warm_hold_decay,
)
from monai_inpaint.training.muon import nearly_orthogonal
from monai_inpaint.transforms import RandWindowd


def layers(width: int = 8) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, 1, 3, padding=1))


def trainer_of(network: nn.Module, epochs: int) -> SupervisedTrainer:
    """Three steps an epoch on one pair of images."""
    torch.manual_seed(1)
    pair = {"image": torch.rand(4, 1, 8, 8), "label": torch.rand(4, 1, 8, 8)}
    return SupervisedTrainer(
        device=torch.device("cpu"),
        max_epochs=epochs,
        train_data_loader=[pair] * 3,
        network=network,
        optimizer=torch.optim.SGD(network.parameters(), lr=0.1),
        loss_function=nn.MSELoss(),
        decollate=False,
    )


def trained(epochs: int, state: Path | None = None) -> nn.Module:
    network = layers()
    trainer = trainer_of(network, epochs)
    if state:
        keep_state(trainer, state, network=network)
    trainer.run()
    assert trainer.state.epoch == epochs
    return network


def test_a_training_in_pieces_ends_where_one_in_one_piece_does(tmp_path: Path) -> None:
    for epochs in (2, 4, 6):
        pieces = trained(epochs, tmp_path / "state.pt")
    whole = trained(6)

    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]
    for kept, never_stopped in zip(pieces.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(kept, never_stopped, rtol=0, atol=1e-3)


def test_the_state_takes_two_bytes_a_weight(tmp_path: Path) -> None:
    network = layers(width=4000)
    trainer = trainer_of(network, 1)
    keep_state(trainer, tmp_path / "state.pt", network=network)
    trainer.run()
    weights = sum(values.numel() for values in network.parameters())

    assert 2 * weights < (tmp_path / "state.pt").stat().st_size < 2 * weights + 10_000


def test_a_training_that_ends_starts_from_the_network_of_a_state(tmp_path: Path) -> None:
    network = trained(2, tmp_path / "state.pt")
    fresh = layers()
    load_initial_weights(tmp_path / "state.pt", fresh)

    for loaded, kept in zip(fresh.parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(loaded, kept, rtol=1e-3, atol=1e-4)
    with pytest.raises(InputError, match="weights are of another network"):
        load_initial_weights(tmp_path / "state.pt", nn.Linear(2, 2))


def test_the_rate_rises_stays_and_falls_to_nothing() -> None:
    factor = warm_hold_decay(100, warm_up=4, decay=0.25)
    rates = [factor(step) for step in range(101)]

    assert rates[:4] == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert set(rates[4:76]) == {1.0}
    assert np.all(np.diff(rates[76:]) < 0)
    assert rates[-1] == 0.0


def test_a_rate_that_does_not_fall_is_the_same_however_long_the_training() -> None:
    assert [warm_hold_decay(n, decay=0.0)(10**6) for n in (10, 10**9)] == [1.0, 1.0]


def sides_of_epochs(handler: Callable[[list[Compose]], WindowSideHandler]) -> list[tuple[int, float]]:
    """`side` and `closest` of a window in four epochs."""
    window = RandWindowd("image", side=128, closest=96)
    trainer = trainer_of(layers(), 4)
    seen: list[tuple[int, float]] = []
    handler([Compose([window])]).attach(trainer)
    trainer.add_event_handler("EPOCH_COMPLETED", lambda: seen.append((window.side, window.closest)))
    trainer.run()
    return seen


def test_windows_take_the_listed_sides_in_turn_and_keep_their_closest_zoom() -> None:
    seen = sides_of_epochs(lambda transforms: WindowSideHandler([128, 64, 64], transforms))

    assert seen == [(128, 96.0), (64, 48.0), (64, 48.0), (128, 96.0)]


def test_configs_of_earlier_versions_name_the_first_epoch_of_each_side() -> None:
    seen = sides_of_epochs(lambda transforms: GrowWindows(json.loads('{"1": 64, "3": 128}'), transforms))

    assert seen == [(64, 48.0), (64, 48.0), (128, 96.0), (128, 96.0)]


def test_a_matrix_made_nearly_orthogonal_turns_and_does_not_stretch() -> None:
    torch.manual_seed(0)
    for shape in ((6, 40), (40, 6)):
        values = torch.linalg.svdvals(nearly_orthogonal(torch.randn(shape)))

        assert 0.6 < float(values.min()) <= float(values.max()) < 1.3


def test_muon_steps_by_the_learning_rate_whatever_the_size_of_the_gradient() -> None:
    for size in (1e-4, 1e4):
        network = nn.Sequential()
        network.add_module("body", nn.Conv2d(4, 4, 3))
        before = network.body.weight.detach().clone()
        optimizer = Muon(network, lr=0.01)
        network.body.weight.grad = size * torch.randn(before.shape)
        optimizer.step()
        moved = (network.body.weight.detach() - before).pow(2).mean().sqrt()

        assert float(moved) == pytest.approx(0.01 * 0.2, rel=0.25)


def test_muon_leaves_vectors_and_the_outer_layers_to_adamw_and_is_resumed_from_its_state() -> None:
    network = nn.Sequential()
    network.add_module("stem", nn.Conv2d(1, 4, 3))
    network.add_module("body", nn.Conv2d(4, 1, 3))
    optimizer = Muon(network, lr=0.01)
    alike = Muon(network, lr=0.01)
    network(torch.rand(2, 1, 8, 8)).mean().backward()
    optimizer.step()
    alike.load_state_dict(optimizer.state_dict())

    assert [[tuple(p.shape) for p in group["params"]] for group in optimizer.param_groups] == [
        [(4, 1, 3, 3), (4,), (1,)],
        [(1, 4, 3, 3)],
    ]
    assert torch.equal(alike.state[network.body.weight]["exp_avg"], optimizer.state[network.body.weight]["exp_avg"])


@pytest.mark.slow
def test_the_lane_goes_on_where_it_was_left(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    configs = bundle("cxr_inpainting").path / "configs"
    recipe = configs / "train.json", configs / "sampler.json"
    settings = TINY | {
        "bundle_root": bundle("cxr_inpainting").path,
        "dataset_dir": data_set(tmp_path / "data"),
        "output_dir": tmp_path / "out",
        "ckpt_dir": tmp_path / "ckpt",
        "sides": [64],
    }
    for epochs in (2, 3):
        run_bundle(*recipe, configs / "lane.json", **settings | {"max_epochs": epochs})
    end = settings | {"output_dir": tmp_path / "end", "initial": tmp_path / "out" / "state.pt", "decay": 1}
    run_bundle(*recipe, **end)

    with (tmp_path / "out" / "curves.csv").open(newline="") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2", "3"]
    assert (tmp_path / "ckpt" / "sampler.pt").is_file()
    for folder, steps in (("out", 3 * TINY["epoch_length"]), ("end", (3 + TINY["max_epochs"]) * TINY["epoch_length"])):
        cost = read_training_cost(tmp_path / folder)
        assert cost is not None
        assert (cost.steps, cost.images) == (steps, steps * TINY["batch_size"])
