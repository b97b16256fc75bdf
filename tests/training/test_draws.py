"""Which windows are drawn, by whom, and what is made of them: the same by any number of processes, parts and runs."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import ignite.distributed as idist
import numpy as np
import pytest
import torch
from ignite.handlers import EMAHandler
from monai.data import CacheDataset, DataLoader, Dataset
from monai.engines import SupervisedTrainer
from monai.transforms import Compose, RandGaussianNoised
from torch import nn
from torch.utils.data import ConcatDataset

from monai_inpaint.losses import HoleRMSE
from monai_inpaint.training import SeededDataset, ShardedSampler, autocast_iteration, flow_iteration, make_resumable
from monai_inpaint.training import accumulation as accumulating
from monai_inpaint.training.draws import SeededIndex
from monai_inpaint.training.iteration import autocast

IMAGES = 10


def noisy(count: int = IMAGES, kind: Callable = Dataset) -> Dataset:
    """Images of their number, with random noise."""
    data = [{"image": torch.full((2, 8, 8), float(n)), "label": torch.ones(2, 8, 8)} for n in range(count)]
    return kind(data, Compose([RandGaussianNoised("image", prob=1.0)]))


def shard(
    monkeypatch: pytest.MonkeyPatch, rank: int, processes: int, samples: int, epoch: int = 1, **of
) -> list[SeededIndex]:
    monkeypatch.setattr(idist, "get_rank", lambda: rank)
    monkeypatch.setattr(idist, "get_world_size", lambda: processes)
    sampler = ShardedSampler(noisy(), samples, **of)
    sampler.set_epoch(epoch)
    assert len(sampler) == samples
    return list(sampler)


@pytest.mark.parametrize("weights", [None, list(range(IMAGES))])
def test_processes_draw_together_the_batches_that_one_draws(monkeypatch: pytest.MonkeyPatch, weights) -> None:
    alone = shard(monkeypatch, 0, 1, 24, weights=weights)
    shards = [shard(monkeypatch, rank, 3, 8, weights=weights) for rank in range(3)]

    for first in range(0, 24, 6):  # batches of 6, and of 2 in each process
        of_all = [draw for drawn in shards for draw in drawn[first // 3 : first // 3 + 2]]
        assert Counter(of_all) == Counter(alone[first : first + 6])


def test_draws_follow_from_the_seed_and_the_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = [shard(monkeypatch, 0, 1, 8, epoch, seed=seed) for seed, epoch in ((1, 1), (1, 1), (1, 2), (2, 1), (2, 2))]

    assert draws[0] == draws[1]
    assert len({tuple(drawn) for drawn in draws}) == 4
    assert shard(monkeypatch, 0, 1, 8, seed=None) != shard(monkeypatch, 0, 1, 8, seed=None)


def test_images_are_drawn_by_their_weights_or_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    by_weight = Counter(draw.index for draw in shard(monkeypatch, 0, 1, 3000, weights=[0, 1, 2] + [0] * 7))
    in_turn = Counter(draw.index for draw in shard(monkeypatch, 0, 1, 2 * IMAGES + 3))

    assert by_weight[2] / by_weight[1] == pytest.approx(2.0, rel=0.15)
    assert by_weight.keys() == {1, 2}
    assert sorted(in_turn.values()) == [2] * 7 + [3] * 3


@pytest.mark.parametrize("workers", [0, 2])
def test_windows_follow_from_their_draw_whoever_cuts_them(workers: int) -> None:
    dataset = SeededDataset(ConcatDataset([noisy(), noisy(4, partial(CacheDataset, progress=False))]))
    sampler = ShardedSampler(dataset, 12, seed=3)

    def drawn(number: int) -> torch.Tensor:
        return torch.cat([batch["image"] for batch in DataLoader(dataset, number, batch_size=4, sampler=sampler)])

    expected = torch.stack([SeededDataset(dataset.dataset)[draw]["image"] for draw in sampler])
    assert len(dataset) == IMAGES + 4
    torch.testing.assert_close(drawn(workers), expected)
    numbers = [draw.index % IMAGES for draw in sampler]
    torch.testing.assert_close(
        expected.mean(dim=(1, 2, 3)), torch.tensor(numbers, dtype=torch.float32), atol=0.1, rtol=0
    )


def test_windows_that_are_cut_together_have_seeds_of_their_own() -> None:
    twice = Dataset([{"image": torch.zeros(1)}], Compose([lambda of: [dict(of), dict(of)]]))

    assert [window["draw"] for window in SeededDataset(twice)[SeededIndex(0, 7)]] == [7, 8]


def windows(count: int = 5) -> dict[str, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    truth = 100 + 30 * torch.randn(count, 1, 16, 16, generator=rng)
    hole = torch.zeros_like(truth)
    for number in range(count):
        hole[number, :, 4:12, 2 + number : 9] = 1
    return {
        "image": torch.cat((truth * (1 - hole), hole), dim=1),
        "label": torch.cat((truth, hole), dim=1),
        "draw": torch.arange(count),
    }


class Blend(nn.Module):
    """A convolution of what is shown, in single precision."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Conv2d(channels, 1, 3, padding=1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", enabled=False):
            return self.body(image.float() / 100) * 100


def step_of(iteration: Callable, batch: dict[str, torch.Tensor], **options) -> tuple[torch.Tensor, float]:
    """The weights after one step, and its loss."""
    network = Blend(5 if iteration is flow_iteration else 2)
    trainer = SupervisedTrainer(
        device=torch.device("cpu"),
        max_epochs=1,
        train_data_loader=[batch],
        network=network,
        optimizer=torch.optim.SGD(network.parameters(), lr=0.1),
        loss_function=HoleRMSE(),
        iteration_update=partial(iteration, **options),
        decollate=False,
    )
    trainer.run()
    return torch.cat([values.detach().flatten() for values in network.parameters()]), trainer.state.output[
        "loss"
    ].item()


@pytest.mark.parametrize("iteration", [flow_iteration, autocast_iteration])
@pytest.mark.parametrize("parts", [2, 3, 9])
def test_a_batch_in_parts_takes_the_step_of_the_whole(iteration: Callable, parts: int) -> None:
    whole, loss = step_of(iteration, windows())
    in_parts, their_loss = step_of(iteration, windows(), parts=parts)

    torch.testing.assert_close(in_parts, whole)
    assert their_loss == pytest.approx(loss)
    assert not torch.allclose(whole, step_of(iteration, {k: v[:2] for k, v in windows().items()})[0])


def test_unequal_shares_of_a_batch_make_the_step_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    batch, steps = windows(), []
    start = torch.cat([values.detach().flatten() for values in Blend(2).parameters()])
    for share in (slice(0, 1), slice(1, 5)):
        monkeypatch.setattr(accumulating, "share_of", lambda count: count * 2 / 5)  # of two processes
        steps.append(step_of(autocast_iteration, {key: values[share] for key, values in batch.items()})[0] - start)
    monkeypatch.undo()

    torch.testing.assert_close((steps[0] + steps[1]) / 2, step_of(autocast_iteration, batch)[0] - start)


def test_what_a_window_is_shown_follows_from_its_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(1)
    first = step_of(flow_iteration, windows(), at_start=0.0)
    torch.manual_seed(2)

    assert step_of(flow_iteration, windows(), at_start=0.0)[1] == first[1]
    assert step_of(flow_iteration, windows() | {"draw": torch.arange(5) + 9}, at_start=0.0)[1] != first[1]


class Careless(nn.Module):
    """Draws from every generator of the process."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.Dropout(0.5), nn.Conv2d(4, 1, 3, padding=1))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.body(image) + random.random() + float(np.random.normal())


def trained(folder: Path, epochs: int, chance: int) -> dict[str, torch.Tensor]:
    """The last state of a training; `chance` seeds what a new process would not find as it was."""
    network = Careless()
    random.seed(chance)
    np.random.seed(chance)
    torch.manual_seed(chance)
    dataset = SeededDataset(noisy())
    trainer = SupervisedTrainer(
        device=torch.device("cpu"),
        max_epochs=epochs,
        train_data_loader=DataLoader(dataset, batch_size=2, sampler=ShardedSampler(dataset, 6, seed=1)),
        network=network,
        optimizer=torch.optim.Adam(network.parameters(), lr=0.01),
        loss_function=lambda output, label: ((output - label[:, :1]) ** 2).mean(),
    )
    average = EMAHandler(network, momentum=0.01, momentum_warmup=0.5, warmup_iters=9)
    average.attach(trainer)
    make_resumable(trainer, folder, network=network, average=average, optimizer=trainer.optimizer)
    trainer.run()
    return network.state_dict() | {f"average {key}": values for key, values in average.ema_model.state_dict().items()}


def test_a_resumed_training_takes_the_steps_of_one_that_was_not_stopped(tmp_path: Path) -> None:
    whole = trained(tmp_path / "whole", 4, chance=1)
    trained(tmp_path / "stopped", 2, chance=1)
    resumed = trained(tmp_path / "stopped", 4, chance=2)

    assert all(torch.equal(resumed[key], whole[key]) for key in whole)
    other = trained(tmp_path / "other", 4, chance=2)
    assert not all(torch.equal(other[key], whole[key]) for key in whole)


@pytest.mark.parametrize("able", [True, False])
def test_bfloat16_is_left_to_gpus_that_compute_in_it(monkeypatch: pytest.MonkeyPatch, able: bool) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation: asked.append(including_emulation) or able
    )
    monkeypatch.setattr(torch, "autocast", lambda kind, dtype, enabled: (kind, dtype, enabled))
    trainer = type("Engine", (), {"state": type("State", (), {"device": "cuda:0"})})

    assert autocast(trainer) == ("cuda", torch.bfloat16, able)
    assert asked == [False]
