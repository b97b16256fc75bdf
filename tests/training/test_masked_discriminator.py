"""The discriminator that sees the hole: its gradient penalty, and the distance by which its generator is chosen."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from training_samples import image_features

from monai_inpaint.metrics.fill_frechet import FillFrechet
from monai_inpaint.networks import MAT, MaskedDiscriminator
from monai_inpaint.training import DiscriminatorTask, WithHole, equalised, repeated
from monai_inpaint.training.filled_batch import FilledBatch

SIDE = 32


def batch() -> FilledBatch:
    torch.manual_seed(0)
    truth, region = torch.randn(4, 1, SIDE, SIDE), torch.zeros(4, 1, SIDE, SIDE)
    region[..., 8:20, 8:20] = 1
    image = torch.cat((truth * (1 - region), region, torch.randn_like(truth)), dim=1)
    label = torch.cat((truth, region), dim=1)
    return FilledBatch.of(torch.zeros_like(truth), image, label, (0.0, 1.0), (torch.zeros_like(truth),))


def slope(discriminator: MaskedDiscriminator, filled: FilledBatch) -> float:
    """The mean squared gradient at the truth."""
    shown = filled.truth.clone().requires_grad_(True)
    (found,) = torch.autograd.grad(discriminator(WithHole()(shown, filled)[0]).sum(), shown)
    return float(found.square().sum(dim=(1, 2, 3)).mean())


def learned(penalty: float) -> tuple[float, int]:
    """How steep the discriminator is after 40 steps, and how often it was penalised."""
    torch.manual_seed(1)
    discriminator, filled = MaskedDiscriminator(4, 2), batch()
    task = DiscriminatorTask(
        discriminator, torch.optim.Adam(discriminator.parameters(), 3e-3), WithHole(), 1.0, penalty=penalty
    )
    taken, asked = task._penalty, []
    task._penalty = lambda one: asked.append(1) or taken(one)  # type: ignore[method-assign]
    for _ in range(40):
        measured = task.learn(filled)
    assert measured.keys() == {"value", "real", "filled"}
    return slope(discriminator, filled), len(asked)


def test_the_gradient_penalty_is_taken_in_every_sixteenth_step_and_flattens_the_discriminator() -> None:
    steep, flat = learned(0.0), learned(1.0)

    assert (steep[1], flat[1]) == (0, 3)
    assert flat[0] < 0.5 * steep[0]


def test_the_penalty_is_half_the_squared_gradient_at_the_truth_times_its_interval() -> None:
    torch.manual_seed(1)
    discriminator, filled = MaskedDiscriminator(4, 2), batch()
    task = DiscriminatorTask(discriminator, torch.optim.Adam(discriminator.parameters()), WithHole(), 1.0, penalty=2.0)

    assert float(task._penalty(filled)) == pytest.approx(16 * slope(discriminator, filled), rel=1e-4)


def test_the_first_stage_can_have_a_discriminator_too() -> None:
    discriminator = MaskedDiscriminator(4, 2)
    filled = batch()._replace(stages=(torch.ones(4, 1, SIDE, SIDE, requires_grad=True),))
    task = DiscriminatorTask(discriminator, torch.optim.Adam(discriminator.parameters()), WithHole(), 1.0, on="coarse")

    task.learn(filled.detached())
    task.term(filled).backward()

    grad = filled.stages[0].grad
    assert grad is not None
    assert grad.any()


def test_the_distance_is_nothing_of_the_truth_and_grows_with_blur(tmp_path: Path) -> None:
    torch.manual_seed(0)
    truth = torch.rand(6, 1, SIDE, SIDE) * 255
    target = torch.cat((truth, torch.ones_like(truth)), dim=1)
    distances = []
    for passes in (0, 1, 3):
        made = truth
        for _ in range(passes):
            made = torch.nn.functional.avg_pool2d(made, 5, 1, 2)
        metric = FillFrechet(image_features(tmp_path), 255.0)
        metric(made, target)
        distances.append(-float(metric.aggregate()))

    assert distances[0] == pytest.approx(0, abs=1e-3)
    assert distances[0] < distances[1] < distances[2]


def test_entries_are_repeated_under_names_of_their_own() -> None:
    entries = repeated([{"image": 1, "name": "a"}, {"image": 2, "name": "b"}], 2)

    assert [entry["name"] for entry in entries] == ["a#0", "b#0", "a#1", "b#1"]
    assert [entry["image"] for entry in entries] == [1, 2, 1, 2]


def test_the_networks_first_stage_comes_composited() -> None:
    net = MAT(features=8, heads=2, depths=(1,) * 5, windows=(4,) * 5, widths=(8, 8, 8), refining=(8, 8, 8), style=8,
              side=SIDE, limits=(-1.0, 1.0)).eval()  # fmt: skip
    x = torch.rand(1, 3, SIDE, SIDE)
    x[:, 1] = (x[:, 1] > 0.5).float()
    x[:, 0] *= 1 - x[:, 1]

    _, (first,) = net(x, composited=False)

    known = x[:, 1:2] == 0
    torch.testing.assert_close(first[known], x[:, :1][known])


def test_an_equalised_step_changes_a_weight_by_a_share_of_its_first_size() -> None:
    layer = torch.nn.Conv2d(4, 2, 5)
    first = [values.detach().clone() for values in layer.parameters()]
    step = torch.optim.Adam(equalised(layer, 0.001), betas=(0.0, 0.99))
    layer(torch.randn(1, 4, 8, 8)).square().sum().backward()
    step.step()

    weight, bias = ((now - before).abs() for now, before in zip(layer.parameters(), first, strict=True))
    torch.testing.assert_close(weight, torch.full_like(weight, 0.0001), rtol=0.01, atol=0)
    torch.testing.assert_close(bias, torch.full_like(bias, 0.001), rtol=0.01, atol=0)
