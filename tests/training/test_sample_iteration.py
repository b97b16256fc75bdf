"""Training samples: what fills of one hole differ in is learned from the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from monai.engines import SupervisedEvaluator, SupervisedTrainer
from torch import nn

from monai_inpaint.fill.sampler import SAMPLE_TIME, multiscale_noise
from monai_inpaint.losses import EnergyScore, HoleRMSE
from monai_inpaint.networks import InpaintUNet
from monai_inpaint.training import iteration, sample_iteration, sample_validation
from monai_inpaint.training.draws import SEED

COUNT, SIDE = 16, 32


def batch() -> dict[str, torch.Tensor]:
    """Textures of mean 100 and deviation 30, which say little of one another across 16 voxels."""
    truth = 100.0 + 30.0 * torch.randn(COUNT, 1, SIDE, SIDE)
    hole = torch.zeros(COUNT, 1, SIDE, SIDE)
    hole[..., 8:24, 8:24] = 1.0
    return {"image": torch.cat((truth * (1.0 - hole), hole), dim=1), "label": torch.cat((truth, hole), dim=1)}


class Means(nn.Module):
    """The mean of the known voxels in the hole: the best estimate of such textures."""

    channels = 5

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        image, hole = windows[:, :1], windows[:, 1:2]
        return image + hole * image.sum(dim=(2, 3), keepdim=True) / (1.0 - hole).sum(dim=(2, 3), keepdim=True)


def small_network() -> InpaintUNet:
    return InpaintUNet(channels=(8, 8, 16, 16), encoder_blocks=(1, 1, 1, 1), decoder_blocks=(1, 1, 1), starts=True)


@pytest.mark.parametrize(("spread", "least", "most"), [(0.5, 24.0, 36.0), (0.4, 6.0, 22.0)])
def test_samples_learn_to_vary_as_the_data_do_or_less(spread: float, least: float, most: float) -> None:
    torch.manual_seed(0)
    network, estimator = small_network(), Means()
    trainer = SupervisedTrainer(
        device=torch.device("cpu"),
        max_epochs=1,
        train_data_loader=[batch() for _ in range(220)],
        network=network,
        optimizer=torch.optim.AdamW(network.parameters(), lr=3e-3),
        loss_function=HoleRMSE(),
        iteration_update=lambda engine, data: sample_iteration(engine, data, EnergyScore(spread=spread), estimator),
    )
    trainer.run()

    image = batch()["image"]
    hole = image[:, 1:]
    network.eval()
    random = np.random.default_rng(0)
    noise = torch.from_numpy(np.stack([multiscale_noise((SIDE, SIDE), random)[None] for _ in range(COUNT)])) * hole
    estimate = estimator(image)
    with torch.no_grad():
        sample = network(torch.cat((estimate, hole, noise, estimate * hole, hole * 0 + SAMPLE_TIME, hole), dim=1))

    assert least < sample[hole > 0].std() < most
    assert sample[hole > 0].mean() == pytest.approx(100.0, abs=10.0)


def test_the_estimator_is_not_trained_and_validation_draws_a_sample_from_it() -> None:
    torch.manual_seed(0)
    network = small_network()
    estimator = with_weights_of(network)
    before = [parameter.clone() for parameter in estimator.parameters()]
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    data = {**batch(), SEED: torch.arange(COUNT)}
    trainer = SupervisedTrainer(
        device=torch.device("cpu"),
        max_epochs=1,
        train_data_loader=[data],
        network=network,
        optimizer=optimizer,
        loss_function=HoleRMSE(),
        iteration_update=lambda engine, data: sample_iteration(engine, data, EnergyScore(), estimator),
    )
    trainer.run()
    evaluator = SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=[data],
        network=network,
        iteration_update=lambda engine, data: sample_validation(engine, data, estimator),
        decollate=False,
    )
    evaluator.run()
    image, drawn = data["image"], evaluator.state.output["pred"]
    known = image[:, 1:] == 0

    assert all(torch.equal(*pair) for pair in zip(before, estimator.parameters(), strict=True))
    assert torch.equal(drawn[known], image[:, :1][known])
    assert (drawn - estimator(image))[~known].std() > 0.05


def test_an_extra_loss_gets_the_first_sample_and_the_truth_in_deviations_and_moves_the_network() -> None:
    torch.manual_seed(0)
    data = {**batch(), SEED: torch.arange(COUNT)}
    region = data["label"][:, 1:]
    given: list[tuple[torch.Tensor, ...]] = []

    def brightness(sample: torch.Tensor, truth: torch.Tensor, region: torch.Tensor) -> torch.Tensor:
        given.append((sample.detach(), truth, region))
        return 100.0 * (sample * region).mean()

    pulled: list[InpaintUNet] = []
    for extra in (None, brightness):
        torch.manual_seed(0)
        pulled.append(small_network())
        descend(pulled[-1], data, extra_loss=extra)
    sample, truth, of = given[0]

    assert torch.equal(of, region)
    assert truth.mean(dim=(1, 2, 3)).abs().max() < 1e-3
    assert truth.std(dim=(1, 2, 3)).sub(1.0).abs().max() < 1e-2
    assert torch.allclose(sample[region == 0], truth[region == 0])
    assert not torch.allclose(sample[region > 0], truth[region > 0])
    assert drawn(pulled[1], data) < drawn(pulled[0], data)


def descend(network: nn.Module, data: dict[str, torch.Tensor], **options: Any) -> None:
    """Take one step of plain descent."""
    SupervisedTrainer(
        device=torch.device("cpu"),
        max_epochs=1,
        train_data_loader=[data],
        network=network,
        optimizer=torch.optim.SGD(network.parameters(), lr=0.1),
        loss_function=HoleRMSE(),
        iteration_update=lambda engine, data: sample_iteration(engine, data, EnergyScore(), Means(), **options),
    ).run()


def drawn(network: InpaintUNet, data: dict[str, torch.Tensor]) -> float:
    """Mean of a network's samples in the holes."""
    evaluator = SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=[data],
        network=network,
        iteration_update=lambda engine, data: sample_validation(engine, data, Means()),
        decollate=False,
    )
    evaluator.run()
    return float(evaluator.state.output["pred"][data["label"][:, 1:] > 0].mean())


def with_weights_of(network: InpaintUNet) -> InpaintUNet:
    other = small_network().requires_grad_(False).eval()
    other.load_state_dict(network.state_dict())
    return other


def test_a_batch_in_parts_takes_the_step_of_the_whole_and_its_samples_belong_to_the_windows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(iteration, "has_bfloat16", lambda _device: False)  # whose sums depend on the parts
    torch.manual_seed(0)
    data = {**batch(), SEED: torch.arange(COUNT)}
    weights: list[list[torch.Tensor]] = []
    for parts in (1, 4):
        torch.manual_seed(parts)  # nothing may come from the global generator but the weights, made equal below
        network = InpaintUNet(channels=(8, 8), encoder_blocks=(1, 1), decoder_blocks=(1,), starts=True)
        for number, parameter in enumerate(network.parameters()):
            torch.nn.init.normal_(parameter, std=0.05, generator=torch.Generator().manual_seed(number))
        descend(network, data, parts=parts)
        weights.append([parameter.detach().clone() for parameter in network.parameters()])

    assert all(torch.allclose(one, other, atol=1e-6) for one, other in zip(*weights, strict=True))
