"""Muon optimiser (Jordan et al. 2024): orthogonalised momentum for matrices, AdamW for the rest."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from typing import Any

import torch
from torch import nn

from monai_inpaint.training.bfloat16 import has_bfloat16

_QUINTIC = (3.4445, -4.7750, 2.0315)  # Jordan et al. 2024: the steepest at 0 that keeps singular values in 0.7 to 1.2
_ROUNDS = 5
_ADAM_SIZE = 0.2  # root mean square of a step of Adam, which Muon's steps are scaled to (Liu et al. 2025)


class Muon(torch.optim.AdamW):
    """Muon (Jordan et al. 2024) for the weights between features, AdamW for all other parameters, one learning rate.

    A kernel (features out, features in, *spatial) counts as the matrix (features out, features in * spatial). Its
    momentum is made nearly orthogonal by a few rounds of a Newton-Schulz iteration; steps have the size that those of
    AdamW have (Liu et al. 2025, Muon is Scalable, equation 4), so that both share their learning rate.

    Args:
        network: whose parameters are trained.
        lr: learning rate.
        momentum: of Muon.
        betas, weight_decay: of AdamW; the decay is Muon's too.
        adam: names of modules whose weights are optimised by AdamW: those whose input is the image or the time, or
            whose output is the image.
    """

    def __init__(
        self,
        network: nn.Module,
        lr: float,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.98),
        weight_decay: float = 0.0,
        adam: Collection[str] = ("stem", "head", "pace", "through_stem", "through_head"),
    ) -> None:
        between: list[nn.Parameter] = []
        others: list[nn.Parameter] = []
        for name, parameter in network.named_parameters():
            if parameter.requires_grad:
                outer = parameter.ndim < 2 or not set(adam).isdisjoint(name.split("."))
                (others if outer else between).append(parameter)
        super().__init__(others, lr=lr, betas=tuple(betas), weight_decay=weight_decay)
        self.add_param_group({"params": between, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        for group in self.param_groups:
            if "momentum" in group:
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        self._turn(parameter, group)
                        parameter.grad = None  # so that AdamW passes it over
        return super().step(closure)

    def _turn(self, parameter: nn.Parameter, group: dict[str, Any]) -> None:
        state, gradient = self.state[parameter], parameter.grad
        if not state:
            state |= {"step": torch.zeros(()), "exp_avg": torch.zeros_like(parameter)}  # named as AdamW looks for them
        state["step"] += 1
        mean = state["exp_avg"]
        mean.lerp_(gradient, 1.0 - group["momentum"])
        matrix = torch.lerp(gradient, mean, group["momentum"]).flatten(1)
        size = group["lr"] * _ADAM_SIZE * math.sqrt(max(matrix.shape))
        parameter.mul_(1.0 - group["lr"] * group["weight_decay"])
        parameter.sub_(nearly_orthogonal(matrix).view_as(parameter), alpha=size)


def nearly_orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """Return the matrix with all its singular values brought near 1 (between 0.7 and 1.2 where they are not minute).

    In bfloat16 where the device computes in it, which the iteration tolerates (Jordan et al. 2024).
    """
    wide = matrix.shape[0] <= matrix.shape[1]
    turned = matrix if wide else matrix.T
    turned = turned / (turned.norm() + 1e-7)
    if has_bfloat16(matrix.device):
        turned = turned.bfloat16()
    first, third, fifth = _QUINTIC
    for _ in range(_ROUNDS):
        square = turned @ turned.T
        # addmm adds within the product, which is faster than sums of products and rounds less
        turned = torch.addmm(turned, torch.addmm(square, square, square, beta=third, alpha=fifth), turned, beta=first)
    return (turned if wide else turned.T).to(matrix.dtype)
