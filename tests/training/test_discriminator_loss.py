"""A discriminator as an extra loss learns in every call, and moves the fill, not itself, by the generator's loss."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from monai_inpaint.networks import MaskedDiscriminator
from monai_inpaint.training import DiscriminatorLoss, DiscriminatorTask, WithHole


def loss_by(discriminator: nn.Module, rate: float = 1e-3, weight: float = 0.2) -> DiscriminatorLoss:
    optimizer = torch.optim.Adam(discriminator.parameters(), rate)
    return DiscriminatorLoss(DiscriminatorTask(discriminator, optimizer, WithHole(), weight, penalty=0.1))


def pair() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A smooth fill of textured images, and the hole in their middle."""
    torch.manual_seed(0)
    truth, region = torch.randn(8, 1, 32, 32), torch.zeros(8, 1, 32, 32)
    region[..., 8:24, 8:24] = 1
    return truth * (1 - region), truth, region


def test_it_learns_to_tell_a_smooth_fill_from_texture() -> None:
    torch.manual_seed(0)
    loss = loss_by(MaskedDiscriminator(features=8, levels=3))

    losses = [float(loss(*pair()).detach()) for _ in range(40)]

    assert losses[-1] > 2 * losses[0]


def test_the_generators_loss_counts_with_its_weight_and_pulls_at_the_fill_alone() -> None:
    fill, truth, region = pair()
    fill.requires_grad_()
    torch.manual_seed(0)
    discriminator = MaskedDiscriminator(features=8, levels=3)
    light, heavy = (loss_by(discriminator, 0.0, weight) for weight in (0.2, 2.0))

    tenfold = float(heavy(fill, truth, region).detach())
    loss = light(fill, truth, region)
    discriminator.zero_grad(set_to_none=True)
    loss.backward()

    assert tenfold == pytest.approx(10 * float(loss.detach()), rel=1e-5)
    assert fill.grad is not None
    assert fill.grad.abs().sum() > 0
    assert all(weights.grad is None for weights in discriminator.parameters())
