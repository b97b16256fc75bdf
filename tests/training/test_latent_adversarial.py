"""Training of a generator from noise: both learn, in turn, and validation draws the same examples again."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from monai.engines.utils import default_prepare_batch

from monai_inpaint.losses import EnergyDistance
from monai_inpaint.networks import NoduleShapeDiscriminator, NoduleShapeGenerator
from monai_inpaint.synthesis.nodules.outline import DIAMETER, field_of, ks_distance, measures, normalised_field
from monai_inpaint.training import (
    LatentAdversarialIteration,
    ShapeDistance,
    latent_cases,
    latent_energy_iteration,
    latent_validation,
)


def disc(radius: float, stretch: float = 1.0) -> np.ndarray:
    rows, columns = np.mgrid[:128, :128] - 63.5
    return np.hypot(rows * stretch, columns / stretch) < radius


def engine(network: torch.nn.Module) -> Any:
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    return SimpleNamespace(
        network=network,
        optimizer=optimizer,
        prepare_batch=default_prepare_batch,
        state=SimpleNamespace(device=torch.device("cpu"), iteration=1, epoch=1, output=None),
        non_blocking=False,
        to_kwargs={},
        fire_event=lambda _: None,
    )


def batch() -> dict[str, torch.Tensor]:
    fields = torch.stack([torch.from_numpy(field_of(disc(25, s)))[None] for s in (1.0, 1.1, 1.2, 0.9)])
    return {"image": fields, "label": fields}


def weights(network: torch.nn.Module) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in network.parameters()]


@pytest.mark.parametrize("penalty", [0.0, 1.0])
def test_an_iteration_trains_both(penalty: float) -> None:
    torch.manual_seed(0)
    network, discriminator = NoduleShapeGenerator(16), NoduleShapeDiscriminator(16)
    step = LatentAdversarialIteration(discriminator, torch.optim.Adam(discriminator.parameters(), 1e-3), penalty)
    before = weights(network), weights(discriminator)

    output = step(engine(network), batch())

    assert output["pred"].shape == (4, 1, 128, 128)
    assert {"loss", "real", "drawn"} <= output.keys()
    for old, trained in zip(before, (network, discriminator), strict=True):
        assert any(not torch.equal(a, b) for a, b in zip(old, trained.parameters(), strict=True))


def test_the_discriminator_learns_to_tell_real_from_drawn() -> None:
    torch.manual_seed(0)
    network, discriminator = NoduleShapeGenerator(16), NoduleShapeDiscriminator(16)
    step = LatentAdversarialIteration(discriminator, torch.optim.Adam(discriminator.parameters(), 2e-3))
    here = engine(network)
    here.optimizer = torch.optim.SGD(network.parameters(), 0.0)

    learned = [step(here, batch()) for _ in range(40)]

    assert learned[-1]["real"] - learned[-1]["drawn"] > learned[0]["real"] - learned[0]["drawn"]


def test_the_energy_distance_alone_brings_what_is_drawn_nearer_to_the_real() -> None:
    torch.manual_seed(0)
    here = engine(NoduleShapeGenerator(16))
    here.loss_function = EnergyDistance()

    losses = [float(latent_energy_iteration(here, batch())["loss"]) for _ in range(25)]

    assert np.mean(losses[-5:]) < 0.95 * np.mean(losses[:5])


def test_a_loss_that_is_no_number_ends_the_training() -> None:
    network, discriminator = NoduleShapeGenerator(16), NoduleShapeDiscriminator(16)
    step = LatentAdversarialIteration(discriminator, torch.optim.SGD(discriminator.parameters(), 0.0))
    broken = {name: values * float("nan") for name, values in batch().items()}

    with pytest.raises(FloatingPointError):
        step(engine(network), broken)


def test_every_validation_draws_the_same() -> None:
    here = engine(NoduleShapeGenerator(16))

    first, second = (latent_validation(here, batch())["pred"] for _ in range(2))

    assert torch.equal(first, second)
    assert torch.equal(latent_cases(3, 1)[2]["image"], latent_cases(3, 1)[2]["image"])


def test_the_distance_is_none_between_the_same_outlines_and_one_between_others() -> None:
    round_ones = torch.stack([torch.from_numpy(field_of(disc(r)))[None] for r in (20, 22, 24, 26)])
    long_ones = torch.stack([torch.from_numpy(field_of(disc(r, 1.5)))[None] for r in (20, 22, 24, 26)])
    metric = ShapeDistance()

    metric(round_ones, round_ones)
    assert float(metric.aggregate()) == 0.0
    metric.reset()
    metric(long_ones, round_ones)
    assert float(metric.aggregate()) == -1.0
    metric.reset()
    metric(-torch.ones_like(round_ones), round_ones)
    assert float(metric.aggregate()) == -1.0


def test_kolmogorov_and_smirnov_agree() -> None:
    assert ks_distance(np.array([1, 2, 3, 4]), np.array([1, 2, 3, 4])) == 0
    assert ks_distance(np.array([1, 2]), np.array([3, 4])) == 1
    assert ks_distance(np.array([1, 2, 3, 4]), np.array([3, 4, 5, 6])) == 0.5


@pytest.mark.parametrize("pixels", [4, 9, 20])
def test_outlines_of_any_size_become_one_size_without_the_steps_of_their_pixels(pixels: int) -> None:
    rows, columns = np.mgrid[:64, :64] - 31.3
    small = np.hypot(rows * 1.2, columns / 1.2) < pixels

    field = normalised_field(small)

    mask = field > 0
    area, long, solid = measures(mask)
    rows_of, columns_of = np.nonzero(mask)
    assert field.shape == (128, 128)
    assert 4 * np.sqrt(mask.sum() / np.pi) / 2 == pytest.approx(DIAMETER, rel=0.06)
    assert abs(rows_of.mean() - 63.5) < 1.5
    assert abs(columns_of.mean() - 63.5) < 1.5
    assert long == pytest.approx(1.44, rel=0.1)
    assert solid > 0.95
    assert area == pytest.approx(np.pi * 50**2 * 0.97, rel=0.05)
