"""The energy distance between two batches: least where both are drawn from one distribution."""

from __future__ import annotations

import pytest
import torch

from monai_inpaint.losses import EnergyDistance

COUNT, SIDE = 256, 16


def images(mean: float = 0.0, deviation: float = 1.0, alike: float = 0.5) -> torch.Tensor:
    """White noise of which a share is the same in all of an image."""
    return mean + deviation * (torch.randn(COUNT, 1, SIDE, SIDE) + alike * torch.randn(COUNT, 1, 1, 1))


def test_batches_of_one_distribution_are_next_to_no_distance_apart() -> None:
    torch.manual_seed(0)

    assert float(EnergyDistance()(images(), images())) == pytest.approx(0.0, abs=0.15)


@pytest.mark.parametrize("other", [{"mean": 0.5}, {"deviation": 0.7}, {"deviation": 1.4}, {"alike": 2.0}])
def test_batches_of_other_distributions_are_farther_apart(other: dict[str, float]) -> None:
    torch.manual_seed(0)

    assert float(EnergyDistance()(images(**other), images())) > 0.3


def test_equal_images_in_a_batch_give_finite_slopes() -> None:
    drawn = torch.zeros(4, 1, SIDE, SIDE, requires_grad=True)
    EnergyDistance()(drawn, images()[:4]).backward()

    assert drawn.grad is not None
    assert torch.isfinite(drawn.grad).all()
