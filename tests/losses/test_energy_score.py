"""The energy score of samples: lowest, in the mean, for the distribution that the truth comes from."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F

from monai_inpaint.losses import EnergyScore

COUNT, SIDE = 400, 32

Maker = Callable[[], torch.Tensor]


def texture() -> torch.Tensor:
    """Images that vary at every scale."""
    coarse = F.interpolate(torch.randn(COUNT, 1, SIDE // 8, SIDE // 8), scale_factor=8.0, mode="bilinear")
    return 0.5 * torch.randn(COUNT, 1, SIDE, SIDE) + coarse


def region() -> torch.Tensor:
    marked = torch.zeros(COUNT, 1, SIDE, SIDE)
    marked[..., 8:24, 8:24] = 1.0
    return marked


def mean_score(make: Maker, features: Callable[[torch.Tensor], list[torch.Tensor]] | None = None) -> float:
    torch.manual_seed(0)
    truth, inside = texture(), region()
    first, second = (make() * inside + truth * (1.0 - inside) for _ in range(2))
    return float(EnergyScore(features)(first, second, truth, inside, 1.0 - inside))


def gradients(image: torch.Tensor) -> list[torch.Tensor]:
    return [image, torch.cat((image.diff(dim=2)[..., :-1], image.diff(dim=3)[..., :-1, :]), dim=1)]


@pytest.mark.parametrize("features", [None, gradients])
@pytest.mark.parametrize(
    "other",
    [
        pytest.param(lambda: 0.5 * texture(), id="varies too little"),
        pytest.param(lambda: 1.6 * texture(), id="varies too much"),
        pytest.param(lambda: texture() + 0.7, id="biased"),
        pytest.param(lambda: torch.zeros(COUNT, 1, SIDE, SIDE), id="the expected value alone"),
        pytest.param(lambda: F.avg_pool2d(texture(), 3, stride=1, padding=1), id="smooth"),
        pytest.param(lambda: torch.randn(COUNT, 1, SIDE, SIDE), id="white noise"),
    ],
)
def test_samples_of_the_true_distribution_score_better_than_others(
    other: Maker, features: Callable[[torch.Tensor], list[torch.Tensor]] | None
) -> None:
    assert mean_score(texture, features) < mean_score(other, features)


def test_samples_that_equal_the_truth_score_next_to_nothing() -> None:
    truth, inside = texture(), region()

    assert float(EnergyScore(gradients)(truth, truth, truth, inside, 1.0 - inside)) < 0.002


def test_windows_of_bare_air_with_one_value_give_finite_scores_and_slopes() -> None:
    truth, inside = torch.zeros(COUNT, 1, SIDE, SIDE), region()
    first, second = ((torch.randn_like(truth) * inside).requires_grad_() for _ in range(2))
    score = EnergyScore(gradients)(first, second, truth, inside, 1.0 - inside)
    score.backward()

    assert torch.isfinite(score)
    assert first.grad is not None
    assert torch.isfinite(first.grad).all()


def test_two_samples_are_alike_for_the_score() -> None:
    truth, inside = texture(), region()
    first, second = (texture() * inside + truth * (1.0 - inside) for _ in range(2))
    score = EnergyScore()

    assert score(first, second, truth, inside, 1.0 - inside) == pytest.approx(
        float(score(second, first, truth, inside, 1.0 - inside))
    )
