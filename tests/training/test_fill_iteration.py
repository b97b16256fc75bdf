"""Training samples: what fills of one hole differ in is learned from the data."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.engines import SupervisedTrainer

from monai_inpaint.fill.sampler import SAMPLE_TIME, multiscale_noise
from monai_inpaint.losses import EnergyScore, HoleRMSE
from monai_inpaint.networks import InpaintUNet
from monai_inpaint.training import fill_iteration, iteration
from monai_inpaint.training.draws import SEED

COUNT, SIDE = 16, 32


def batch() -> dict[str, torch.Tensor]:
    """Textures of mean 100 and deviation 30, which say little of one another across 16 voxels."""
    truth = 100.0 + 30.0 * torch.randn(COUNT, 1, SIDE, SIDE)
    hole = torch.zeros(COUNT, 1, SIDE, SIDE)
    hole[..., 8:24, 8:24] = 1.0
    return {"image": torch.cat((truth * (1.0 - hole), hole), dim=1), "label": torch.cat((truth, hole), dim=1)}


def test_samples_learn_to_vary_as_the_data_do_and_the_estimate_stays_their_mean() -> None:
    torch.manual_seed(0)
    network = InpaintUNet(channels=(8, 8, 16, 16), encoder_blocks=(1, 1, 1, 1), decoder_blocks=(1, 1, 1))
    trainer = SupervisedTrainer(
        device=torch.device("cpu"),
        max_epochs=1,
        train_data_loader=[batch() for _ in range(150)],
        network=network,
        optimizer=torch.optim.AdamW(network.parameters(), lr=3e-3),
        loss_function=HoleRMSE(),
        iteration_update=lambda engine, data: fill_iteration(engine, data, EnergyScore(), sampled=1.0),
    )
    trainer.run()

    image = batch()["image"]
    hole = image[:, 1:]
    network.eval()
    with torch.no_grad():
        estimate = network(image)
        random = np.random.default_rng(0)
        drawn = np.stack([multiscale_noise((SIDE, SIDE), random)[None] for _ in range(COUNT)])
        noise = torch.from_numpy(drawn) * hole
        sample = network(torch.cat((image, noise, estimate * hole, torch.full_like(hole, SAMPLE_TIME)), dim=1))

    assert estimate[hole > 0].std() < 12.0
    assert 24.0 < sample[hole > 0].std() < 36.0
    assert sample[hole > 0].mean() == pytest.approx(100.0, abs=10.0)


def test_a_batch_in_parts_takes_the_step_of_the_whole_and_its_samples_belong_to_the_windows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(iteration, "has_bfloat16", lambda _device: False)  # whose sums depend on the parts
    torch.manual_seed(0)
    data = {**batch(), SEED: torch.arange(COUNT)}
    weights: list[list[torch.Tensor]] = []
    for parts in (1, 4):
        torch.manual_seed(parts)  # nothing may come from the global generator but the weights, made equal below
        network = InpaintUNet(channels=(8, 8), encoder_blocks=(1, 1), decoder_blocks=(1,))
        for number, parameter in enumerate(network.parameters()):
            torch.nn.init.normal_(parameter, std=0.05, generator=torch.Generator().manual_seed(number))
        trainer = SupervisedTrainer(
            device=torch.device("cpu"),
            max_epochs=1,
            train_data_loader=[data],
            network=network,
            optimizer=torch.optim.SGD(network.parameters(), lr=0.1),
            loss_function=HoleRMSE(),
            iteration_update=lambda engine, data, parts=parts: fill_iteration(
                engine, data, EnergyScore(), 0.5, parts=parts
            ),
        )
        trainer.run()
        weights.append([parameter.detach().clone() for parameter in network.parameters()])

    assert all(torch.allclose(one, other, atol=1e-6) for one, other in zip(*weights, strict=True))
