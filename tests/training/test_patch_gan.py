"""A regressor with a PatchGAN loss: one step of each, counted where the hole is."""

from __future__ import annotations

import pytest
import torch
from monai.networks.nets import PatchDiscriminator
from torch import nn

from monai_inpaint.training import PatchGANLoss


def patch_gan(discriminator: nn.Module, weight: float = 0.2) -> PatchGANLoss:
    return PatchGANLoss(discriminator, torch.optim.Adam(discriminator.parameters(), 1e-3), weight)


def pair() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A smooth fill of textured images, and the hole in their middle."""
    torch.manual_seed(0)
    truth, region = torch.randn(4, 1, 64, 64), torch.zeros(4, 1, 64, 64)
    region[..., 16:48, 16:48] = 1
    return truth * (1 - region), truth, region


def test_the_adversary_learns_to_tell_a_smooth_fill_from_texture() -> None:
    fill, truth, region = pair()
    loss = patch_gan(PatchDiscriminator(spatial_dims=2, channels=8, in_channels=2))

    losses = [float(loss(fill, truth, region).detach()) for _ in range(30)]

    assert losses[-1] > 0.08  # of 0.1 where every fill is recognised
    assert losses[-1] > losses[0]


def test_the_generators_loss_counts_with_its_weight_and_pulls_at_the_fill_only_in_reach_of_the_hole() -> None:
    fill, truth, region = pair()
    region = torch.zeros_like(region)
    region[..., :4, :4] = 1
    torch.manual_seed(0)
    network = nn.Conv2d(2, 1, 4, stride=4)
    light, heavy = (patch_gan(nn.Sequential(*[_copy(network)]), weight) for weight in (0.2, 2.0))
    fill.requires_grad_()

    loss = light(fill, truth, region)
    loss.backward()

    assert float(heavy(fill, truth, region).detach()) == pytest.approx(10 * float(loss.detach()), rel=1e-5)
    assert fill.grad is not None
    assert fill.grad[..., :4, :4].abs().min() > 0
    assert not fill.grad[..., 4:, :].any()
    assert not fill.grad[..., 4:].any()


def _copy(network: nn.Conv2d) -> nn.Module:
    twin = nn.Conv2d(2, 1, 4, stride=4)
    twin.load_state_dict(network.state_dict())
    return twin
